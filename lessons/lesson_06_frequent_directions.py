r"""6. Frequent Directions, seen and proved
=======================================

A stream of vectors :math:`g_1, g_2, \dots` in d dimensions has the covariance :math:`G = \sum_t g_t g_t^\top`, which
takes :math:`d^2` numbers. **Frequent Directions** (Liberty 2013; Ghashami, Liberty, Phillips and Woodruff 2016) keeps k
directions and one more number, which bounds its error. Few sketches have a proof that fits on half a page.
About 45 minutes; it runs in a few seconds. Needs only the matrix of lesson 5.
"""

# %%
# Count votes, then directions
# ----------------------------
#
# Which candidates have more than a third of the votes, if you may keep only *two* counters? Misra and Gries (1982) add
# a vote to its candidate's counter, or to a free counter. If there is none, they discard the new vote and take one off
# **every** counter. Each such step removes three votes, so it happens at most T/3 times, and no count is off by more
# than T/3.
#
# Frequent Directions does the same with eigenvalues in place of counts. For each vector g:
#
# 1. diagonalize :math:`\bar G + g g^\top`, which has at most k + 1 positive eigenvalues;
# 2. let :math:`\rho_t` be the (k + 1)-th of them, and subtract it from all, which leaves k.
#
# The subtracted amounts add up to the **escaped mass** :math:`\rho = \rho_1 + \dots + \rho_t`. (``rank`` is k, the
# number of directions kept. Papers call :math:`\ell = k + 1` the sketch size.)

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import oco
from oco.checks import CheckFailed, check_sketch, exercise
from regret_experiments.figures import sketch_ellipses
from regret_experiments.figures.style import base_style

plt.rcParams.update(base_style())
black, vermilion, blue, gray = "#000000", "#D55E00", "#0072B2", "#777777"

generator = np.random.default_rng(4)
vectors = generator.standard_normal((9, 6))
sketch = oco.FrequentDirections(dimension=6, rank=4)
sketch.update(vectors[:-1])
before = np.linalg.eigvalsh(sketch.covariance() + np.outer(vectors[-1], vectors[-1]))[
    ::-1
]
mass_before = sketch.escaped_mass
sketch.update(vectors[-1])
lost = sketch.escaped_mass - mass_before

plane = oco.FrequentDirections(dimension=2, rank=1)
pairs = generator.standard_normal((40, 2)) @ np.array([[1.0, 0.5], [0.0, 0.45]])
plane.update(pairs)

figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.1), layout="constrained")
place = np.arange(1, 6)
left.bar(place, before[:5] - lost, color=vermilion)
left.bar(
    place,
    np.full(5, lost),
    bottom=before[:5] - lost,
    color="white",
    edgecolor=vermilion,
    hatch="////",
)
left.text(
    5.35,
    before[0],
    f"hatched: subtracted from all,\n{lost:.1f}, the fifth eigenvalue",
    ha="right",
    va="top",
)
left.set(
    xlabel="eigenvalue of $\\bar G + g g^\\top$, rank 4",
    ylabel="size",
    title="One update: all lose what the last one had",
)
sketch_ellipses(pairs.T @ pairs, plane.covariance(), plane.escaped_mass, right)
right.set_title("In the plane, rank 1: a segment and a disc make G")
plt.show()

# %%
# Half a page of proof
# --------------------
#
# Write an update as :math:`\bar G_t = \bar G_{t-1} + g_t g_t^\top - E_t`. The matrix :math:`E_t` takes at most
# :math:`\rho_t` off every eigenvalue, so :math:`0 \le E_t \le \rho_t I`. Sum over t:
#
# .. math:: 0 \;\le\; G - \bar G = \sum_t E_t \;\le\; \rho I \qquad\text{(the sandwich)}. \tag{4}\label{eq:4}
#
# How large is :math:`\rho`? A step with :math:`\rho_t > 0` takes it off exactly k + 1 eigenvalues:
# :math:`\mathrm{tr}\, E_t = (k + 1) \rho_t`, so, taking traces,
#
# .. math:: (k + 1) \rho = \mathrm{tr}\, G - \mathrm{tr}\, \bar G . \tag{5}\label{eq:5}
#
# For any :math:`j \le k` split the right side of :math:`\eqref{eq:5}`. By :math:`\eqref{eq:4}` the first j
# eigenvalues differ by at most :math:`\rho`, and those of :math:`\bar G` are not negative:
#
# .. math:: (k + 1) \rho \le \sum_{i \le j} \bigl(\lambda_i(G) - \lambda_i(\bar G)\bigr) + \sum_{i > j} \lambda_i(G)
#           \le j \rho + \sum_{i > j} \lambda_i(G) .
#
# Solve for :math:`\rho`, and take the best j:
#
# .. math:: \rho \;\le\; \Omega = \min_{0 \le j \le k} \frac{\lambda_{j+1} + \dots + \lambda_d}{k + 1 - j} .
#           \tag{6}\label{eq:6}
#
# This completes the proof. The error is small if the sum of the bottom eigenvalues is. With j = 0 it is never above
# :math:`\mathrm{tr}\, G / (k + 1)`, which corresponds to T/3 for votes. Check :math:`\eqref{eq:4}`,
# :math:`\eqref{eq:5}` and :math:`\eqref{eq:6}` on the pixels of handwritten digits:

pixels = load_digits().data
pixels = pixels / np.linalg.norm(pixels, axis=1).max()
covariance = pixels.T @ pixels
eigenvalues = np.linalg.eigvalsh(covariance)[::-1]


def omega(values, rank):
    """The right-hand side of (6) for falling eigenvalues."""
    return min(values[j:].sum() / (rank + 1 - j) for j in range(rank + 1))


sketch = oco.FrequentDirections(dimension=64, rank=8)
sketch.update(pixels)
gaps = np.linalg.eigvalsh(covariance - sketch.covariance())
print(
    f"sandwich: {gaps[0]:.1e} <= G - Gbar <= {gaps[-1]:.2f} <= rho = "
    f"{sketch.escaped_mass:.2f}"
)
print(
    f"trace:    9 rho = {9 * sketch.escaped_mass:.4f} = "
    f"{np.trace(covariance) - np.trace(sketch.covariance()):.4f}"
)
print(f"lemma:    rho <= Omega = {omega(eigenvalues, 8):.2f}")
assert -1e-9 < gaps[0] <= gaps[-1] <= sketch.escaped_mass <= omega(eigenvalues, 8)
assert np.isclose(
    9 * sketch.escaped_mass, np.trace(covariance) - np.trace(sketch.covariance())
)

# %%
# Against chance
# --------------
#
# **Predict before you run.** Two other ways to keep k vectors: k random combinations of all rows (a *projection* with
# random signs), and k rows drawn with probability proportional to their squared length (*sampling*). At k = 16 of 64,
# by which factor is the spectral error of Frequent Directions smaller: 2, 10, or 30?

ranks = np.array([1, 2, 4, 8, 16, 32, 48])
errors = {"Frequent Directions": [], "sampling": [], "random projection": []}
for rank in ranks:
    sketch = oco.FrequentDirections(dimension=64, rank=int(rank))
    sketch.update(pixels)
    signs = generator.choice([-1.0, 1.0], (rank, len(pixels))) / np.sqrt(rank)
    weights = (pixels**2).sum(axis=1)
    drawn = pixels[generator.choice(len(pixels), rank, p=weights / weights.sum())]
    drawn *= np.sqrt(weights.sum() / rank) / np.linalg.norm(
        drawn, axis=1, keepdims=True
    )
    for name, made in (
        ("Frequent Directions", sketch.covariance()),
        ("sampling", drawn.T @ drawn),
        ("random projection", (signs @ pixels).T @ (signs @ pixels)),
    ):
        errors[name].append(np.linalg.norm(covariance - made, 2))
at = list(ranks).index(16)
print({name: round(float(values[at]), 1) for name, values in errors.items()})

figure, axes = plt.subplots(figsize=(5.4, 3.2), layout="constrained")
for name, color, line in (
    ("random projection", gray, "s-"),
    ("sampling", "#009E73", "^-"),
    ("Frequent Directions", blue, "o-"),
):
    axes.plot(ranks, errors[name], line, color=color)
    axes.annotate(
        name,
        (ranks[-1], errors[name][-1]),
        (8, -3),
        textcoords="offset points",
        color=color,
    )
axes.plot(ranks, [omega(eigenvalues, rank) for rank in ranks], "k:", linewidth=1.0)
axes.annotate(
    "its bound (6), dotted",
    (8, omega(eigenvalues, 8)),
    (8, 6),
    textcoords="offset points",
)
axes.plot(ranks, eigenvalues[ranks], "--", color=vermilion, linewidth=1.0)
axes.annotate(
    "the best with all data at hand",
    (1, eigenvalues[1]),
    (0, -16),
    textcoords="offset points",
    color=vermilion,
)
axes.set(
    xscale="log",
    yscale="log",
    xlabel="vectors kept, k",
    ylabel="spectral error",
    title="1,797 digits of 64 pixels",
)
axes.set_xticks(ranks, [str(rank) for rank in ranks])
axes.minorticks_off()
plt.show()

# %%
# *Answer.* By ten or more compared with either, and not by chance: the error follows the bound closely. The best rank-k
# approximation, which has to see all data at once, is better by a factor of 2 to 7. Sketches of two halves of the data
# can be merged with ``sketch.merge(other)``.

assert errors["Frequent Directions"][at] < 0.15 * min(
    errors["sampling"][at], errors["random projection"][at]
)
promised = np.array([omega(eigenvalues, rank) for rank in ranks])
assert (errors["Frequent Directions"] <= promised).all()
assert (np.array(errors["Frequent Directions"]) / eigenvalues[ranks] < 8.0).all()
halves = [oco.FrequentDirections(dimension=64, rank=8) for _ in range(2)]
for half, part in zip(halves, (pixels[:900], pixels[900:]), strict=True):
    half.update(part)
halves[0].merge(halves[1])
assert np.linalg.norm(covariance - halves[0].covariance(), 2) <= omega(eigenvalues, 8)

# %%
# A picture to play with: `one update after the other, in the plane <pictures/sketch.html>`__.
#
# Exercises
# ---------
#
# **6.1** The stream is :math:`\sqrt\pi e_1` five times, then :math:`\sqrt e\, e_2` three times, then
# :math:`\sqrt 5 e_3` twice. What is the escaped mass of a sketch of rank 1 at the end? (By hand: it is a count with one
# counter, of votes that weigh :math:`\pi`, e and 5.)


def escaped_votes():
    return None  # your number


exercise("6.1", escaped_votes, digest="25fee7ab748489f3", digits=13)

# %%
# **6.2** Write the sketch: ``covariance()`` and ``escaped_mass`` as in :math:`\eqref{eq:4}`, in the plainest way, with
# ``np.linalg.eigh`` of a d by d matrix or, better, with the SVD of k + 1 rows. ``check_sketch`` tests it against the
# inequalities above.


class MySketch:
    def __init__(self, dimension, rank):
        self.rank, self.escaped_mass = rank, 0.0
        self.rows = np.zeros(
            (0, dimension)
        )  # at most `rank` of them: Gbar = rows' rows

    def update(self, vector):
        raise NotImplementedError(
            "append the vector, take the SVD, and if there are rank + 1 rows subtract "
            "the last value"
        )

    def covariance(self):
        return self.rows.T @ self.rows


exercise("6.2", lambda: check_sketch(MySketch))

# %%
# **6.3** For the digits, what is the smallest rank whose *certified* error, the escaped mass, is below 10 % of the
# trace? Below 3 %, 1 %, 0.3 %? Return four pairs: the rank, and its escaped mass as a share of the trace.


def smallest_ranks():
    return None  # [(rank, share), (rank, share), (rank, share), (rank, share)]


exercise("6.3", smallest_ranks, digest="8x1ce20f9883baaa3b", digits=6)

# %%
# **6.4** No sketch of this size can do much better. Show it for k = 1: give a stream of unit vectors, ``(n, 2)`` with
# n of at least 10, on which the error of the rank-1 sketch is *exactly* :math:`\mathrm{tr}\, G / (k + 1)`,
# :math:`\eqref{eq:6}` with j = 0.


def worst_stream():
    raise NotImplementedError(
        "return an array (n, 2) of unit vectors: which votes hurt one counter most?"
    )


def check_worst_stream():
    stream = np.asarray(worst_stream(), dtype=float)
    if stream.ndim != 2 or stream.shape[1] != 2 or len(stream) < 10:
        raise CheckFailed(
            f"the stream has shape {stream.shape}, it should be (n, 2) with n >= 10"
        )
    if not np.allclose(np.linalg.norm(stream, axis=1), 1.0):
        raise CheckFailed("the vectors should have length 1")
    made = oco.FrequentDirections(dimension=2, rank=1)
    made.update(stream)
    error = np.linalg.norm(stream.T @ stream - made.covariance(), 2)
    if error < len(stream) / 2 - 1e-9:
        raise CheckFailed(
            f"the error is {error:.3f}, the bound tr G / 2 is {len(stream) / 2:.3f}"
        )


exercise("6.4", check_worst_stream)
