r"""2. Gradient descent and the root of T
=====================================

Lesson 1 asked for a stable learner. **Online gradient descent** (Zinkevich 2003) is the simplest one:

.. math:: x_{t+1} = \Pi_K(x_t - \eta_t g_t), \qquad g_t \in \partial f_t(x_t),

with the Euclidean projection on K. Here you derive its bound and see how the step size changes the regret and the
bound. Then you change sides and play an opponent against whom *no* learner does better than :math:`\sqrt T`. About 45
minutes; it runs in a few seconds.
"""

# %%
# The bound
# ---------
#
# Convexity makes every game linear: :math:`f_t(x_t) - f_t(u) \le \langle g_t, x_t - u \rangle`, so it is enough to
# bound the right-hand sides. Projections on a convex set that contains u bring a point no further from u, hence
#
# .. math:: |x_{t+1} - u|^2 \le |x_t - \eta_t g_t - u|^2
#           = |x_t - u|^2 - 2 \eta_t \langle g_t, x_t - u \rangle + \eta_t^2 |g_t|^2 .
#
# Solve for the inner product and sum. With a step size that does not rise and D the diameter of K, the differences
# telescope, so :math:`\sum_t \frac{1}{2\eta_t} (|x_t - u|^2 - |x_{t+1} - u|^2) \le \frac{D^2}{2 \eta_T}`, and
#
# .. math:: R_T \;\le\; \frac{D^2}{2 \eta_T} + \frac12 \sum_{t=1}^T \eta_t |g_t|^2 . \tag{1}
#
# Everything else is a choice of :math:`\eta_t`. Let :math:`|g_t| \le G`.
#
# * *Constant* :math:`\eta = D / (G \sqrt T)` needs to know T: :math:`R_T \le D G \sqrt T`.
# * *Falling* :math:`\eta_t = D / (G \sqrt t)` does not, and :math:`\sum_t 1/\sqrt t \le 2 \sqrt T` gives
#   :math:`R_T \le \tfrac32 D G \sqrt T` (Hazan, *Introduction to Online Convex Optimization*, Theorem 3.1).
# * *Adaptive* :math:`\eta_t = D / \sqrt{2 \sum_{s \le t} |g_s|^2}` does not even need G. Since
#   :math:`\sum_t a_t / \sqrt{a_1 + \dots + a_t} \le 2 \sqrt{a_1 + \dots + a_T}`, (1) becomes
#   :math:`R_T \le \sqrt 2 D \sqrt{\sum_t |g_t|^2}` (Streeter and McMahan 2010). It is small when the gradients are.

import matplotlib.pyplot as plt
import numpy as np

import oco
from oco.checks import CheckFailed, check_learner, exercise
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.style import base_style, learner_style

plt.rcParams.update(base_style())

sums = np.cumsum(np.random.default_rng(0).exponential(size=1000))
parts = np.diff(sums, prepend=0.0)
print(
    "sum a_t / sqrt(a_1 + ... + a_t) =", round((parts / np.sqrt(sums)).sum(), 2), "<=", round(2 * np.sqrt(sums[-1]), 2)
)
assert (parts / np.sqrt(sums)).sum() <= 2.0 * np.sqrt(sums[-1])

# %%
# The step size
# -------------
#
# **Predict before you run.** On a real game the learning rate is taken ten times smaller than the *best* one, then ten
# times larger. Which mistake costs more? And is the best learning rate the theorem's, below it, or above it?

game = oco.environments.LogisticRegression.load("breast_cancer", scaling="standard", domain=oco.Ball(radius=5.0))
rates = np.geomspace(1e-3, 1e2, 16)
records = [oco.play(game, oco.OGD(rate, schedule="constant"), checkpoints=1) for rate in rates]
regrets = np.array([record.regret.upper for record in records])
bounds = np.array([record.bound.value for record in records])
assert (regrets <= bounds).all()

theory = oco.play(game, oco.OGD(schedule="constant"), checkpoints=1)
theory_rate = game.domain.diameter() / (game.gradient_bound * np.sqrt(game.horizon))
adaptive = oco.play(game, oco.AdaGradNorm(), checkpoints=1)


def regret_at(rate):
    return oco.play(game, oco.OGD(rate, schedule="constant"), checkpoints=1).regret.upper


best_rate = rates[regrets.argmin()]
assert regret_at(10.0 * best_rate) > regret_at(0.1 * best_rate) > regrets.min()
assert theory_rate < best_rate
assert regret_at(10.0 * theory_rate) < theory.regret.upper

gray, blue = learner_style("ogd").ink, learner_style("adagrad_norm").ink
figure, axes = plt.subplots(figsize=(5.2, 3.2), layout="constrained")
labels = DirectLabels(axes)
axes.plot(rates, regrets, "s-", color=gray)
axes.plot(rates, bounds, ":", color=gray)
labels.at_end("regret", rates[-1], regrets[-1], gray)
labels.at_end("bound (1)", rates[-1], bounds[-1], gray)
axes.plot(theory_rate, theory.regret.upper, "o", color="#B03A2E", markersize=7)
labels.near("theorem's rate", theory_rate, theory.regret.upper, "#B03A2E")
axes.axhline(adaptive.regret.upper, color=blue, linestyle="--")
axes.text(1.2, 0.6 * adaptive.regret.upper, "AdaGrad-norm, nothing to tune", color=blue)
labels.avoid(rates, regrets)
labels.avoid(rates, bounds)
axes.set(xscale="log", yscale="log", xlabel="constant learning rate", ylabel="regret of 569 rounds")
axes.set_title("A small step loses slowly, a large one fails at once")
plt.show()

# %%
# *Answer.* The regret is U-shaped, like the bound. Its minimum is close to :math:`D / \sqrt{\sum |g_t|^2}`, the
# minimizer of (1) for the gradients that *occurred*; ten times the best rate costs more than a tenth of it here. The
# theorem's rate uses the largest gradient that *could* occur, so it lies below the best rate, and ten times the
# theorem's rate is better. The adaptive step needs neither constant.
#
# Curvature pays
# --------------
#
# If every loss is :math:`\sigma`-strongly convex, the inequality of convexity gains :math:`-\frac{\sigma}{2}|x_t -
# u|^2`. With :math:`\eta_t = 1/(\sigma t)` the differences of :math:`|x_t - u|^2` cancel *exactly*, because
# :math:`\frac{1}{2\eta_t} - \frac{1}{2\eta_{t-1}} = \frac{\sigma}{2}`, and only :math:`\frac12 \sum_t \eta_t G^2 \le
# \frac{G^2}{2\sigma} (1 + \ln T)` is left (Hazan, Agarwal and Kale 2007).

curved = oco.environments.SpectrumQuadratic(16, 2000, curvature=1.0)
for name, learner in (("D/(G sqrt(t))", oco.OGD()), ("1/(sigma t)", oco.OGD(schedule="strongly_convex"))):
    record = oco.play(curved, learner)
    print(f"step {name:14s} regret {record.regret.upper:6.2f}   bound {record.bound.value:7.2f}")
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
# With G = 1 and D = 2r that is :math:`\frac12 D G \sqrt T`, so gradient descent's bound is within a factor of 3 of the
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
figure, axes = plt.subplots(figsize=(5.2, 3.0), layout="constrained")
labels = DirectLabels(axes)
curves = {}
for (name, learner), width in zip(players.items(), (9.0, 6.0, 3.5, 1.2), strict=True):
    record = oco.play(adversary, learner, spectrum=False)
    curves[name] = record.curves["regret_upper"]
    axes.plot(record.curves["round"], curves[name], linewidth=width, label=name, solid_capstyle="round")
    assert abs(record.regret.upper - np.sqrt(adversary.horizon)) < 1e-6
axes.set(xscale="log", yscale="log", xlabel="rounds", ylabel="regret", title="Four learners, one line: sqrt(T)")
axes.legend(loc="upper left")
plt.show()

# %%
# *Answer.* All four are equal up to rounding. Such an opponent cannot tell learners apart. The rest of this course is
# about the games in between, where learners differ.
#
# A picture to play with: `the path of gradient descent and its step size <pictures/gradient_path.html>`__.
#
# Exercises
# ---------
#
# **2.1** For gradients with :math:`\sum_t |g_t|^2 = S` and a domain of diameter D, which constant learning rate makes
# the right-hand side of (1) smallest?


def best_constant_rate(diameter, squares):
    raise NotImplementedError("minimize D^2 / (2 eta) + eta S / 2 over eta, and return eta")


exercise("2.1", lambda: best_constant_rate(diameter=3.0, squares=50.0), digest="a48e0ce2d0fb760f", digits=13)

# %%
# **2.2** Write gradient descent with :math:`\eta_t = D / (G \sqrt t)`, rounds counted from 1, and compare it with the
# library's. ``problem.gradient_bound`` is G; take 1 if it is None. Everything that changes from round to round,
# including the counter, belongs in ``self.state``.


class MyGradientDescent(oco.Learner):
    def start(self, problem):
        raise NotImplementedError("keep the domain and D / G, and set self.state to a dict with point and round")

    def update(self, gradient):
        raise NotImplementedError("count the round, step against the gradient, project")


def check_gradient_descent():
    check_learner(MyGradientDescent())
    mine, theirs = oco.play(curved, MyGradientDescent()).cumulative_loss, oco.play(curved, oco.OGD()).cumulative_loss
    if abs(mine - theirs) > 1e-8 * abs(theirs):
        raise CheckFailed(f"your cumulative loss is {mine:.6g}, that of oco.OGD() {theirs:.6g}: compare the step sizes")


exercise("2.2", check_gradient_descent)

# %%
# **2.3** Be the opponent, in three dimensions: return a unit vector that is orthogonal to ``point`` and to ``total``,
# the sum of the gradients so far. (Either may be zero, and they may be parallel.)


def next_gradient(point, total):
    raise NotImplementedError("return a unit vector orthogonal to both; in three dimensions think of np.cross")


class MyAdversary:
    """Plays `next_gradient` against any learner."""

    def __init__(self, horizon=400):
        self.domain, self.horizon, self.gradient_bound = oco.Ball(radius=1.0, dimension=3), horizon, 1.0
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
            raise CheckFailed(f"{learner!r} has regret {regret:.6f} after 400 rounds, it should be sqrt(400) = 20")


exercise("2.3", check_adversary)
