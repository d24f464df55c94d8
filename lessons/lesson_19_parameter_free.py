r"""19. Parameter-free learning: coin betting
=========================================

Every learner so far has a number that its theorem chooses: a learning rate that depends on how far the answer is.
**Coin betting** has the regret of gradient descent with the best learning rate for *every* comparator at once, and no
learning rate. The proof turns regret into wealth, and a learner into a gambler who never goes bankrupt. About 45
minutes; it runs in a few seconds. Builds on lesson 2.
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
#
# In more dimensions let :math:`s = |S_{t-1}|`, and p the component of the coin along :math:`S_{t-1}`. The bet
# multiplies the wealth by :math:`1 + s p / t`, and :math:`|S_t|^2 \le s^2 + 2 s p + 1`. Both sides agree at :math:`p
# = \pm 1` as before, so it suffices that :math:`F_t(\sqrt y)` is convex and rising in y. It is: the logarithm of
# :math:`\Gamma(b + z) \Gamma(b - z)` is a power series in :math:`z^2` whose coefficients, polygamma functions of odd
# order at b, are positive, and so is its exponential.
#
# Stirling's formula gives
# :math:`F_T(s) \ge a\, e^{s^2 / 2T}` with :math:`a = \varepsilon / (e \sqrt{\pi T})`.
#
# *If a fixed u would have gained much, the wealth is large.* It remains to maximize
# :math:`|u| s - a e^{s^2 / 2T}` over s. The derivative is zero where :math:`|u| = \frac{a s}{T} e^{s^2 / 2T}`. With
# :math:`z = s^2 / T` this says :math:`z e^z = T |u|^2 / a^2`, and :math:`e^z \le 1 + z e^z`, so
# :math:`s \le \sqrt{T \ln(1 + T |u|^2 / a^2)}`, where :math:`T / a^2 = e^2 \pi T^2 / \varepsilon^2 \le 24 T^2 /
# \varepsilon^2`. The maximum is at most :math:`|u| s`. The facts about F that were quoted, in numbers:

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
    squares = np.linspace(0.0, (t - 1.0) ** 2, 200)
    heights = np.exp(log_potential(t, np.sqrt(squares)) - log_potential(t, 0.0))
    assert (np.diff(heights) > 0).all()
    assert (np.diff(heights, 2) > -1e-9 * heights[1:-1]).all()

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
# Exercises
# ---------
#
# **19.1** What is the coin-betting bound against a point at a distance of :math:`|u|`? ``wealth`` is
# :math:`\varepsilon`, what the gambler starts with.


def coin_betting_bound(distance, rounds, gradient_bound, wealth):
    return None  # a formula


exercise(
    "19.1",
    lambda: coin_betting_bound(2.0, 1000, gradient_bound=1.5, wealth=0.5),
    digest="f5480e301a2b1448",
    digits=13,
)

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
# Further reading: Orabona and Pál, *Coin betting and parameter-free online learning* (2016); Orabona, *A Modern
# Introduction to Online Learning*, the chapter on parameter-free algorithms.
