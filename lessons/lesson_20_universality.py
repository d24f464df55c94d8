r"""20. Universality: one learner for every curvature
=================================================

Gradient descent has :math:`\sqrt T` regret for convex losses, the Online Newton Step logarithmic regret for curved
ones, and the wrong choice is costly. A **universal** learner is told nothing: it runs a learner for every learning
rate of a grid and has either regret where it can be had. Two short lemmas do it: weights that are *tilted* by the
learning rates, and a surrogate loss that is curved whether the losses are or not. About 45 minutes; it runs in a few
seconds. Builds on lessons 3 and 8.
"""

# %%
# Many learning rates at once
# ---------------------------
#
# Take a bounded domain, and losses that may or may not be curved. Run one learner for each learning rate
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

import matplotlib.pyplot as plt
import numpy as np

import oco
from oco.checks import CheckFailed, exercise
from regret_experiments.lessons.drawing import panels


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

bars = np.arange(3)
[axes] = panels()
for offset, (name, color) in zip(
    (-0.25, 0.0, 0.25),
    zip(regret, ("#777777", "#882255", "#0072B2"), strict=True),
    strict=True,
):
    values = np.maximum(regret[name], 1.0)
    axes.bar(bars + offset, values, 0.22, color=color, label=name)
axes.set(
    yscale="log", ylabel="regret (1 or less: as 1)", title="Three games, three learners"
)
axes.set_xticks(bars, list(games))
axes.legend(loc="upper right")
plt.show()

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
# **20.1** In d dimensions and T rounds, with a grid of n learning rates of equal weights, what is C?


def price_of_universality(dimension, rounds, n):
    return None  # a formula


exercise(
    "20.1",
    lambda: price_of_universality(10, 1000, n=6),
    digest="051e24a588521cd6",
    digits=13,
)

# %%
# **20.2** Write the tilted mean: the point of a universal learner, from learning rates ``(n,)``, weights ``(n,)`` and
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


exercise("20.2", check_tilted)

# %%
# Further reading: van Erven and Koolen, *MetaGrad: multiple learning rates in online learning* (2016); Gaillard, Stoltz
# and van Erven, *A second-order bound with excess losses* (2014); Wang, Lu and Zhang, *Adaptivity and optimality: a
# universal algorithm for online convex optimization* (2019).
