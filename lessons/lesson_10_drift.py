r"""10. Drift and dynamic regret
============================

What if the best point *moves*? Small regret against a fixed point then says little. This lesson measures **dynamic
regret** and proves a bound for gradient descent. The right step size depends on how much the best point moves, which is
not known. An ensemble does not need to know it. The lesson ends with regret as a curve in that motion.
About 40 minutes; it runs in a few seconds. Builds on lessons 2 and 3.
"""

# %%
# Against a moving point
# ----------------------
#
# .. math:: R_T(u_1, \dots, u_T) = \sum_t f_t(x_t) - \sum_t f_t(u_t), \qquad P = \sum_{t < T} |u_{t+1} - u_t|_2 .
#
# **Theorem.** Gradient descent with a constant step has :math:`R_T(u_1, \dots, u_T) \le \frac{D^2 + 2 D P}{2 \eta} +
# \frac{\eta}{2} \sum_t |g_t|^2`, hence :math:`L \sqrt{T (D^2 + 2 D P)}` at the best :math:`\eta`.
#
# *Proof.* As in lesson 2, :math:`\langle g_t, x_t - u_t \rangle \le \frac{|x_t - u_t|^2 - |x_{t+1} - u_t|^2}{2 \eta} +
# \frac{\eta}{2} |g_t|^2`. The sum no longer telescopes, but
#
# .. math:: |x_{t+1} - u_{t+1}|^2 - |x_{t+1} - u_t|^2
#           = \bigl(|x_{t+1} - u_{t+1}| + |x_{t+1} - u_t|\bigr) \bigl(|x_{t+1} - u_{t+1}| - |x_{t+1} - u_t|\bigr)
#           \le 2 D\, |u_{t+1} - u_t| ,
#
# so what is missing is at most :math:`2 D P`. (Zinkevich 2003, Theorem 2, up to constants.) The more the comparator
# moves, the *larger* the step should be.

import matplotlib.pyplot as plt
import numpy as np

import oco
from oco.checks import CheckFailed, check_learner, exercise
from regret_experiments.lessons.drawing import lines, panels


def drifting(period, horizon=3000):
    """Absolute loss; new weights, of length 1, every ``period`` rounds."""
    motion = {"kind": "switches", "period": period}
    return oco.environments.DriftingRegression(
        8, horizon, motion=motion, loss="absolute"
    )


def dynamic_regret(game, learner, checkpoints=1):
    record = oco.play(
        game, learner, comparator=False, spectrum=False, checkpoints=checkpoints
    )
    rounds = record.curves["round"].astype(int)
    return rounds, record.curves["cumulative_loss"] - game.fresh(0).comparator_losses(
        rounds
    )


game = drifting(500)
record = oco.play(game, oco.OGD(), spectrum=False)
print(
    f"static regret {record.regret.upper:.0f}; dynamic regret "
    f"{dynamic_regret(game, oco.OGD())[1][-1]:.0f}"
)

# %%
# Static regret may even be negative: the learner then beats every fixed point, because all fixed points are bad.
#
# **Predict before you run.** Three games of 3,000 rounds: nothing moves, a new best point every 1,000 rounds, and every
# 100 rounds. Draw the dynamic regret against the step size. Where is each minimum? And how does the schedule
# :math:`\eta_t = D / (L \sqrt t)` of lesson 2 do in the last game?

periods = {"never": 3000, "every 1,000": 1000, "every 100": 100}
rates = np.geomspace(3e-3, 1.0, 9)
valleys, games = {}, {name: drifting(period) for name, period in periods.items()}
for name, world in games.items():
    valleys[name] = [
        dynamic_regret(world, oco.OGD(rate, schedule="constant"))[1][-1]
        for rate in rates
    ]
    path, diameter = world.path_length, world.domain.diameter()
    bounds = (diameter**2 + 2.0 * diameter * path) / (
        2.0 * rates
    ) + 0.5 * rates * world.horizon * world.gradient_bound**2
    print(
        f"moves {name:12s} P = {path:5.1f}   best step "
        f"{rates[np.argmin(valleys[name])]:.3f}   "
        f"regret {min(valleys[name]):4.0f}   bound "
        f"{bounds[np.argmin(valleys[name])]:5.0f}   "
        f"falling step {dynamic_regret(world, oco.OGD())[1][-1]:4.0f}"
    )
    assert (np.array(valleys[name]) <= bounds).all()
best_steps = [rates[np.argmin(values)] for values in valleys.values()]
assert best_steps[0] < best_steps[1] < best_steps[2]
falling = [dynamic_regret(world, oco.OGD())[1][-1] for world in games.values()]
assert falling[0] < falling[1] < falling[2]
assert all(
    value > min(valley) for value, valley in zip(falling, valleys.values(), strict=True)
)

# %%
# *Answer.* The minima move to the right: the more the best point moves, the larger the best step. The falling step is
# worse than the best constant one in all three games, and its regret grows with the motion, because its late steps are
# short in any case.
#
# An ensemble: let Hedge choose
# -----------------------------
#
# Run several step sizes side by side and let lesson 3's Hedge weigh them. If :math:`x_t = \sum_i w_{t,i} x_t^{(i)}` and
# Hedge is fed the losses :math:`\ell_{t,i} = \langle g_t, x_t^{(i)} \rangle`, then for every i
#
# .. math:: \sum_t \langle g_t, x_t - u_t \rangle
#           = \underbrace{\sum_t \langle g_t, x_t - x_t^{(i)} \rangle}_{\text{regret of Hedge}}
#           + \underbrace{\sum_t \langle g_t, x_t^{(i)} - u_t \rangle}_{\text{the theorem for step } \eta_i} .
#
# With N steps on a geometric grid one of them is right up to a factor, and Hedge adds :math:`O(D L \sqrt{T \ln N})`:
# :math:`O(\sqrt{T (1 + P)})` without knowing P, with N of the order :math:`\ln T` (Zhang, Lu and Zhou 2018).


class Ensemble(oco.Learner):
    """Gradient descent with several constant steps, weighed by Hedge."""

    def __init__(self, rates=(0.01, 0.03, 0.1, 0.3, 1.0)):
        self.rates = rates

    def start(self, problem):
        self.domain = problem.domain
        size = problem.domain.diameter() * (problem.gradient_bound or 1.0)
        self.eta = np.sqrt(8.0 * np.log(len(self.rates)) / problem.horizon) / size
        start = problem.domain.start
        self.state = {
            "point": start,
            "points": np.array([start] * len(self.rates)),
            "losses": np.zeros(len(self.rates)),
        }

    def update(self, gradient):
        state = self.state
        losses = np.array(
            [np.vdot(gradient, point - state["point"]) for point in state["points"]]
        )
        state["losses"] = state["losses"] + losses
        steps = [
            self.domain.project(x - rate * gradient)
            for x, rate in zip(state["points"], self.rates, strict=True)
        ]
        weights = np.exp(-self.eta * (state["losses"] - state["losses"].min()))
        state["points"] = np.array(steps)
        state["point"] = np.tensordot(weights / weights.sum(), state["points"], axes=1)


check_learner(Ensemble())
colors = {"never": "#009E73", "every 1,000": "#0072B2", "every 100": "#D55E00"}
curves, ensembles = {}, {}
for name, values in valleys.items():
    ensembles[name] = float(dynamic_regret(games[name], Ensemble())[1][-1])
    curves[f"moves {name}"] = (rates, values, f"{colors[name]} o-")
    curves[f"_{name}"] = (rates, np.full(9, ensembles[name]), f"{colors[name]} --")
    print(
        f"moves {name:12s} ensemble {ensembles[name]:4.0f}   "
        f"best single step {min(values):4.0f}   worst {max(values):4.0f}"
    )
    assert ensembles[name] < 2.5 * min(values)

[axes] = panels()
lines(axes, curves, log="xy", xlabel="constant step size", ylabel="dynamic regret")
axes.set_title("3,000 rounds (dashed: the ensemble)")
plt.show()

# %%
# *What the dashed lines say.* In each world the ensemble is within a factor of 2.5 of the best single step, which is
# another one in each. Lesson 19 removes the learning rate altogether; lesson 18 asks for small regret on every
# interval of rounds.
#
# Against every path
# ------------------
#
# The environment's own comparator is one of many. Regret as a curve in P asks all of them:
#
# .. math:: R_T(P) = \sum_t f_t(x_t) - V(P), \qquad V(P) = \min \Bigl\{ \sum_t f_t(u_t) :
#           \sum_{t < T} |u_{t+1} - u_t|_2 \le P \Bigr\} . \tag{21}\label{eq:21}
#
# :math:`R_T(0)` is static regret. V is convex: the average of two sequences has at most the average of their paths and
# of their losses. So :math:`R_T` rises and is concave, and the theorem bounds it at every P at once. ``path_budgets``
# finds V with a certificate, by a dual value of this convex problem.
#
# **Predict before you run.** 400 rounds, new weights every 100. Draw :math:`R_T(P)` for a short step, a long step and
# the ensemble. The bound prefers the short step for small P, the long one for large P. Where do the lines cross?

world = drifting(100, horizon=400)
budgets = [0.0, 1.0, 2.0, 4.0, 8.0]
runs = {
    "short step": oco.OGD(0.05, schedule="constant"),
    "long step": oco.OGD(0.3, schedule="constant"),
    "ensemble": Ensemble(),
}
looks = dict(zip(runs, ("#0072B2", "#D55E00", "#009E73"), strict=True))
regrets, limits = {}, {}
for name, learner in runs.items():
    record = oco.play(world, learner, spectrum=False, path_budgets=budgets)
    regrets[name] = np.array([one.regret.upper for one in record.path_regret])
    print(
        f"{name:10s} "
        + "  ".join(f"P = {one.budget:g}: {one.regret}" for one in record.path_regret)
    )
for name, rate in (("short step", 0.05), ("long step", 0.3)):
    least = (diameter**2 + 2.0 * diameter * np.array(budgets)) / (2.0 * rate)
    limits[name] = least + 0.5 * rate * world.horizon * world.gradient_bound**2
    assert (regrets[name] <= limits[name]).all()
assert limits["short step"][0] < limits["long step"][0]
assert limits["short step"][-1] > limits["long step"][-1]
assert all((np.diff(values) >= 0.0).all() for values in regrets.values())
assert np.ptp(regrets["short step"] - regrets["long step"]) < 1e-6

[axes] = panels()
lines(
    axes,
    {name: (budgets, values, f"{looks[name]} o-") for name, values in regrets.items()},
    xlabel="path P of the comparator",
    ylabel="regret (certified)",
)
axes.set_title("Regret against every path")
plt.show()

# %%
# *Answer.* Nowhere. In :math:`\eqref{eq:21}` only V depends on P, and it is the same for all learners: the lines are
# one curve at different heights. On one game a learner is better against all paths or against none. The bounds cross
# because they hold for *all* games with such a comparator.
#
# Exercises
# ---------
#
# **10.1** T = 10,000, L = 1, D = 2, P = 6. Which constant step minimizes the bound of this lesson's theorem?


def step_for_drift():
    return None  # your number


exercise("10.1", step_for_drift, digest="3c301b04d5c93787", digits=13)

# %%
# **10.2** The simplest answer to drift is to forget. Write gradient descent that starts its schedule
# :math:`\eta_t = D / (L \sqrt t)` again every ``period`` rounds, from where it stands. It must obey the rules, and have
# less than a third of the plain schedule's dynamic regret where the weights of a *squared* loss move every 500 rounds.


class Restarted(oco.Learner):
    def __init__(self, period=500):
        self.period = period

    def start(self, problem):
        raise NotImplementedError(
            "self.state is a dict with the point and the round since the last restart"
        )

    def update(self, gradient):
        raise NotImplementedError(
            "count, step and project; begin to count anew after `period` rounds"
        )


def check_restarted():
    check_learner(Restarted(period=7))
    world = oco.environments.DriftingRegression(
        8, 3000, motion={"kind": "switches", "period": 500}
    )
    mine, plain = (
        dynamic_regret(world, learner)[1][-1] for learner in (Restarted(500), oco.OGD())
    )
    if mine > plain / 3.0:
        raise CheckFailed(
            f"the dynamic regret is {mine:.0f}, that of the plain schedule {plain:.0f}"
        )


exercise("10.2", check_restarted)
