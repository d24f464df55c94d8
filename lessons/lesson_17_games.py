r"""17. Games: no-regret dynamics and the minimax theorem
=====================================================

Until now the opponent had no aim of its own. Let it be a second learner, who wins what you lose. Two learners without
regret then compute an *equilibrium*, and the mere existence of such learners proves von Neumann's minimax theorem.
Their regrets, which both can compute, certify how far from the equilibrium they are. At the end optimism makes both
of them faster. About 45 minutes; it runs in a few seconds. Builds on lessons 3 and 14.
"""

# %%
# The minimax theorem, from regret
# --------------------------------
#
# The row player picks x in the simplex, the column player y, and row pays :math:`\langle x, A y \rangle` to column. If
# row moves first, column answers with the best column, and vice versa, so going second is never worse:
#
# .. math:: \max_y \min_x \langle x, A y \rangle \;\le\; \min_x \max_y \langle x, A y \rangle .
#
# **Theorem** (von Neumann 1928). The two are equal.
#
# *Proof* (Freund and Schapire 1999). Let both play T rounds, each with a learner of regret :math:`R^x_T` and
# :math:`R^y_T`: row has the losses :math:`A y_t`, column :math:`-A^\top x_t`. Let :math:`\bar x`, :math:`\bar y` be the
# averages of what they played and :math:`v = \frac1T \sum_t \langle x_t, A y_t \rangle` what row paid per round. By the
# definition of regret
#
# .. math:: v = \min_x \langle x, A \bar y \rangle + \frac{R^x_T}{T}, \qquad
#           v = \max_y \langle \bar x, A y \rangle - \frac{R^y_T}{T} ,
#
# and therefore
#
# .. math:: \underbrace{\max_y \langle \bar x, A y \rangle - \min_x \langle x, A \bar y \rangle}_{\text{duality gap of }
#           \bar x,\, \bar y} = \frac{R^x_T + R^y_T}{T} . \tag{16}\label{eq:16}
#
# So
#
# .. math:: \min_x \max_y \langle x, A y \rangle \le \max_y \langle \bar x, A y \rangle
#           = \min_x \langle x, A \bar y \rangle + \frac{R^x_T + R^y_T}{T}
#           \le \max_y \min_x \langle x, A y \rangle + \frac{R^x_T + R^y_T}{T} .
#
# With Hedge the last term tends to zero.
#
# :math:`\eqref{eq:16}` is an equation, and both sides need only the best row and the best column. The gap is a
# *certificate*: no player can gain more than it by deviating from :math:`\bar x` or :math:`\bar y`, and the value of
# the game lies between the two numbers whose difference it is, whatever learners were used.
#
# A game with a twist
# -------------------
#
# Rock, paper, scissors, but a win with scissors counts twice.
#
# **Predict before you run.** How does an expert play this game: scissors more often than the other two, less often,
# or as often? And do the *strategies* of two Hedge learners tend to the equilibrium, or only their averages?

import matplotlib.pyplot as plt
import numpy as np

import oco
from oco.checks import CheckFailed, exercise
from regret_experiments.lessons.drawing import lines, panels, triangle

names = ["rock", "paper", "scissors"]
# what row pays: row's scissors against column's paper win 2 for row
payoff = np.array([[0.0, 1.0, -1.0], [-1.0, 0.0, 2.0], [1.0, -2.0, 0.0]])
played = oco.self_play(payoff, oco.Hedge(), rounds=20_000)
print({n: round(float(p), 3) for n, p in zip(names, played.row_strategy, strict=True)})
print(f"value between {played.value.lower:.4f} and {played.value.upper:.4f}")
print(
    f"gap {played.gap:.5f} = {(played.row_regret + played.column_regret) / 20_000:.5f}"
)


def both_paths(rate, rounds):
    """What two Hedge learners play, round by round."""
    row, column = oco.Hedge(rate), oco.Hedge(rate)
    for player in (row, column):
        player.start(oco.Problem(oco.Simplex(dimension=3), rounds))
    row.update(np.array([0.0, 0.3, 0.0]))  # row begins with less paper
    points = []
    for _ in range(rounds):
        x, y = row.prediction.copy(), column.prediction.copy()
        points.append(x)
        row.update(payoff @ y)
        column.update(-payoff.T @ x)
    return np.array(points)


walk = both_paths(0.1, 3000)
averages = np.cumsum(walk, axis=0) / np.arange(1, 3001)[:, None]
[axes] = panels(height=3.6)
corners = triangle(axes, names)
axes.plot(*(walk @ corners).T, color="#BBBBBB", linewidth=0.6)
axes.plot(*(averages @ corners).T, color="#0072B2", linewidth=2.0)
axes.set_title("3,000 rounds: row's strategies, and their average")
plt.show()

# %%
# *Answer.* Scissors win twice as much, yet a good player shows them in a quarter of the games, paper in a quarter,
# rock in half: the more scissors pay, the more it is worth to be ready for them. In equilibrium the opponent is
# indifferent. The strategies themselves (gray) circle around the equilibrium and never settle. Only their average
# (blue) converges, as the proof says: the last strategies of two learners need not be good.

assert np.allclose(played.row_strategy, [0.5, 0.25, 0.25], atol=0.02)
assert np.isclose(played.gap, (played.row_regret + played.column_regret) / 20_000)
assert 0.0 in played.value
distance = np.abs(walk - [0.5, 0.25, 0.25]).sum(axis=1)
assert distance[-500:].max() > distance[:500].max()
assert np.abs(averages[-1] - [0.5, 0.25, 0.25]).sum() < 0.1

# %%
# Two optimists
# -------------
#
# By :math:`\eqref{eq:16}` the gap falls like :math:`1 / \sqrt T`, if both have the regret of lesson 3. But nobody is
# hostile here: the opponent is a learner who moves slowly, so the next gradient is nearly the last one. The
# optimistic Hedge of lesson 14 counts the last gradient twice. Keep the negative terms of lemma `(15)
# <lesson_14_optimism.html>`_ there: for every :math:`\eta`, with :math:`|A_{ij}| \le 1`,
#
# .. math:: R^x_T \le \frac{\ln d}{\eta} + \eta \sum_t \|y_t - y_{t-1}\|_1^2 - \frac{1}{8 \eta} \sum_t \|x_t -
#           x_{t-1}\|_1^2
#           + \eta ,
#
# and the same with x and y exchanged. *Proof.* In `(15) <lesson_14_optimism.html>`_ let :math:`m_t = g_{t-1}` (with
# :math:`g_0 = 0`) and z be its second sequence of points. Estimate :math:`\eta \langle g_t - m_t, x_t - z_{t+1}
# \rangle \le \eta^2 \|g_t - m_t\|_\infty^2 + \frac14 \|x_t - z_{t+1}\|_1^2`. The negative terms that are left,
# :math:`-\frac14 \|x_t - z_{t+1}\|_1^2 - \frac12 \|x_t - z_t\|_1^2`, are in total at most :math:`-\frac18 \sum_t
# \|x_t - x_{t-1}\|_1^2`, since :math:`\|x_t - x_{t-1}\|^2 \le 2 \|x_t - z_t\|^2 + 2 \|z_t - x_{t-1}\|^2`. And
# :math:`\|g_t - g_{t-1}\|_\infty = \|A (y_t - y_{t-1})\|_\infty \le \|y_t - y_{t-1}\|_1`; the first round costs
# :math:`\eta` more.
#
# Add the two: what one player pays for the other's motion, the other one has saved. For :math:`\eta \le 1 / \sqrt 8`
# the sums cancel, and **the gap is at most** :math:`\bigl(\frac{2 \ln d}{\eta} + 2 \eta\bigr) / T` (Rakhlin and
# Sridharan 2013; Syrgkanis, Agarwal, Luo and Schapire 2015).
#
# **Predict before you run.** A random game of 20 by 20. With ten times as many rounds, how much smaller is the gap of
# two Hedge learners, of two optimistic ones, and of two that match regrets (which have no learning rate at all)?

matrix = np.random.default_rng(2).uniform(-1.0, 1.0, (20, 20))
eta = 1 / np.sqrt(8)
rounds = [30, 100, 300, 1000, 3000]
gaps = {
    "Hedge": [oco.self_play(matrix, oco.Hedge(), rounds=t).gap for t in rounds],
    "optimistic Hedge": oco.self_play(
        matrix, oco.OptimisticHedge(eta), rounds=3000, checkpoints=rounds
    ).gaps,
    "regret matching+": oco.self_play(
        matrix, oco.RegretMatching(plus=True), rounds=3000, checkpoints=rounds
    ).gaps,
}
for name, values in gaps.items():
    print(f"{name:17s}", [round(float(gap), 4) for gap in values])

promise = (2 * np.log(20) / eta + 2 * eta) / np.array(rounds)
[axes] = panels()
looks = ["hedge d-", "optimistic_hedge o-", "regret_matching s-"]
curves = {n: (rounds, g, k) for (n, g), k in zip(gaps.items(), looks, strict=True)}
curves["bound of the optimists"] = (rounds, promise, "optimistic_hedge :")
lines(
    axes,
    curves,
    log="xy",
    xlabel="rounds",
    ylabel="duality gap",
    title="A game of 20 by 20",
)
plt.show()

# %%
# *Answer.* Hedge's gap falls like :math:`1 / \sqrt T`, by 3 for ten times the rounds; that of the optimists like
# :math:`1 / T`, by about 10. Regret matching has the bound of Hedge, up to :math:`\sqrt{d / \ln d}`, and is better than
# Hedge here; programs that play poker use it.

fall = {name: values[1] / values[3] for name, values in gaps.items()}
assert 2 < fall["Hedge"] < 5 < fall["optimistic Hedge"]
assert (gaps["optimistic Hedge"] <= promise).all()
assert gaps["regret matching+"][-1] < gaps["Hedge"][-1]

# %%
# Exercises
# ---------
#
# **17.1** Row pays a or b in its first row, c or d in its second, and both players have to mix. What is the value of
# the game with ``payoff`` = [[a, b], [c, d]]?


def value_of_the_game(payoff):
    return None  # a formula


exercise(
    "17.1",
    lambda: value_of_the_game(np.array([[5.3, 1.1], [2.4, 3.7]])),
    digest="3f416fb4383623ed",
    digits=13,
)

# %%
# **17.2** Write the certificate: the duality gap of two strategies.


def duality_gap(payoff, x, y):
    raise NotImplementedError("return max_j (A'x)_j - min_i (Ay)_i")


def check_gap():
    if not np.isclose(
        duality_gap(payoff, played.row_strategy, played.column_strategy), played.gap
    ):
        raise CheckFailed(
            "the gap differs from that of oco.self_play: who wants it large?"
        )
    if not np.isclose(duality_gap(payoff, np.eye(3)[0], np.eye(3)[0]), 2.0):
        raise CheckFailed("if both show rock, either can win 1 by paper: the gap is 2")


exercise("17.2", check_gap)

# %%
# **17.3** Colonel Blotto has 5 soldiers for 3 fields, and so has his enemy; who has more soldiers on a field wins it,
# and who wins more fields than the other wins 1. Return strategies for row and column (over the 21 ways to divide the
# soldiers) whose gap is at most 0.002.

ways = np.array([(i, j, 5 - i - j) for i in range(6) for j in range(6 - i)])
fields = np.sign(ways[None, :, :] - ways[:, None, :]).sum(axis=2)
blotto = np.sign(fields).astype(float)  # what row pays


def blotto_strategies():
    raise NotImplementedError(
        "return x and y: let two learners play, and choose them well"
    )


def check_blotto():
    x, y = (np.asarray(part, dtype=float) for part in blotto_strategies())
    for part in (x, y):
        if part.shape != (21,) or part.min() < -1e-9 or abs(part.sum() - 1.0) > 1e-9:
            raise CheckFailed("a strategy is 21 probabilities that add up to 1")
    gap = (blotto.T @ x).max() - (blotto @ y).min()
    if gap > 0.002:
        raise CheckFailed(
            f"the gap is {gap:.4f}, above 0.002: more rounds, or better learners"
        )


exercise("17.3", check_blotto)

# %%
# Further reading: Freund and Schapire, *Adaptive game playing using multiplicative weights* (1999); Hazan,
# *Introduction to Online Convex Optimization*, Chapter 8; Orabona, *A Modern Introduction to Online Learning*, the
# chapter on saddle points.
