r"""9. Matrix games, Shampoo and S-Shampoo
======================================

If the decision is a matrix, like a layer of a network, full-matrix AdaGrad would keep :math:`(mn)^2` numbers.
**Shampoo** (Gupta, Koren and Singer 2018) keeps one matrix for the rows and one for the columns, **S-Shampoo**
(Feinberg et al. 2023) a sketch of each, which is less than the decision itself. Are the spectra concentrated enough for
a sketch? You look at the gradient spectra of a network while it trains.
About 50 minutes; it runs in about ten seconds, half of which is loading PyTorch. Builds on lesson 7.
"""

# %%
# Two small matrices for a large one
# ----------------------------------
#
# The decision is X, m by n, the gradient :math:`G_t` of the same shape, :math:`g_t` its mn entries row by row. Shampoo:
#
# .. math:: L_t = L_{t-1} + G_t G_t^\top, \qquad R_t = R_{t-1} + G_t^\top G_t, \qquad
#           X_{t+1} = \Pi\bigl(X_t - \eta\, L_t^{-1/4} G_t R_t^{-1/4}\bigr) .
#
# It is AdaGrad with the matrix :math:`H_t = L_t^{1/4} \otimes R_t^{1/4}`, for
# :math:`(A \otimes B)\, \mathrm{vec}(X) = \mathrm{vec}(A X B^\top)` row by row. Why fourth roots?
#
# **Lemma** (Gupta, Koren and Singer 2018, Lemma 8). If all gradients have rank r or less, and L, R start from
# :math:`\varepsilon I`,
#
# .. math:: \varepsilon I + \frac1r \sum_t g_t g_t^\top \;\preceq\; L_T^{1/2} \otimes R_T^{1/2} .
#
# *Sketch of the proof.* With the singular value decomposition :math:`G = \sum_{i \le r} \sigma_i u_i v_i^\top`, the
# vector g is a sum of r terms, so :math:`g g^\top \preceq r \sum_i \sigma_i^2 (u_i u_i^\top) \otimes (v_i v_i^\top)`,
# which is below both :math:`r\, (G G^\top) \otimes I` and :math:`r\, I \otimes (G^\top G)`. Sum over t: the left side
# is below :math:`L \otimes I` and below :math:`I \otimes R`. These commute, and then it is below their geometric mean
# :math:`(L \otimes I)^{1/2} (I \otimes R)^{1/2} = L^{1/2} \otimes R^{1/2}` (Ando 2004).
#
# So :math:`H_t^2` dominates the covariance up to r, and :math:`H_t` never shrinks, because L and R only grow and their
# Kronecker product with them. These are the two properties that lesson 7's proof needs of a preconditioner. With
# :math:`\eta = D / \sqrt{2 r}`
#
# .. math:: \text{regret} \le \sqrt{2 r}\, D\; \mathrm{tr}(L_T^{1/4})\; \mathrm{tr}(R_T^{1/4}) \tag{10}\label{eq:10}
#
# (Theorem 7 there). The lemma on random gradients of rank 2:

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import oco
from oco.checks import CheckFailed, exercise
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.style import base_style, learner_style

plt.rcParams.update(base_style())


def root(matrix, power):
    """A power of a positive definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values**power) @ vectors.T


generator = np.random.default_rng(0)
left, right, covariance = 0.01 * np.eye(4), 0.01 * np.eye(5), 0.01 * np.eye(20)
for _ in range(50):
    gradient = generator.standard_normal((4, 2)) @ generator.standard_normal((2, 5))
    left, right = left + gradient @ gradient.T, right + gradient.T @ gradient
    covariance += np.outer(gradient.ravel(), gradient.ravel()) / 2.0
smallest = np.linalg.eigvalsh(np.kron(root(left, 0.5), root(right, 0.5)) - covariance)[
    0
]
print(f"smallest eigenvalue of the difference: {smallest:.3f}")
assert smallest > 0.0

# %%
# Memory and regret
# -----------------
#
# S-Shampoo keeps for each side a sketch of rank k with its escaped mass: :math:`k (m + n) + 2 k + 2` numbers.
#
# **Predict before you run.** A regression with an 8 by 16 matrix and features whose variances fall as :math:`1 / i^2`.
# Sort by regret: gradient descent, diagonal AdaGrad, Shampoo, S-Shampoo at rank 1 and 4. Sort by memory.

game = oco.environments.MatrixRegression(
    (8, 16),
    600,
    spectrum={"kind": "power_law", "exponent": 2.0},
    noise=0.0,
    domain=oco.FrobeniusBall(radius=1.0),
)
players = {
    "gradient descent": ("ogd", oco.OGD),
    "diagonal AdaGrad": ("diagonal_adagrad", oco.DiagonalAdaGrad),
    "Shampoo": ("shampoo", lambda rate: oco.Shampoo(rate, delta=1e-6)),
    "S-Shampoo, rank 1": (
        "sketched_shampoo",
        lambda rate: oco.SketchedShampoo(1, rate, delta=1e-6),
    ),
    "S-Shampoo, rank 4": (
        "sketched_shampoo",
        lambda rate: oco.SketchedShampoo(4, rate, delta=1e-6),
    ),
}
figure, axes = plt.subplots(figsize=(5.4, 3.2), layout="constrained")
labels = DirectLabels(axes)
results = {}
for name, (kind, make) in players.items():
    records = [
        oco.play(game, make(rate), checkpoints=1, spectrum=False, comparator=False)
        for rate in (0.05, 0.15, 0.5, 3.0)
    ]
    best = min(
        records, key=lambda record: record.cumulative_loss
    )  # without noise the regret is the loss
    results[name] = best.cumulative_loss, best.state_floats - 128
    style = learner_style(kind)
    axes.plot(
        max(results[name][1], 1),
        best.cumulative_loss,
        style.marker,
        color=style.color,
        markersize=6,
    )
    labels.near(
        f"  {name}  ", max(results[name][1], 1), best.cumulative_loss, style.ink
    )
    print(
        f"{name:18s} regret {best.cumulative_loss:5.2f}   {results[name][1]:4d} "
        "floats besides the decision's 128"
    )
axes.axvline(128, color="#AAAAAA", linestyle="--", linewidth=0.8)
axes.text(
    122,
    0.95,
    "size of the decision",
    rotation=90,
    color="#666666",
    ha="right",
    va="top",
)
axes.set(
    xscale="log",
    ylim=(0.25, 1.1),
    xlabel="floats besides the decision",
    ylabel="regret of 600 rounds, tuned",
)
axes.set_title("Between gradient descent and Shampoo")
plt.show()

# %%
# *Answer.* Shampoo has the smallest regret and the largest memory. S-Shampoo at rank 1 has the regret of diagonal
# AdaGrad with a fifth of its memory; a larger rank moves it toward Shampoo, slowly here. Shampoo's state is larger
# than the decision, diagonal AdaGrad's is as large, and the sketches are smaller: for a layer of 4,096 by 4,096 and
# rank 64, a thirty-second of the decision.

assert results["Shampoo"][0] < 0.8 * results["diagonal AdaGrad"][0]
assert results["S-Shampoo, rank 1"][0] < results["gradient descent"][0]
assert results["Shampoo"][0] == min(regret for regret, _ in results.values())
assert results["Shampoo"][1] == max(floats for _, floats in results.values()) > 128
ratio = results["S-Shampoo, rank 1"][0] / results["diagonal AdaGrad"][0]
assert 0.9 < ratio < 1.1
assert results["S-Shampoo, rank 1"][1] < 0.25 * results["diagonal AdaGrad"][1]
assert results["S-Shampoo, rank 4"][0] < results["S-Shampoo, rank 1"][0]
print(f"S-Shampoo at rank 1 has {ratio:.2f} times the regret of diagonal AdaGrad")

# %%
# Is there anything to sketch?
# ----------------------------
#
# `(6) <lesson_06_frequent_directions.html>`_ says that a sketch is good where the spectrum is concentrated. A small
# network learns handwritten digits with Adam, while ``SpectrumProbe`` follows the covariances :math:`\sum_t
# \beta^{T-t} G_t G_t^\top` of the gradients of its layers, and of *random* matrices of the same size as a control.
#
# **Predict before you run.** In a layer with 96 inputs, which share of the gradient's covariance is in the top eighth
# of its directions: an eighth (as for noise), a half, or nine tenths?

try:
    import torch

    from oco.torch import SpectrumProbe
except ImportError:
    torch = None
    print(
        "PyTorch is not installed (pip install 'oco-regret[torch]'): the spectra of a "
        "network are left out."
    )

if torch is not None:
    torch.manual_seed(0)
    images, digits = load_digits(return_X_y=True)
    images, digits = (
        torch.tensor(images / 16.0, dtype=torch.float32),
        torch.tensor(digits),
    )
    network = torch.nn.Sequential(
        torch.nn.Linear(64, 96),
        torch.nn.ReLU(),
        torch.nn.Linear(96, 96),
        torch.nn.ReLU(),
        torch.nn.Linear(96, 10),
    )
    optimizer, probe, shares = (
        torch.optim.Adam(network.parameters(), 1e-3),
        SpectrumProbe(network, beta2=0.95),
        [],
    )
    for step in range(1, 241):
        batch = torch.randint(len(images), (64,))
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(images[batch]), digits[batch])
        loss.backward()
        optimizer.step()
        probe.update()
        if step % 40 == 0:
            shares += [row for row in probe.snapshot(step) if row["dim"] >= 64]
    figure, axes = plt.subplots(figsize=(5.2, 3.0), layout="constrained")
    for source, color, text in (
        ("gradient", "#0072B2", "gradients of the layers"),
        ("control", "#888888", "random control"),
    ):
        steps = sorted({row["step"] for row in shares})
        bands = [
            [
                row["top_eighth"][0]
                for row in shares
                if (row["step"], row["source"]) == (s, source)
            ]
            for s in steps
        ]
        axes.fill_between(
            steps,
            [min(band) for band in bands],
            [max(band) for band in bands],
            color=color,
            alpha=0.25,
        )
        axes.plot(steps, [np.median(band) for band in bands], color=color)
        axes.text(140, min(bands[3]) - 0.07, text, color=color, ha="center")
        print(f"{source}: smallest share {min(map(min, bands)):.2f}")
        if source == "gradient":
            least = min(min(band) for band in bands)
    axes.axhline(1 / 8, color="#AAAAAA", linestyle=":")
    axes.set(
        xlabel="step of training", ylabel="share in the top eighth", ylim=(0, 1.05)
    )
    axes.set_title("A network learns, and noise")
    plt.show()

# %%
# *Answer.* About nine tenths or more, in every layer, from the start to the end. That is why a sketch of rank k can
# replace the matrix. The control is needed because a moving average over few steps concentrates even noise: its band
# lies above an eighth.

if torch is not None:
    assert least > 0.85

# %%
# Exercises
# ---------
#
# **9.1** A layer is 1,000 by 4,000. How many times more numbers do both matrices of Shampoo hold than both sketches of
# S-Shampoo at rank 16, with :math:`k (m + n) + 2 k + 2`?


def memory_ratio():
    return None  # your number


exercise("9.1", memory_ratio, digest="e9dc3b2a92c15f6a", digits=13)

# %%
# **9.2** Write one step of Shampoo: from L, R (before the step), G and a learning rate, return the new L, the new R and
# *what is subtracted* from X. ``root`` above helps.


def shampoo_step(left, right, gradient, learning_rate):
    raise NotImplementedError(
        "return L + G G', R + G' G and learning_rate * L^(-1/4) G R^(-1/4) with the "
        "new L and R"
    )


def check_shampoo():
    source = np.random.default_rng(1)
    left, right, point = 0.1 * np.eye(3), 0.1 * np.eye(4), np.zeros((3, 4))
    player = oco.Shampoo(0.2, delta=0.1)
    player.start(oco.Problem(oco.Unbounded((3, 4)), horizon=5))
    for round_number in range(1, 6):
        gradient = source.standard_normal((3, 4))
        left, right, step = shampoo_step(left, right, gradient, 0.2)
        point = point - step
        player.update(gradient)
        if not np.allclose(point, player.prediction, atol=1e-8):
            raise CheckFailed(
                f"after round {round_number} your point differs from that of "
                "oco.Shampoo: which L did you use?"
            )


exercise("9.2", check_shampoo)

# %%
# **9.3** AdaGrad's matrix of Shampoo is a Kronecker product that nobody forms. Return
# :math:`(A \otimes B)\, \mathrm{vec}(X)` as a matrix of the shape of X, in :math:`O(m^2 n + m n^2)`.


def kronecker_times(a, b, x):
    raise NotImplementedError(
        "return the m by n matrix whose entries, row by row, are (A kron B) vec(X)"
    )


def check_kronecker():
    source = np.random.default_rng(2)
    a, b, x = (
        source.standard_normal((3, 3)),
        source.standard_normal((4, 4)),
        source.standard_normal((3, 4)),
    )
    found = np.asarray(kronecker_times(a, b, x))
    if found.shape != (3, 4) or not np.allclose(
        found.ravel(), np.kron(a, b) @ x.ravel()
    ):
        raise CheckFailed(
            "this is not (A kron B) vec(X): which side does B stand on, and is it "
            "transposed?"
        )


exercise("9.3", check_kronecker)
