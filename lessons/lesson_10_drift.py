r"""10. Drift, dynamic regret and parameter-free learners
=====================================================

What if the best point *moves*? Small regret against a fixed point then says little. This lesson measures **dynamic
regret** and proves a bound for gradient descent. The right step size depends on how much the best point moves, which is
not known. The lesson ends with two methods that do not need to know it: an ensemble, and coin betting.
About 50 minutes; it runs in a few seconds. Builds on lessons 2 and 3.
"""

# %%
# Against a moving point
# ----------------------
#
# .. math:: R_T(u_1, \dots, u_T) = \sum_t f_t(x_t) - \sum_t f_t(u_t), \qquad P = \sum_{t < T} |u_{t+1} - u_t|_2 .
#
# **Theorem.** Gradient descent with a constant step has :math:`R_T(u_1, \dots, u_T) \le \frac{D^2 + 2 D P}{2 \eta} +
# \frac{\eta}{2} \sum_t |g_t|^2`, hence :math:`G \sqrt{T (D^2 + 2 D P)}` at the best :math:`\eta`.
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
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.style import base_style, learner_style

plt.rcParams.update(base_style())


def drifting(period, horizon=3000):
    """Absolute loss of a linear prediction; the weights, of length 1, are drawn anew every ``period`` rounds."""
    motion = {"kind": "switches", "period": period}
    return oco.environments.DriftingRegression(8, horizon, motion=motion, loss="absolute")


def dynamic_regret(game, learner, checkpoints=1):
    record = oco.play(game, learner, comparator=False, spectrum=False, checkpoints=checkpoints)
    rounds = record.curves["round"].astype(int)
    return rounds, record.curves["cumulative_loss"] - game.fresh(0).comparator_losses(rounds)


game = drifting(500)
record = oco.play(game, oco.OGD(), spectrum=False)
print(f"static regret {record.regret.upper:.0f}; dynamic regret {dynamic_regret(game, oco.OGD())[1][-1]:.0f}")

# %%
# Static regret may even be negative: the learner then beats every fixed point, because all fixed points are bad.
#
# **Predict before you run.** Three games of 3,000 rounds: nothing moves, a new best point every 1,000 rounds, and every
# 100 rounds. Draw the dynamic regret against the step size. Where is each minimum? And how does the schedule
# :math:`\eta_t = D / (G \sqrt t)` of lesson 2 do in the last game?

periods = {"never": 3000, "every 1,000": 1000, "every 100": 100}
rates = np.geomspace(3e-3, 1.0, 9)
valleys, games = {}, {name: drifting(period) for name, period in periods.items()}
for name, world in games.items():
    valleys[name] = [dynamic_regret(world, oco.OGD(rate, schedule="constant"))[1][-1] for rate in rates]
    path, diameter = world.path_length, world.domain.diameter()
    bounds = (diameter**2 + 2.0 * diameter * path) / (
        2.0 * rates
    ) + 0.5 * rates * world.horizon * world.gradient_bound**2
    print(
        f"moves {name:12s} P = {path:5.1f}   best step {rates[np.argmin(valleys[name])]:.3f}   "
        f"regret {min(valleys[name]):4.0f}   bound {bounds[np.argmin(valleys[name])]:5.0f}   "
        f"falling step {dynamic_regret(world, oco.OGD())[1][-1]:4.0f}"
    )
    assert (np.array(valleys[name]) <= bounds).all()
best_steps = [rates[np.argmin(values)] for values in valleys.values()]
assert best_steps[0] < best_steps[1] < best_steps[2]
falling = [dynamic_regret(world, oco.OGD())[1][-1] for world in games.values()]
assert falling[0] < falling[1] < falling[2]
assert all(value > min(valley) for value, valley in zip(falling, valleys.values(), strict=True))

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
# With N steps on a geometric grid one of them is right up to a factor, and Hedge adds :math:`O(D G \sqrt{T \ln N})`:
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
        losses = np.array([np.vdot(gradient, point - state["point"]) for point in state["points"]])
        state["losses"] = state["losses"] + losses
        steps = [self.domain.project(x - rate * gradient) for x, rate in zip(state["points"], self.rates, strict=True)]
        weights = np.exp(-self.eta * (state["losses"] - state["losses"].min()))
        state["points"] = np.array(steps)
        state["point"] = np.tensordot(weights / weights.sum(), state["points"], axes=1)


check_learner(Ensemble())
colors = {"never": "#009E73", "every 1,000": "#0072B2", "every 100": "#D55E00"}
figure, axes = plt.subplots(figsize=(5.6, 3.3), layout="constrained")
labels = DirectLabels(axes)
for name, values in valleys.items():
    axes.plot(rates, values, "o-", color=colors[name])
    labels.at_end(f"moves {name}", rates[-1], values[-1], colors[name])
    ensemble = dynamic_regret(games[name], Ensemble())[1][-1]
    axes.axhline(ensemble, color=colors[name], linestyle="--", linewidth=0.9)
    print(f"moves {name:12s} ensemble {ensemble:4.0f}   best single step {min(values):4.0f}   worst {max(values):4.0f}")
    assert ensemble < 2.5 * min(values)
axes.set(xscale="log", yscale="log", xlabel="constant step size", ylabel="dynamic regret of 3,000 rounds")
axes.set_title("Every world has its own step (dashed: the ensemble)")
plt.show()

# %%
# No step size at all
# -------------------
#
# On an unbounded domain there is no D. Gradient descent with step :math:`\eta` has :math:`\frac{|u|^2}{2 \eta} +
# \frac{\eta}{2} G^2 T`, which is :math:`|u| G \sqrt T` only if :math:`\eta` is about :math:`|u| / (G \sqrt T)`: one
# has to know how far the answer is. **Coin betting** (Orabona and Pál 2016) need not. Let :math:`c_t = -g_t / G`,
# start with wealth :math:`\varepsilon`, and *bet* the fraction :math:`\frac{1}{t} \sum_{s < t} c_s` of it (Krichevsky
# and Trofimov):
#
# .. math:: x_t = \frac{\sum_{s < t} c_s}{t} W_{t-1}, \qquad W_t = W_{t-1} + \langle c_t, x_t \rangle .
#
# **Theorem.** :math:`R_T(u) \le G |u| \sqrt{T \ln(1 + 24 T^2 |u|^2 / \varepsilon^2)} + G \varepsilon`, for all u at
# once.
#
# *Proof.* Regret and wealth determine each other. With :math:`S_t = c_1 + \dots + c_t`,
#
# .. math:: \sum_t \langle g_t, x_t - u \rangle = G (\varepsilon - W_T + \langle S_T, u \rangle) .
#
# *The wealth is at least* :math:`F_T(|S_T|)`, where :math:`F_0 = \varepsilon` and
#
# .. math:: F_t(s) = \varepsilon\, \frac{2^t}{\pi\, t!}\, \Gamma\Bigl(\frac{t + 1 + s}{2}\Bigr)
#           \Gamma\Bigl(\frac{t + 1 - s}{2}\Bigr), \qquad F_t(s \pm 1) = \Bigl(1 \pm \frac s t\Bigr) F_{t-1}(s) .
#
# The identity is :math:`\Gamma(z + 1) = z \Gamma(z)`. In one dimension, by induction: the bet multiplies the wealth by
# :math:`1 + c S_{t-1} / t`, which is linear in c. :math:`F_t` is convex (the logarithm of :math:`\Gamma` is), and the
# two sides agree at :math:`c = \pm 1`, hence :math:`W_t \ge F_{t-1}(S_{t-1}) (1 + c S_{t-1} / t) \ge F_t(S_{t-1} + c)`.
# (In more dimensions the worst coin is parallel to the sum: Orabona and Pál 2016.) Stirling's formula gives
# :math:`F_T(s) \ge a\, e^{s^2 / 2T}` with :math:`a = \varepsilon / (e \sqrt{\pi T})`.
#
# *If a fixed u would have gained much, the wealth is large.* It remains to maximize
# :math:`|u| s - a e^{s^2 / 2T}` over s. The derivative is zero where :math:`|u| = \frac{a s}{T} e^{s^2 / 2T}`. With
# :math:`z = s^2 / T` this says :math:`z e^z = T |u|^2 / a^2`, and :math:`e^z \le 1 + z e^z`, so
# :math:`s \le \sqrt{T \ln(1 + T |u|^2 / a^2)}`, where :math:`T / a^2 = e^2 \pi T^2 / \varepsilon^2 \le 24 T^2 /
# \varepsilon^2`. The maximum is at most :math:`|u| s`. The two facts about F that were quoted, in numbers:

from scipy.special import gammaln


def log_potential(t, s):
    return t * np.log(2) - np.log(np.pi) - gammaln(t + 1) + gammaln((t + 1 + s) / 2) + gammaln((t + 1 - s) / 2)


for t in (2, 10, 1000):
    sums = np.linspace(0.0, t - 1.5, 50)
    assert np.allclose(log_potential(t, sums + 1.0), np.log1p(sums / t) + log_potential(t - 1, sums))
    assert (log_potential(t, sums) >= sums**2 / (2 * t) - 1.0 - 0.5 * np.log(np.pi * t)).all()

# %%
# **Predict before you run.** The best point is at distance 0.1, 1, 10 or 100. Which is good in all four games: one of
# five learning rates from 0.01 to 100, or coin betting, which has no learning rate?

distances = np.array([0.1, 1.0, 10.0, 100.0])
features = np.random.default_rng(0).standard_normal((2000, 10))
features /= np.linalg.norm(features, axis=1, keepdims=True)
table = {rate: [] for rate in (0.01, 0.1, 1.0, 10.0, 100.0)} | {"coin betting": []}
for distance in distances:
    target = features @ (distance * np.ones(10) / np.sqrt(10.0))
    world = oco.environments.AbsoluteRegression(features, target, domain=oco.Unbounded(10), order="file")
    for rate, values in table.items():
        learner = oco.CoinBetting(gradient_bound=1.0) if rate == "coin betting" else oco.OGD(rate)
        values.append(oco.play(world, learner, checkpoints=1, spectrum=False, comparator=False).cumulative_loss)
promise = distances * np.sqrt(2000 * np.log(1.0 + 24.0 * 2000**2 * distances**2)) + 1.0
assert (np.array(table["coin betting"]) <= promise).all()  # the comparator's loss is 0: the loss is the regret

gold = learner_style("coin_betting").ink
figure, axes = plt.subplots(figsize=(5.4, 3.2), layout="constrained")
labels = DirectLabels(axes)
for rate, values in table.items():
    coin = rate == "coin betting"
    axes.plot(
        distances, values, "s-" if coin else "-", color=gold if coin else "#9A9A9A", linewidth=2.2 if coin else 1.0
    )
    labels.at_end("coin betting" if coin else f"rate {rate:g}", distances[-1], values[-1], gold if coin else "#707070")
axes.set(xscale="log", yscale="log", xlabel="distance of the answer", ylabel="regret of 2,000 rounds")
axes.set_title("One learner without a rate against five with one")
plt.show()
ratio = np.array(table["coin betting"]) / np.min(
    [values for rate, values in table.items() if rate != "coin betting"], axis=0
)
print("coin betting / best of the five rates:", np.round(ratio, 2))
assert ratio.max() < 1.5

# %%
# *Answer.* Every rate is good where it fits, and worse by factors of ten elsewhere. Coin betting is near the best
# everywhere; it pays only a logarithmic factor.
#
# Exercises
# ---------
#
# **10.1** T = 10,000, G = 1, D = 2, P = 6. Which constant step minimizes the bound of this lesson's theorem?


def step_for_drift():
    return None  # your number


exercise("10.1", step_for_drift, digest="3c301b04d5c93787", digits=13)

# %%
# **10.2** Write the Krichevsky-Trofimov bettor in one dimension: from coins :math:`c_t \in [-1, 1]` return the bets
# :math:`x_1, \dots, x_T`, starting with wealth 1. It must never go bankrupt.


def bets(coins):
    raise NotImplementedError("return an array: bet the fraction (sum of the coins so far) / t of the wealth")


def check_bets():
    coins = np.sign(np.random.default_rng(2).random(300) - 0.3)
    placed = np.asarray(bets(coins), dtype=float)
    if placed.shape != (300,):
        raise CheckFailed(
            f"the bets have shape {placed.shape}, they should be (300,): one for each coin, before it falls"
        )
    if (1.0 + np.cumsum(coins * placed)).min() <= 0.0:
        raise CheckFailed("the wealth became negative: never bet more than there is")
    player = oco.CoinBetting(gradient_bound=1.0)
    player.start(oco.Problem(oco.Unbounded(1), horizon=300))
    for index, coin in enumerate(coins):
        if abs(placed[index] - player.prediction[0]) > 1e-6 * (1.0 + abs(player.prediction[0])):
            raise CheckFailed(f"bet {index + 1} is {placed[index]:.6g}, it should be {player.prediction[0]:.6g}")
        player.update(np.array([-coin]))


exercise("10.2", check_bets)

# %%
# **10.3** The simplest answer to drift is to forget. Write gradient descent that starts its schedule
# :math:`\eta_t = D / (G \sqrt t)` again every ``period`` rounds, from where it stands. It must obey the rules, and have
# less than a third of the plain schedule's dynamic regret where the weights of a *squared* loss move every 500 rounds.


class Restarted(oco.Learner):
    def __init__(self, period=500):
        self.period = period

    def start(self, problem):
        raise NotImplementedError("self.state is a dict with the point and the round since the last restart")

    def update(self, gradient):
        raise NotImplementedError("count, step and project; begin to count anew after `period` rounds")


def check_restarted():
    check_learner(Restarted(period=7))
    world = oco.environments.DriftingRegression(8, 3000, motion={"kind": "switches", "period": 500})
    mine, plain = (dynamic_regret(world, learner)[1][-1] for learner in (Restarted(500), oco.OGD()))
    if mine > plain / 3.0:
        raise CheckFailed(f"the dynamic regret is {mine:.0f}, that of the plain schedule {plain:.0f}")


exercise("10.3", check_restarted)
