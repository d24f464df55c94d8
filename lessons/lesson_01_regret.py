r"""1. The game and its regret
===========================

Every round you choose a point :math:`x_t` of a convex set :math:`K`. Then, and only then, an opponent reveals a convex
loss :math:`f_t`, and you pay :math:`f_t(x_t)`. Nothing is assumed of the opponent: there is no distribution, and it
may know your algorithm. No learner can guarantee a small loss in such a game, because the opponent may make all losses
large. It can guarantee small **regret**,

.. math::
    R_T = \sum_{t=1}^T f_t(x_t) - \min_{u \in K} \sum_{t=1}^T f_t(u),

what you lost beyond the best *fixed* point, chosen in hindsight. A learner is good if :math:`R_T / T \to 0`.

After this lesson you can play a game, read its record, say why following the leader fails, and repair it.
About 40 minutes; it runs in a few seconds.
"""

# %%
# A game in three lines
# ---------------------
#
# An *environment* is the opponent with its domain, a *learner* plays against it, and the *record* holds the results.

import matplotlib.pyplot as plt
import numpy as np

import oco
from oco.checks import CheckFailed, check_learner, exercise
from regret_experiments.lessons.drawing import lines, panels

game = oco.environments.LogisticRegression.load(
    "breast_cancer", scaling="standard", domain=oco.Ball(radius=5.0)
)
print(oco.play(game, oco.OGD()))

# %%
# The regret is an *interval*. The minimum over :math:`u` has to be found by a solver, and one that stops early would
# make the regret look small. The record therefore holds a feasible point, whose loss is an upper bound on the minimum,
# and a dual value, which is a lower bound.
#
# The obvious learner
# -------------------
#
# Why not play the point that was best so far? This is **follow the leader**,
#
# .. math:: x_{t+1} \in \arg\min_{x \in K} \sum_{s \le t} f_s(x).
#
# For linear losses :math:`f_t(x) = \langle g_t, x \rangle` it needs the sum of the gradients and nothing else.


class FollowTheLeader(oco.Learner):
    """Play the best point for the (linearized) losses so far."""

    def start(self, problem):
        self.domain = problem.domain
        self.state = {
            "point": problem.domain.start,
            "sum": np.zeros(problem.domain.shape),
        }

    def update(self, gradient):
        self.state["sum"] = self.state["sum"] + gradient
        self.state["point"] = self.domain.maximizer(-self.state["sum"])


# %%
# It obeys the rules of the game, and ``check_learner`` checks nothing else: it does not look ahead, stays in the
# domain, and keeps everything it knows in its state.

check_learner(FollowTheLeader())

# %%
# **Predict before you run.** The opponent plays :math:`g_1 = v/2`, then :math:`-v, +v, -v, \dots` with a unit vector v,
# on the unit ball. The sums of gradients are :math:`\pm v/2` in turn. After 1,000 rounds, is the regret of follow the
# leader about 7, about 32, or about 1,000?

trap = oco.environments.FollowTheLeaderTrap(dimension=2, horizon=1000)
leader, descent = oco.play(trap, FollowTheLeader()), oco.play(trap, oco.OGD())
print(
    f"follow the leader: {leader.regret.upper:.1f}     gradient descent: "
    f"{descent.regret.upper:.1f}"
)

# %%
# *Answer.* The leader is at one end of the ball, and the next loss punishes exactly that end: 1 in every round from the
# second on. The best fixed point has the loss :math:`-|\sum_t g_t| = -1/2`, so the regret is :math:`T - 1/2`: linear.
# With unit gradients on a ball of radius 1 no learner loses more than 2 a round to the best fixed point, so this is the
# worst order of growth. Play both and compare.

assert abs(leader.regret.upper - (trap.horizon - 0.5)) < 1e-6
assert descent.regret.upper <= descent.bound.value


def positions(learner, rounds):
    """The learner's coordinate along v in every round."""
    stream, player = trap.fresh(0), learner.fresh()
    player.start(
        oco.Problem(trap.domain, trap.horizon, gradient_bound=trap.gradient_bound)
    )
    places = []
    for _ in range(rounds):
        places.append(float(player.prediction @ trap.direction))
        player.update(stream.reveal(player.prediction).gradient(player.prediction))
    return places


left, right = panels(2, height=2.8)
first = range(1, 25)
curves = {
    "leader": (first, positions(FollowTheLeader(), 24), "#B03A2E o-"),
    "descent": (first, positions(oco.OGD(), 24), "ogd s-"),
}
lines(left, curves, xlabel="round", ylabel="position along v", title="The first rounds")
rounds = leader.curves["round"]
curves = {
    "leader": (rounds, leader.curves["regret_upper"], "#B03A2E"),
    "descent": (rounds, descent.curves["regret_upper"], "ogd"),
    "3 sqrt(T)": (rounds, 3.0 * np.sqrt(rounds), "ogd :"),
}
lines(
    right,
    curves,
    log="xy",
    xlabel="rounds",
    ylabel="regret",
    title="Regret, and a bound",
)
plt.show()

# %%
# When does following work?
# -------------------------
#
# **Be-the-leader lemma.** Playing :math:`x_{t+1}` in round t, one round too early, has no regret:
# :math:`\sum_{t \le T} f_t(x_{t+1}) \le \sum_{t \le T} f_t(u)` for every u in K.
#
# *Proof* by induction. For :math:`T = 1` it is the definition of :math:`x_2`. If it holds for :math:`T - 1` and every
# u, take :math:`u = x_{T+1}` and add :math:`f_T(x_{T+1})` on both sides:
# :math:`\sum_{t \le T} f_t(x_{t+1}) \le \sum_{t \le T} f_t(x_{T+1})`, which is the smallest value there is, by the
# definition of :math:`x_{T+1}`. (Kalai and Vempala 2005; Shalev-Shwartz 2012, Lemma 2.1.)
#
# So the regret is at most :math:`\sum_t [f_t(x_t) - f_t(x_{t+1})] \le L \sum_t |x_t - x_{t+1}|`: **stability is what a
# learner needs**. If every loss is :math:`\sigma`-strongly convex, let :math:`F_t = f_1 + \dots + f_t`. Then
# :math:`F_t` is :math:`\sigma t`-strongly convex with minimizer :math:`x_{t+1}`, and
#
# .. math::
#     \tfrac{\sigma t}{2} |x_t - x_{t+1}|^2 \le F_t(x_t) - F_t(x_{t+1})
#     = [F_{t-1}(x_t) - F_{t-1}(x_{t+1})] + [f_t(x_t) - f_t(x_{t+1})] \le 0 + L |x_t - x_{t+1}|,
#
# so the leader moves by at most :math:`2G / (\sigma t)` and :math:`R_T \le (2G^2/\sigma)(1 + \ln T)`: logarithmic.
#
# Linear losses have no curvature, but we can add some. **Follow the regularized leader** plays
#
# .. math:: x_{t+1} = \arg\min_{x \in K} \sum_{s \le t} \langle g_s, x \rangle + \tfrac{1}{2\eta} |x - x_1|^2
#           = \Pi_K\Bigl(x_1 - \eta \sum_{s \le t} g_s\Bigr).
#
# The regularizer counts as the loss of round 0, so the lemma gives
# :math:`R_T \le \frac{|u - x_1|^2}{2\eta} + \sum_t \langle g_t, x_t - x_{t+1} \rangle`, and projections do not
# stretch: :math:`|x_t - x_{t+1}| \le \eta |g_t|`. Hence
#
# .. math:: R_T \le \frac{r^2}{2\eta} + \eta \sum_{t} |g_t|^2 \le r L \sqrt{2T}
#           \quad\text{for}\quad \eta = \frac{r}{L \sqrt{2T}}
#
# with r the radius around :math:`x_1` (Shalev-Shwartz 2012, Section 2.3). The trap and nine random
# streams, to see that the inequality holds:

ratios = []
for seed in range(10):
    rows = (
        trap.fresh(0).block(0, 500).rows
        if seed == 0
        else np.random.default_rng(seed).uniform(-1, 1, (500, 2)) / 2**0.5
    )
    size = np.linalg.norm(rows, axis=1).max()
    eta = 1.0 / (size * np.sqrt(2 * 500))
    sums = np.vstack([np.zeros(2), np.cumsum(rows, axis=0)[:-1]])
    points = -eta * sums / np.maximum(1.0, np.linalg.norm(eta * sums, axis=1))[:, None]
    regret = (rows * points).sum() + np.linalg.norm(rows.sum(axis=0))
    ratios.append(regret / (size * np.sqrt(2 * 500)))
print("regret / bound, ten streams:", np.round(ratios, 2))
assert max(ratios) <= 1.0

# %%
# An opponent who watches
# -----------------------
#
# An opponent is **oblivious** if he has fixed all losses before the first round, **adaptive** if :math:`f_t` may depend
# on :math:`x_1, \dots, x_t`. The proofs above are about *any* sequence of losses, so they hold for both. Three
# consequences:
#
# * *A deterministic learner cannot choose from a finite set.* Let K be the two points 0 and 1: the opponent looks at
#   :math:`x_t` and gives it the loss 1, the other one 0. The learner pays T, the better point at most T/2.
# * *Chance makes the set convex.* Play 1 with probability x, and let the opponent see x but not the coin. The loss is
#   on average :math:`(1 - x) \ell_{t,0} + x\, \ell_{t,1}`, which is linear on [0, 1]. This is why games with experts
#   are played on the simplex (lesson 3).
# * *Regret does not ask what the opponent would have done.* It compares with the losses that occurred. **Policy
#   regret** (Arora, Dekel and Tewari 2012) compares with the losses that would have occurred had you always played u.
#
# **Predict before you run.** The opponent looks at your *first* point only. If it is not the south pole -v of the ball,
# he gives every point the loss 1 in every round, otherwise 0. What is the regret of gradient descent? What would always
# playing -v have cost?


class Grudge:
    """Remembers the first point for ever."""

    def __init__(self, horizon=100):
        self.domain, self.horizon = oco.Ball(radius=1.0, dimension=2), horizon
        self.gradient_bound, self.first = 1.0, None

    def fresh(self, seed):
        return Grudge(self.horizon)

    def reveal(self, point):
        if self.first is None:
            self.first = point.copy()
        angry = float(not np.allclose(self.first, [0.0, -1.0]))
        # |<0, x> - 1| is 1 everywhere
        return oco.losses.RowLoss(oco.losses.Absolute(), np.zeros(2), angry)


grudge = oco.play(Grudge(), oco.OGD(), spectrum=False)
again, pole = Grudge(), np.array([0.0, -1.0])
loss_of_the_pole = sum(again.reveal(pole).value(pole) for _ in range(100))
print(f"loss {grudge.cumulative_loss:.0f}, regret {grudge.regret.upper:.0f}")
print(f"always -v would have cost {loss_of_the_pole:.0f}")

# %%
# *Answer.* The regret is 0, because all points have the same loss in the game that was played. The policy regret is
# T, and no learner can avoid it in general. Wherever the opponent's memory matters, read a regret bound with care.

assert grudge.cumulative_loss == 100.0
assert abs(grudge.regret.upper) < 1e-9
assert loss_of_the_pole == 0.0

# %%
# A picture to play with: `play twenty rounds yourself, as the learner or as the opponent <pictures/duel.html>`__.
#
# Exercises
# ---------
#
# **1.1** For linear losses on the ball of radius r around the origin, what is the loss of the best fixed point? Write
# it from the gradients, ``(T, d)``.


def best_fixed_loss(gradients, radius):
    raise NotImplementedError(
        "return the smallest value of <g_1 + ... + g_T, u> over |u| <= radius"
    )


gradients = np.random.default_rng(11).standard_normal((100, 5))
exercise(
    "1.1",
    lambda: best_fixed_loss(gradients, radius=2.0),
    digest="0cf6b8c21ad7f1bd",
    digits=13,
)

# %%
# **1.2** On the trap with T rounds and a ball of radius r, what is the regret of follow the leader? Think, then play.


def regret_of_the_leader(rounds, radius):
    return None  # a formula


exercise(
    "1.2",
    lambda: regret_of_the_leader(2500, 2**0.5),
    digest="9bc6ea92c6f02f64",
    digits=13,
)

# %%
# **1.3** Repair the leader. Write follow the regularized leader on a domain of any shape, with the learning rate
# :math:`\eta = D / (2 L \sqrt{2T})`: the domain's diameter is ``problem.domain.diameter()``, the projection
# ``problem.domain.project``, the horizon ``problem.horizon``. It must obey the rules and have regret of at most
# :math:`r L \sqrt{2T}` in the trap.


class RegularizedLeader(oco.Learner):
    def start(self, problem):
        raise NotImplementedError(
            "set self.state to a dict with the point and the sum of gradients, and "
            "compute eta"
        )

    def update(self, gradient):
        raise NotImplementedError(
            "add the gradient to the sum, and project x_1 - eta * sum"
        )


def check_regularized_leader():
    check_learner(RegularizedLeader())
    regret = oco.play(trap, RegularizedLeader()).regret.upper
    if regret > np.sqrt(2 * trap.horizon):
        raise CheckFailed(
            f"the regret in the trap is {regret:.1f}, above r L sqrt(2 T) = 44.7: is "
            "eta what it should be?"
        )


exercise("1.3", check_regularized_leader)

# %%
# Further reading: Hazan, *Introduction to Online Convex Optimization*, Chapter 1; Shalev-Shwartz, *Online Learning
# and Online Convex Optimization* (2012), Sections 2.1 to 2.3; Orabona, *A Modern Introduction to Online Learning*,
# Chapter 7.
