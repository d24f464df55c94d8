r"""19. Parameter-free learning and universality
============================================

Every learner so far has a number that its theorem chooses: a learning rate that depends on how far the answer is, or
a constant of curvature. This lesson removes both. **Coin betting** has the regret of gradient descent with the best
learning rate for *every* comparator at once, and no learning rate. A **universal** learner has :math:`\sqrt T` regret
where losses are merely convex and logarithmic regret where they are curved, and is not told which. About 60 minutes;
it runs in a few seconds. Builds on lessons 2 and 8.
"""

# %%
# No step size at all
# -------------------
#
# On an unbounded domain there is no D. Gradient descent with step :math:`\eta` has :math:`\frac{|u|^2}{2 \eta} +
# \frac{\eta}{2} L^2 T`, which is :math:`|u| L \sqrt T` only if :math:`\eta` is about :math:`|u| / (L \sqrt T)`: one
# has to know how far the answer is. **Coin betting** (Orabona and Pál 2016) need not. Let :math:`c_t = -g_t / L`,
# start with wealth :math:`\varepsilon`, and *bet* the fraction :math:`\frac{1}{t} \sum_{s < t} c_s` of it (Krichevsky
# and Trofimov):
#
# .. math:: x_t = \frac{\sum_{s < t} c_s}{t} W_{t-1}, \qquad W_t = W_{t-1} + \langle c_t, x_t \rangle .
#
# **Theorem.** :math:`R_T(u) \le L |u| \sqrt{T \ln(1 + 24 T^2 |u|^2 / \varepsilon^2)} + L \varepsilon`, for all u at
# once.
#
# *Proof.* Regret and wealth determine each other. With :math:`S_t = c_1 + \dots + c_t`,
#
# .. math:: \sum_t \langle g_t, x_t - u \rangle = L (\varepsilon - W_T + \langle S_T, u \rangle) .
#
# *The wealth is at least* :math:`F_T(|S_T|)`, where :math:`F_0 = \varepsilon` and
#
# .. math:: F_t(s) = \varepsilon\, \frac{2^t}{\pi\, t!}\, \Gamma\Bigl(\frac{t + 1 + s}{2}\Bigr)
#           \Gamma\Bigl(\frac{t + 1 - s}{2}\Bigr), \qquad F_t(s \pm 1) = \Bigl(1 \pm \frac s t\Bigr) F_{t-1}(s) .
#           \tag{18}\label{eq:18}
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

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import gammaln

import oco
from oco.checks import CheckFailed, exercise
from regret_experiments.lessons.drawing import lines, panels


def log_potential(t, s):
    top = gammaln((t + 1 + s) / 2) + gammaln((t + 1 - s) / 2)
    return t * np.log(2) - np.log(np.pi) - gammaln(t + 1) + top


for t in (2, 10, 1000):
    sums = np.linspace(0.0, t - 1.5, 50)
    risen = np.log1p(sums / t) + log_potential(t - 1, sums)
    assert np.allclose(log_potential(t, sums + 1.0), risen)
    least = sums**2 / (2 * t) - 1.0 - 0.5 * np.log(np.pi * t)
    assert (log_potential(t, sums) >= least).all()

# %%
# **Predict before you run.** The best point is at distance 0.1, 1, 10 or 100. Which is good in all four games: one of
# five learning rates from 0.01 to 100, or coin betting, which has no learning rate?

distances = np.array([0.1, 1.0, 10.0, 100.0])
features = np.random.default_rng(0).standard_normal((2000, 10))
features /= np.linalg.norm(features, axis=1, keepdims=True)
rates = (0.01, 0.1, 1.0, 10.0, 100.0)
table = {f"rate {rate:g}": [] for rate in rates} | {"coin betting": []}
learners = [oco.OGD(rate) for rate in rates] + [oco.CoinBetting(gradient_bound=1.0)]
for distance in distances:
    target = features @ (distance * np.ones(10) / np.sqrt(10.0))
    world = oco.environments.AbsoluteRegression(
        features, target, domain=oco.Unbounded(10), order="file"
    )
    for values, learner in zip(table.values(), learners, strict=True):
        record = oco.play(
            world, learner, checkpoints=1, spectrum=False, comparator=False
        )
        values.append(record.cumulative_loss)  # the comparator's loss is 0

[axes] = panels()
curves = {n: (distances, v, "#9A9A9A") for n, v in table.items()}
curves["coin betting"] = (distances, table["coin betting"], "coin_betting s-")
lines(
    axes,
    curves,
    log="xy",
    xlabel="distance of the answer",
    ylabel="regret of 2,000 rounds",
)
plt.show()

# %%
# *Answer.* Every rate is good where it fits, and worse by factors of ten elsewhere. Coin betting is near the best
# everywhere; it pays only a logarithmic factor.

tuned = np.min([table[f"rate {rate:g}"] for rate in rates], axis=0)
ratio = np.array(table["coin betting"]) / tuned
print("coin betting / best of the five rates:", np.round(ratio, 2))
assert ratio.max() < 1.5
promise = distances * np.sqrt(2000 * np.log(1.0 + 24.0 * 2000**2 * distances**2)) + 1.0
assert (np.array(table["coin betting"]) <= promise).all()
assert all((table[f"rate {rate:g}"] / tuned).max() > 5 for rate in rates)

# %%
# Many learning rates at once
# ---------------------------
#
# Now a bounded domain, and losses that may or may not be curved. Run one learner for each learning rate
# :math:`\eta_i` of a grid, with points :math:`x_t^i`, and play their *tilted* mean
#
# .. math:: x_t = \frac{\sum_i \eta_i w_{t,i}\, x_t^i}{\sum_i \eta_i w_{t,i}}, \qquad
#           w_{t+1,i} = w_{t,i}\, e^{\eta_i r_{t,i} - \eta_i^2 r_{t,i}^2}, \qquad
#           r_{t,i} = \langle g_t, x_t - x_t^i \rangle .
#
# **Lemma.** If the first weights add up to 1 and :math:`|\eta_i r_{t,i}| \le \frac12`, then for every i
# :math:`\; \sum_t r_{t,i} \le \frac{1}{\eta_i} \ln \frac{1}{w_{1,i}} + \eta_i \sum_t r_{t,i}^2 .`
#
# *Proof.* :math:`e^{z - z^2} \le 1 + z` for :math:`|z| \le \frac12`. So in a round the sum of the weights grows by at
# most :math:`\sum_i w_{t,i} \eta_i r_{t,i}`, which is 0 by the choice of :math:`x_t`: it stays at most 1. Hence
# :math:`w_{T+1,i} \le 1`. Take the logarithm, and divide by :math:`\eta_i`. (Gaillard, Stoltz and van Erven 2014; van
# Erven and Koolen 2016.)
#
# *What should learner i do?* It should be good for its own surrogate loss :math:`s_t(u) = -\eta z + \eta^2 z^2` with
# :math:`z = \langle g_t, x_t - u \rangle`. Its gradient at w is :math:`h = \eta (1 - 2 \eta z) g_t`, so :math:`h
# h^\top \le 4 \eta^2 g_t g_t^\top`, and as s is quadratic along :math:`g_t`,
#
# .. math:: s_t(u) = s_t(w) + \langle h, u - w \rangle + \eta^2 \langle g_t, u - w \rangle^2
#           \ge s_t(w) + \langle h, u - w \rangle + \tfrac14 \langle h, u - w \rangle^2 .
#
# That is `(9) <lesson_08_second_order.html>`_ of lesson 8 with :math:`\gamma = \frac12`: the Online Newton Step with
# :math:`\epsilon = 1 / D^2` has regret of at most :math:`\frac12 + d \ln(1 + \frac{T}{2 d})` on it, if :math:`\eta
# \le \frac{1}{2 D L}` (then :math:`|h| \le 1 / D`).
#
# **Theorem** (MetaGrad, van Erven and Koolen 2016, with our constants). With :math:`V_u = \sum_t \langle g_t, x_t - u
# \rangle^2` and :math:`C = \ln \frac{1}{w_{1,i}} + \frac12 + d \ln(1 + \frac{T}{2d})`, for every learning rate of the
# grid
#
# .. math:: \sum_t \langle g_t, x_t - u \rangle \le \eta_i V_u + \frac{C}{\eta_i} . \tag{19}\label{eq:19}
#
# *Proof.* The lemma says :math:`-\sum_t s_t(x_t^i) \le \ln \frac{1}{w_{1,i}}`; add the regret of learner i on its
# surrogates. The sum says :math:`-\sum_t s_t(u) \le C`, which is :math:`\eqref{eq:19}` times :math:`\eta_i`.
#
# *Universality.* For convex losses :math:`V_u \le D^2 L^2 T`, and the best :math:`\eta_i` gives :math:`O(D L \sqrt{C
# T})`. If the losses are curved as in (9), the regret is smaller than the left side by :math:`\frac\gamma2 V_u`, and
# with :math:`\eta_i \approx \frac\gamma2` it is :math:`O(C / \gamma) = O(\frac{d}{\gamma} \ln T)`. Nobody told the
# learner :math:`\gamma`.


class MetaGrad(oco.Learner):
    """Newton steps for every learning rate of a grid, and their tilted mean."""

    def start(self, problem):
        self.domain, start = problem.domain, problem.domain.start
        largest = 0.5 / (problem.domain.diameter() * problem.gradient_bound)
        count = 1 + int(np.ceil(0.5 * np.log2(problem.horizon)))
        self.rates = largest * 0.5 ** np.arange(count)
        ridge = np.eye(start.size) / problem.domain.diameter() ** 2
        self.state = {
            "point": start,
            "points": np.array([start] * count),
            "matrices": np.array([ridge] * count),
            "logs": np.full(count, -np.log(count)),
        }

    def update(self, gradient):
        state = self.state
        for i, rate in enumerate(self.rates):
            ahead = rate * gradient @ (state["point"] - state["points"][i])
            state["logs"][i] += ahead - ahead**2
            slope = rate * (1 - 2 * ahead) * gradient
            state["matrices"][i] += 0.5 * np.outer(slope, slope)
            metric = oco.domains.Dense.from_matrix(state["matrices"][i])
            moved = state["points"][i] - np.linalg.solve(state["matrices"][i], slope)
            state["points"][i] = self.domain.project_in(moved, metric)
        tilted = self.rates * np.exp(state["logs"] - state["logs"].max())
        state["point"] = tilted @ state["points"] / tilted.sum()


# %%
# **Predict before you run.** Three games in four dimensions: losses :math:`x_1` for a third of the rounds and
# :math:`-x_1` for the rest; absolute loss; squared loss. Gradient descent, Newton steps that believe in a curvature of
# :math:`\gamma = 2`, and MetaGrad. Who is good in which game?

source, horizon = np.random.default_rng(3), 2000
scales = np.geomspace(1.0, 0.1, 4)
rows = source.choice([-1.0, 1.0], (horizon, 4)) * scales / np.linalg.norm(scales)
noise = 0.3 * source.uniform(-1.0, 1.0, horizon)
targets = rows @ [0.1, 0.2, 0.4, 0.8] + noise
turn = np.where(np.arange(horizon) < horizon // 3, 1.0, -1.0)
ball = oco.Ball(radius=1.0)
games = {
    "a turn": oco.environments.LinearLosses(
        np.outer(turn, np.eye(4)[0]), domain=ball, order="file"
    ),
    "absolute": oco.environments.AbsoluteRegression(
        rows, targets, domain=ball, order="file"
    ),
    "squared": oco.environments.LeastSquares(rows, targets, domain=ball, order="file"),
}
players = {
    "gradient descent": oco.OGD(),
    "Newton, gamma = 2": oco.OnlineNewtonStep(curvature=2.0, ridge=1.0),
    "MetaGrad": MetaGrad(),
}
regret = {}
for name, learner in players.items():
    regret[name] = [
        oco.play(game, learner, checkpoints=1, spectrum=False).regret.upper
        for game in games.values()
    ]
    print(
        f"{name:18s}", dict(zip(games, np.round(regret[name], 1).tolist(), strict=True))
    )

# %%
# *Answer.* The Newton steps are the best in both regressions, where steps that shrink quickly do no harm, and lose
# everything in the first game: after the turn they never come back, and the regret is linear. MetaGrad is bad nowhere.
# It pays for that in the easy game with squared loss, where it is behind both.

newton, meta = np.array(regret["Newton, gamma = 2"]), np.array(regret["MetaGrad"])
assert newton[0] > 0.4 * horizon > 0 > meta[0]
assert newton[1] < meta[1] < regret["gradient descent"][1]
assert meta[2] > max(newton[2], regret["gradient descent"][2])
for game, value in zip(games.values(), meta, strict=True):
    most = 2.0 * game.gradient_bound  # D L
    grid = 0.5 / most * 0.5 ** np.arange(7)
    price = np.log(7) + 0.5 + 4 * np.log(1 + horizon / 8)
    assert value <= (grid * most**2 * horizon + price / grid).min()

# %%
# Exercises
# ---------
#
# **19.1** L = 1, :math:`\varepsilon = 1`, T = 1,000. What is the coin-betting bound at a distance :math:`|u| = 2`?
# (Three digits.)


def coin_betting_bound():
    return None  # your number


exercise("19.1", coin_betting_bound, digest="6ea6b838f2536472")

# %%
# **19.2** Write the Krichevsky-Trofimov bettor in one dimension: from coins :math:`c_t \in [-1, 1]` return the bets
# :math:`x_1, \dots, x_T`, starting with wealth 1. It must never go bankrupt.


def bets(coins):
    raise NotImplementedError(
        "return an array: bet the fraction (sum of the coins so far) / t of the wealth"
    )


def check_bets():
    coins = np.sign(np.random.default_rng(2).random(300) - 0.3)
    placed = np.asarray(bets(coins), dtype=float)
    if placed.shape != (300,):
        raise CheckFailed(
            f"the bets have shape {placed.shape}, they should be (300,): one for each "
            "coin, before it falls"
        )
    if (1.0 + np.cumsum(coins * placed)).min() <= 0.0:
        raise CheckFailed("the wealth became negative: never bet more than there is")
    player = oco.CoinBetting(gradient_bound=1.0)
    player.start(oco.Problem(oco.Unbounded(1), horizon=300))
    for index, coin in enumerate(coins):
        right = player.prediction[0]
        if abs(placed[index] - right) > 1e-6 * (1.0 + abs(right)):
            raise CheckFailed(
                f"bet {index + 1} is {placed[index]:.6g}, it should be {right:.6g}"
            )
        player.update(np.array([-coin]))


exercise("19.2", check_bets)

# %%
# **19.3** Write the tilted mean: the point of a universal learner, from learning rates ``(n,)``, weights ``(n,)`` and
# points ``(n, d)``. The check plays it against an opponent who chooses gradients by the points, and looks at the sum of
# the weights.


def tilted_mean(rates, weights, points):
    raise NotImplementedError("return the mean of the points with weights eta_i w_i")


def check_tilted():
    hand = np.random.default_rng(7)
    rates, weights = 0.5 ** np.arange(2.0, 7.0), np.full(5, 0.2)
    for number in range(1, 201):
        points = hand.uniform(-0.5, 0.5, (5, 2))
        point = np.asarray(tilted_mean(rates, weights, points), dtype=float)
        if point.shape != (2,):
            raise CheckFailed(f"the point has shape {point.shape}, it should be (2,)")
        gradient = np.sign(point - points[number % 5]) / np.sqrt(2)
        ahead = rates * ((point - points) @ gradient)
        weights = weights * np.exp(ahead - ahead**2)
        if weights.sum() > 1.0 + 1e-12:
            raise CheckFailed(
                f"after round {number} the weights add up to {weights.sum():.4f}: the "
                "lemma says at most 1, for the tilted mean"
            )


exercise("19.3", check_tilted)

# %%
# Further reading: Orabona and Pál, *Coin betting and parameter-free online learning* (2016); Orabona, *A Modern
# Introduction to Online Learning*, the chapter on parameter-free algorithms; van Erven and Koolen, *MetaGrad* (2016).
