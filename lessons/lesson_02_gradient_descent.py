r"""2. Gradient descent and the root of T
=====================================

Lesson 1 asked for a stable learner. **Online gradient descent** (Zinkevich 2003) is the simplest one:

.. math:: x_{t+1} = \Pi_K(x_t - \eta_t g_t), \qquad g_t \in \partial f_t(x_t),

with the Euclidean projection on K. After the three facts of convex analysis that the course needs you derive its bound,
and see how the step size changes the regret and the bound. Then you change sides and play an opponent against whom *no*
learner does better than :math:`\sqrt T`. About 50 minutes; it runs in a few seconds.
"""

# %%
# Three facts of convex analysis
# ------------------------------
#
# *Subgradients.* A convex function lies above its tangents. Where it has a kink there are several: g is a
# **subgradient** of f at x, :math:`g \in \partial f(x)`, if :math:`f(u) \ge f(x) + \langle g, u - x \rangle` for
# every u. So :math:`|x|` has every number of [-1, 1] as a subgradient at 0. If f changes by at most :math:`L |x -
# u|`, subgradients are at most L long.
#
# *Projections.* Let p be the point of a closed convex set K that is nearest to y. For every u in K
#
# .. math:: \langle y - p, u - p \rangle \le 0, \qquad\text{and therefore}\qquad |p - u| \le |y - u| .
#           \tag{P}\label{eq:P}
#
# *Proof.* :math:`p + \epsilon (u - p)` lies in K and is no nearer to y: :math:`|y - p|^2 \le |y - p|^2 - 2 \epsilon
# \langle y - p, u - p \rangle + \epsilon^2 |u - p|^2`. Divide by :math:`\epsilon` and let it tend to 0. For the
# second part, :math:`|y - u|^2 = |y - p|^2 + |p - u|^2 + 2 \langle y - p, p - u \rangle`, and the last term is not
# negative.
#
# *Smoothness.* If the gradient of f changes by at most :math:`\beta |x - u|`, then f lies below a parabola,
# :math:`f(u) \le f(x) + \langle \nabla f(x), u - x \rangle + \frac\beta2 |u - x|^2` (integrate the gradient along the
# segment). A gradient step of length :math:`1 / \beta` without a constraint therefore lowers f by at least
# :math:`\frac{1}{2\beta} |\nabla f(x)|^2`. Offline methods live on this; an opponent changes f before the step is of
# use, so here only the first two facts count.
#
# The bound
# ---------
#
# By the first fact every game is linear: :math:`f_t(x_t) - f_t(u) \le \langle g_t, x_t - u \rangle`, so it is enough to
# bound the right-hand sides. By the second
#
# .. math:: |x_{t+1} - u|^2 \le |x_t - \eta_t g_t - u|^2
#           = |x_t - u|^2 - 2 \eta_t \langle g_t, x_t - u \rangle + \eta_t^2 |g_t|^2 .
#
# Solve for the inner product and sum. With a step size that does not rise and D the diameter of K, the differences
# telescope, so :math:`\sum_t \frac{1}{2\eta_t} (|x_t - u|^2 - |x_{t+1} - u|^2) \le \frac{D^2}{2 \eta_T}`, and
#
# .. math:: R_T \;\le\; \frac{D^2}{2 \eta_T} + \frac12 \sum_{t=1}^T \eta_t |g_t|^2 . \tag{1}\label{eq:1}
#
# Everything else is a choice of :math:`\eta_t`. Let :math:`|g_t| \le L`.
#
# * *Constant* :math:`\eta = D / (L \sqrt T)` needs to know T: :math:`R_T \le D L \sqrt T`.
# * *Falling* :math:`\eta_t = D / (L \sqrt t)` does not, and :math:`\sum_t 1/\sqrt t \le 2 \sqrt T` gives
#   :math:`R_T \le \tfrac32 D L \sqrt T` (Hazan, *Introduction to Online Convex Optimization*, Theorem 3.1).
# * *Adaptive* :math:`\eta_t = D / \sqrt{2 \sum_{s \le t} |g_s|^2}` does not even need L. Since
#   :math:`\sum_t a_t / \sqrt{a_1 + \dots + a_t} \le 2 \sqrt{a_1 + \dots + a_T}`, :math:`\eqref{eq:1}` becomes
#   :math:`R_T \le \sqrt 2 D \sqrt{\sum_t |g_t|^2}` (Streeter and McMahan 2010). It is small when the gradients are.

import matplotlib.pyplot as plt
import numpy as np

import oco
from oco.checks import CheckFailed, check_learner, exercise
from regret_experiments.lessons.drawing import lines, panels

generator = np.random.default_rng(0)
diamond = oco.L1Ball(radius=1.0, dimension=5)
for _ in range(200):
    y, u = (
        2.0 * generator.standard_normal(5),
        diamond.project(generator.standard_normal(5)),
    )
    p = diamond.project(y)
    assert (y - p) @ (u - p) <= 1e-12
    assert np.linalg.norm(p - u) <= np.linalg.norm(y - u) + 1e-12

sums = np.cumsum(generator.exponential(size=1000))
parts = np.diff(sums, prepend=0.0)
total, limit = (parts / np.sqrt(sums)).sum(), 2.0 * np.sqrt(sums[-1])
print(f"sum a_t / sqrt(a_1 + ... + a_t) = {total:.2f} <= {limit:.2f}")
assert (parts / np.sqrt(sums)).sum() <= 2.0 * np.sqrt(sums[-1])

# %%
# The step size
# -------------
#
# **Predict before you run.** On a real game the learning rate is taken ten times smaller than the *best* one, then ten
# times larger. Which mistake costs more? And is the best learning rate the theorem's, below it, or above it?

game = oco.environments.LogisticRegression.load(
    "breast_cancer", scaling="standard", domain=oco.Ball(radius=5.0)
)
rates = np.geomspace(1e-3, 1e2, 16)
records = [
    oco.play(game, oco.OGD(rate, schedule="constant"), checkpoints=1) for rate in rates
]
regrets = np.array([record.regret.upper for record in records])
bounds = np.array([record.bound.value for record in records])
assert (regrets <= bounds).all()

theory = oco.play(game, oco.OGD(schedule="constant"), checkpoints=1)
theory_rate = game.domain.diameter() / (game.gradient_bound * np.sqrt(game.horizon))
adaptive = oco.play(game, oco.AdaGradNorm(), checkpoints=1)


def regret_at(rate):
    return oco.play(
        game, oco.OGD(rate, schedule="constant"), checkpoints=1
    ).regret.upper


[axes] = panels()
curves = {
    "regret": (rates, regrets, "ogd s-"),
    "bound (1)": (rates, bounds, "ogd :"),
    "AdaGrad-norm": (rates, np.full(16, adaptive.regret.upper), "adagrad_norm --"),
}
lines(axes, curves, log="xy", xlabel="constant learning rate", ylabel="regret")
axes.plot(theory_rate, theory.regret.upper, "o", color="#B03A2E", markersize=8)
axes.set_title("569 patients; red: the theorem's rate")
plt.show()

# %%
# *Answer.* The regret is U-shaped, like the bound. Its minimum is close to :math:`D / \sqrt{\sum |g_t|^2}`, the
# minimizer of :math:`\eqref{eq:1}` for the gradients that *occurred*; ten times the best rate costs more than a tenth
# of it here. The theorem's rate uses the largest gradient that *could* occur, so it lies below the best rate, and ten
# times the theorem's rate is better. The adaptive step needs neither constant.

best_rate = rates[regrets.argmin()]
assert regret_at(10.0 * best_rate) > regret_at(0.1 * best_rate) > regrets.min()
assert theory_rate < best_rate
assert regret_at(10.0 * theory_rate) < theory.regret.upper

# %%
# An offline problem is a game in which every loss is the same f. Then the average point has :math:`f(\bar x_T) - \min f
# \le R_T / T` by convexity, so gradient descent solves every convex problem to precision :math:`D L / \sqrt T`.

rows = generator.standard_normal((1, 6))
same = oco.environments.AbsoluteRegression(
    rows, [0.7], domain=oco.Ball(radius=1.0), passes=400
)
offline = oco.play(same, oco.OGD(schedule="constant"), average=True, spectrum=False)
excess = abs(rows[0] @ offline.averaged_point - 0.7)
print(
    f"f(average) - min f = {excess:.4f} <= R_T / T = {offline.regret.upper / 400:.4f}"
)
assert excess <= offline.regret.upper / 400 <= offline.bound.value / 400

# %%
# Curvature pays
# --------------
#
# If every loss is :math:`\sigma`-strongly convex, the inequality of convexity gains :math:`-\frac{\sigma}{2}|x_t -
# u|^2`. With :math:`\eta_t = 1/(\sigma t)` the differences of :math:`|x_t - u|^2` cancel *exactly*, because
# :math:`\frac{1}{2\eta_t} - \frac{1}{2\eta_{t-1}} = \frac{\sigma}{2}`, and only :math:`\frac12 \sum_t \eta_t L^2 \le
# \frac{L^2}{2\sigma} (1 + \ln T)` is left (Hazan, Agarwal and Kale 2007).

curved = oco.environments.SpectrumQuadratic(16, 2000, curvature=1.0)
for name, learner in (
    ("D/(L sqrt(t))", oco.OGD()),
    ("1/(sigma t)", oco.OGD(schedule="strongly_convex")),
):
    record = oco.play(curved, learner)
    print(
        f"step {name:14s} regret {record.regret.upper:6.2f}   bound "
        f"{record.bound.value:7.2f}"
    )
    assert record.regret.upper <= record.bound.value

# %%
# The opponent's side
# -------------------
#
# Is :math:`\sqrt T` due to the learner or to the analysis? To neither. On a ball of radius r in three or more
# dimensions let the opponent *look* at :math:`x_t` and play a unit vector
#
# .. math:: g_t \perp x_t \quad\text{and}\quad g_t \perp S_{t-1} = g_1 + \dots + g_{t-1} .
#
# You pay :math:`\langle g_t, x_t \rangle = 0` in every round. By Pythagoras :math:`|S_T|^2 = T`, so the point
# :math:`-r S_T / |S_T|` would have paid :math:`-r \sqrt T`: **every learner has regret exactly** :math:`r \sqrt T`.
# With L = 1 and D = 2r that is :math:`\frac12 D L \sqrt T`, so gradient descent's bound is within a factor of 3 of the
# best possible (Abernethy, Bartlett, Rakhlin and Tewari 2008).
#
# **Predict before you run.** Which of these has the smallest regret against this opponent: gradient descent with the
# right step, with a step 100 times too small, full-matrix AdaGrad, or never moving at all?


class Lazy(oco.Learner):
    """Never moves."""

    def start(self, problem):
        self.state = {"point": problem.domain.start}

    def update(self, gradient):
        pass


adversary = oco.environments.AdaptiveBallLowerBound(dimension=8, horizon=1500)
players = {
    "gradient descent": oco.OGD(),
    "a step 100 times too small": oco.OGD(0.02),
    "full-matrix AdaGrad": oco.FullMatrixAdaGrad(),
    "never moving": Lazy(),
}
curves = {}
for name, learner in players.items():
    record = oco.play(adversary, learner, spectrum=False)
    curves[name] = record.curves["regret_upper"]
rounds = record.curves["round"]

[axes] = panels(height=3.0)
for (name, regret), width in zip(curves.items(), (9.0, 6.0, 3.5, 1.2), strict=True):
    axes.plot(rounds, regret, linewidth=width, label=name, solid_capstyle="round")
axes.set(xscale="log", yscale="log", xlabel="rounds", ylabel="regret")
axes.legend(loc="upper left")
plt.show()

# %%
# *Answer.* All four are equal up to rounding. Such an opponent cannot tell learners apart. The rest of this course is
# about the games in between, where learners differ.

assert all(abs(c[-1] - np.sqrt(adversary.horizon)) < 1e-6 for c in curves.values())

# %%
# A picture to play with: `the path of gradient descent and its step size <pictures/gradient_path.html>`__.
#
# Exercises
# ---------
#
# **2.1** For gradients with :math:`\sum_t |g_t|^2 = S` and a domain of diameter D, which constant learning rate makes
# the right-hand side of :math:`\eqref{eq:1}` smallest?


def best_constant_rate(diameter, squares):
    raise NotImplementedError(
        "minimize D^2 / (2 eta) + eta S / 2 over eta, and return eta"
    )


exercise(
    "2.1",
    lambda: best_constant_rate(diameter=3.0, squares=50.0),
    digest="a48e0ce2d0fb760f",
    digits=13,
)

# %%
# **2.2** Write gradient descent with :math:`\eta_t = D / (L \sqrt t)`, rounds counted from 1, and compare it with the
# library's. ``problem.gradient_bound`` is L; take 1 if it is None. Everything that changes from round to round,
# including the counter, belongs in ``self.state``.


class MyGradientDescent(oco.Learner):
    def start(self, problem):
        raise NotImplementedError(
            "keep the domain and D / L, and set self.state to a dict with point and "
            "round"
        )

    def update(self, gradient):
        raise NotImplementedError("count the round, step against the gradient, project")


def check_gradient_descent():
    check_learner(MyGradientDescent())
    mine, theirs = (
        oco.play(curved, MyGradientDescent()).cumulative_loss,
        oco.play(curved, oco.OGD()).cumulative_loss,
    )
    if abs(mine - theirs) > 1e-8 * abs(theirs):
        raise CheckFailed(
            f"your cumulative loss is {mine:.6g}, that of oco.OGD() {theirs:.6g}: "
            "compare the step sizes"
        )


exercise("2.2", check_gradient_descent)

# %%
# **2.3** Be the opponent, in three dimensions: return a unit vector that is orthogonal to ``point`` and to ``total``,
# the sum of the gradients so far. (Either may be zero, and they may be parallel.)


def next_gradient(point, total):
    raise NotImplementedError(
        "return a unit vector orthogonal to both; in three dimensions think of np.cross"
    )


class MyAdversary:
    """Plays `next_gradient` against any learner."""

    def __init__(self, horizon=400):
        self.domain, self.horizon, self.gradient_bound = (
            oco.Ball(radius=1.0, dimension=3),
            horizon,
            1.0,
        )
        self.total = np.zeros(3)

    def fresh(self, seed):
        return MyAdversary(self.horizon)

    def reveal(self, point):
        gradient = np.asarray(next_gradient(point, self.total), dtype=float)
        self.total = self.total + gradient
        return oco.losses.RowLoss(oco.losses.Linear(), gradient, 0.0)


def check_adversary():
    for learner in (oco.OGD(), oco.AdaGradNorm(), Lazy()):
        regret = oco.play(MyAdversary(), learner).regret.upper
        if abs(regret - 20.0) > 1e-6:
            raise CheckFailed(
                f"{learner!r} has regret {regret:.6f} after 400 rounds, it should be "
                "sqrt(400) = 20"
            )


exercise("2.3", check_adversary)
