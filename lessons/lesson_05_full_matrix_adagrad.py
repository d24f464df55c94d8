r"""5. Full-matrix AdaGrad, its geometry and its d²
==================================================

Diagonal AdaGrad learns how long the axes are; **full-matrix AdaGrad** also learns their directions. It keeps the whole
gradient covariance :math:`G_t = \sum_{s \le t} g_s g_s^\top` and steps by :math:`G_t^{-1/2}`, so a rotation does not
change it. This lesson proves its bound, shows in which sense its geometry is the best in hindsight, what the bound
*cannot* say, and what the matrix costs. About 50 minutes; it runs in a few seconds. Builds on lesson 4.
"""

# %%
# .. math:: x_{t+1} = \Pi_K^{H_t}\bigl(x_t - \eta H_t^{-1} g_t\bigr), \qquad H_t = G_t^{1/2}
#
# (with the Moore-Penrose inverse while :math:`G_t` is singular; :math:`g_t` lies in its range).
#
# The bound
# ---------
#
# The proof of lesson 4 needs two sums. *First*, :math:`H_t - H_{t-1} \ge 0` since the root is operator monotone, hence
#
# .. math:: \sum_t |x_t - u|^2_{H_t - H_{t-1}} \le \sum_t D^2 \lambda_{\max}(H_t - H_{t-1})
#           \le \sum_t D^2\, \mathrm{tr}(H_t - H_{t-1}) = D^2\, \mathrm{tr}\, G_T^{1/2} .
#
# *Second*, :math:`\sum_t \langle g_t, G_t^{-1/2} g_t \rangle \le 2\, \mathrm{tr}\, G_T^{1/2}`, because the function
# :math:`X \mapsto 2\, \mathrm{tr}\, X^{1/2}` is concave with gradient :math:`X^{-1/2}` (on the range of :math:`G_t`,
# which contains :math:`g_t` and the range of :math:`G_{t-1}`; inverses are pseudo-inverses), so that
# :math:`2\, \mathrm{tr}\, G_{t-1}^{1/2} \le 2\, \mathrm{tr}\, G_t^{1/2} - \mathrm{tr}(G_t^{-1/2} g_t g_t^\top)`, and it
# telescopes. Together, with :math:`\eta = D / \sqrt 2`,
#
# .. math:: R_T \le \Bigl(\frac{D^2}{2\eta} + \eta\Bigr) \mathrm{tr}\, G_T^{1/2} = \sqrt 2\, D\, \mathrm{tr}\, G_T^{1/2}
#           \tag{3}\label{eq:3}
#
# (Duchi, Hazan and Singer 2011, Theorem 7 and Corollary 11). The second sum on a random stream:

import time

import matplotlib.pyplot as plt
import numpy as np

import oco
from oco.checks import CheckFailed, check_learner, exercise
from regret_experiments.lessons.drawing import lines, panels


def root(matrix, power=0.5):
    """A power of a positive semidefinite matrix; zero eigenvalues stay zero."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-12 * values[-1]
    return (vectors[:, kept] * values[kept] ** power) @ vectors[:, kept].T


rows = np.random.default_rng(0).standard_normal((300, 6)) * np.geomspace(1.0, 0.01, 6)
covariance, total = np.zeros((6, 6)), 0.0
for row in rows:
    covariance += np.outer(row, row)
    total += row @ root(covariance, -0.5) @ row
print(
    f"second sum {total:.2f} <= 2 tr G^(1/2) = {2.0 * np.trace(root(covariance)):.2f}"
)
assert total <= 2.0 * np.trace(root(covariance))

# %%
# The best geometry in hindsight
# ------------------------------
#
# Among all fixed matrices H with trace at most 1, which would have made :math:`\sum_t \langle g_t, H^{-1} g_t \rangle =
# \mathrm{tr}(H^{-1} G)` smallest? By the Cauchy-Schwarz inequality for the trace, :math:`(\mathrm{tr}\, G^{1/2})^2 =
# (\mathrm{tr}\, H^{-1/2} G^{1/2} H^{1/2})^2 \le \mathrm{tr}(H^{-1} G)\, \mathrm{tr}\, H` with equality at :math:`H =
# G^{1/2} / \mathrm{tr}\, G^{1/2}`. So where :math:`|x_t - u|_H^2` is bounded by :math:`D^2\, \mathrm{tr}\, H`, the
# learner has the bound of the best fixed geometry of trace 1 up to a constant without knowing that geometry. This is
# the meaning of *adaptive*. (A Euclidean diameter gives :math:`|x_t - u|_H^2 \le D^2 \lambda_{\max}(H)`, and with that
# bound the best fixed geometry is the identity, as the end of this lesson shows.) None of two hundred random geometries
# around it is better:

best = np.trace(root(covariance)) ** 2
generator = np.random.default_rng(1)
others = []
for _ in range(200):
    factor = root(covariance, 0.25) @ (
        np.eye(6) + 0.3 * generator.standard_normal((6, 6))
    )
    geometry = factor @ factor.T
    others.append(np.trace(np.linalg.solve(geometry / np.trace(geometry), covariance)))
print(
    f"best in hindsight {best:.1f}, best of 200 random {min(others):.1f}, identity "
    f"{6 * np.trace(covariance):.1f}"
)
assert min(others) >= best

# %%
# A picture in two dimensions
# ---------------------------
#
# **Predict before you run.** The losses are :math:`|\langle a_t, x - w \rangle|` with features that are thirty times
# longer in one diagonal direction than in the other, and w lies along the *short* one. Picture the paths of
# gradient descent, diagonal and full-matrix AdaGrad from the center to w.

basis = np.array([[1.0, 1.0], [1.0, -1.0]]) / np.sqrt(2.0)
features = (
    np.random.default_rng(2).choice([-1.0, 1.0], (300, 2)) * [1.0, 1 / 30] @ basis
)
weights = 0.8 * basis[1] + 0.02 * basis[0]
plane = oco.environments.AbsoluteRegression(
    features, features @ weights, domain=oco.Ball(radius=1.0), order="file"
)


def path(learner):
    stream, player = plane.fresh(0), learner.fresh()
    player.start(
        oco.Problem(
            plane.domain.with_shape((2,)),
            plane.horizon,
            gradient_bound=plane.gradient_bound,
        )
    )
    points = [player.prediction.copy()]
    for _ in range(plane.horizon):
        player.update(stream.reveal(player.prediction).gradient(player.prediction))
        points.append(player.prediction.copy())
    return np.array(points)


def ellipse(matrix):
    angles = np.linspace(0.0, 2.0 * np.pi, 100)
    return root(matrix) @ np.vstack([np.cos(angles), np.sin(angles)])


paths = {
    "gradient descent": path(oco.OGD(0.3)),
    "diagonal AdaGrad": path(oco.DiagonalAdaGrad(0.3)),
    "full-matrix AdaGrad": path(oco.FullMatrixAdaGrad(0.3)),
}
looks = ["ogd", "diagonal_adagrad", "full_matrix_adagrad"]
distances = {n: np.linalg.norm(points[-1] - weights) for n, points in paths.items()}
for name, distance in distances.items():
    print(f"{name:20s} distance to w after 300 rounds {distance:.3f}")

left, right = panels(2, height=3.4)
curves = {
    f"_{name}": (*points.T, look)
    for (name, points), look in zip(paths.items(), looks, strict=True)
}
lines(left, curves, aspect="equal", xlim=(-0.4, 0.9), ylim=(-0.8, 0.5))
left.plot(*weights, "x", color="#CC0000", markersize=8, markeredgewidth=2)
left.legend([*paths, "w"], loc="upper right", fontsize=6.5)
left.set_title("Three paths to w")
gradients = features.T @ features
shown = {
    "what gradient descent sees": np.eye(2) * np.trace(gradients) / 2,
    "what the diagonal sees": np.diag(np.diag(gradients)),
    "the gradients": gradients,
}
lines(
    right,
    {
        f"_{name}": (*ellipse(matrix), look)
        for (name, matrix), look in zip(
            shown.items(), ("ogd", "diagonal_adagrad :", "#000000"), strict=True
        )
    },
    aspect="equal",
    ylim=(-16, 24),
    title="Covariances, as ellipses",
)
right.legend([*shown], loc="upper center", fontsize=7.0)
plt.show()

# %%
# *Answer.* After the rotation the diagonal is a multiple of the identity, so diagonal AdaGrad moves like gradient
# descent: fast in the direction of long gradients, but w lies in the other one. With the full matrix both directions
# are equally fast.

assert distances["full-matrix AdaGrad"] < 0.1 < distances["diagonal AdaGrad"]

# %%
# What the bound cannot say
# -------------------------
#
# **Predict before you run.** Can :math:`\eqref{eq:3}` ever be smaller than lesson 2's :math:`\sqrt 2 D \sqrt{\sum
# |g_t|^2}`?
#
# *Answer.* No, because :math:`\sum_t |g_t|^2 = \mathrm{tr}\, G_T` and
# :math:`\mathrm{tr}\, G^{1/2} = \sum_i \sqrt{\lambda_i} \ge \sqrt{\sum_i \lambda_i}`. In terms of a Euclidean diameter
# full-matrix AdaGrad always has the *worse* bound. Its advantage depends on the comparator: the first sum of the proof,
# before it is bounded, contains :math:`|x_t - u|_{H}^2`, which is small if :math:`x_t - u` lies in directions of small
# gradients, as for w above. So play the games, and do not rank learners by their bounds:

drawn = oco.environments.CoordinateGame(32, rotated=True)
contest = {}
for name, learner in (
    ("adagrad_norm", oco.AdaGradNorm(0.3 * np.sqrt(32))),
    ("diagonal_adagrad", oco.DiagonalAdaGrad(0.3)),
    ("full_matrix_adagrad", oco.FullMatrixAdaGrad(0.3)),
):
    contest[name] = oco.play(drawn, learner)
    print(
        f"{name:20s} regret {contest[name].regret.upper:6.1f}   bound "
        f"{contest[name].bound.value:8.1f}"
    )
assert (
    contest["full_matrix_adagrad"].regret.upper
    < 0.7 * contest["adagrad_norm"].regret.upper
)
assert contest["full_matrix_adagrad"].bound.value > contest["adagrad_norm"].bound.value

# %%
# The price
# ---------
#
# :math:`d^2` numbers, and :math:`O(d^2)` to :math:`O(d^3)` operations a round. (A network of a million weights would
# need a matrix of :math:`10^{12}`.)

dimensions, floats, seconds = np.array([16, 32, 64, 128]), [], []
for size in dimensions:
    small = oco.environments.SpectrumLinear(int(size), 200)
    oco.play(small, oco.FullMatrixAdaGrad(), spectrum=False, comparator=False)
    began = time.perf_counter()
    floats.append(
        oco.play(
            small, oco.FullMatrixAdaGrad(), spectrum=False, comparator=False
        ).state_floats
    )
    seconds.append((time.perf_counter() - began) / 200)
for size, count, cost in zip(dimensions, floats, seconds, strict=True):
    print(
        f"d = {size:3d}   state {count:6,d} floats   {1e6 * cost:7.0f} microseconds a "
        "round"
    )
assert floats[-1] > 128**2

# %%
# Lesson 6 shows how to keep the part of the matrix that matters in :math:`dk` numbers, lesson 7 how to play with it.
#
# A picture to play with: `the projection in the norm of AdaGrad <pictures/projection.html>`__.
#
# Exercises
# ---------
#
# **5.1** The eigenvalues of :math:`G_T` are :math:`\lambda_i = 10^4 / i^2` for i = 1 to 50, and D = 2. What is the
# bound :math:`\eqref{eq:3}`?


def full_matrix_bound():
    return None  # your number


exercise("5.1", full_matrix_bound, digest="5b46c7dea75a0e5b", digits=13)

# %%
# **5.2** Return the matrix H of trace 1 that makes :math:`\mathrm{tr}(H^{-1} G)` smallest. (``root`` above may help.)


def best_geometry(matrix):
    raise NotImplementedError(
        "return the positive definite H with tr H = 1 that minimizes tr(H^-1 matrix)"
    )


def check_geometry():
    found = best_geometry(covariance)
    if abs(np.trace(found) - 1.0) > 1e-9:
        raise CheckFailed(f"the trace of H is {np.trace(found):.6f}, it should be 1")
    value = np.trace(np.linalg.solve(found, covariance))
    if value > best * (1.0 + 1e-6):
        raise CheckFailed(f"tr(H^-1 G) is {value:.2f}, the smallest is {best:.2f}")


exercise("5.2", check_geometry)

# %%
# **5.3** Write full-matrix AdaGrad. The norm of its projection is ``oco.domains.Dense.from_matrix(H)``. Gradients of
# size 1e150 are among the checks: their squares just fit into a float, so do not square twice.


class MyFullMatrixAdaGrad(oco.Learner):
    def __init__(self, learning_rate=0.5):
        self.learning_rate = learning_rate

    def start(self, problem):
        raise NotImplementedError(
            "self.state is a dict with the point and the covariance, (d, d)"
        )

    def update(self, gradient):
        raise NotImplementedError(
            "add the outer product, step by the pseudo-inverse root, project in the "
            "root's norm"
        )


def check_full_matrix():
    check_learner(MyFullMatrixAdaGrad())
    small = oco.environments.CoordinateGame(6, rotated=True)
    mine, theirs = (
        oco.play(small, learner).cumulative_loss
        for learner in (MyFullMatrixAdaGrad(0.3), oco.FullMatrixAdaGrad(0.3))
    )
    if abs(mine - theirs) > 1e-5 * theirs:
        raise CheckFailed(
            f"your cumulative loss is {mine:.6f}, that of oco.FullMatrixAdaGrad(0.3) "
            f"is {theirs:.6f}"
        )


exercise("5.3", check_full_matrix)
