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
#           \tag{19}\label{eq:19}
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
# That is (9) of lesson 8 with :math:`\gamma = \frac12`: the Online Newton Step with :math:`\epsilon = 1 / D^2` has
# regret of at most :math:`\frac12 + d \ln(1 + \frac{T}{2 d})` on it, if :math:`\eta \le \frac{1}{2 D L}` (then
# :math:`|h| \le 1 / D`).
#
# **Theorem** (MetaGrad, van Erven and Koolen 2016, with our constants). With :math:`V_u = \sum_t \langle g_t, x_t - u
# \rangle^2` and :math:`C = \ln \frac{1}{w_{1,i}} + \frac12 + d \ln(1 + \frac{T}{2d})`, for every learning rate of the
# grid
#
# .. math:: \sum_t \langle g_t, x_t - u \rangle \le \eta_i V_u + \frac{C}{\eta_i} . \tag{20}\label{eq:20}
#
# *Proof.* The lemma says :math:`-\sum_t s_t(x_t^i) \le \ln \frac{1}{w_{1,i}}`; add the regret of learner i on its
# surrogates. The sum says :math:`-\sum_t s_t(u) \le C`, which is (20) times :math:`\eta_i`.
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
# **Predict before you run.** Two games in four dimensions: absolute loss, without curvature, and squared loss, with.
# Gradient descent with its theorem's falling step, the Online Newton Step with the curvature of the *squared* loss, and
# MetaGrad. Who is good in which game?

source = np.random.default_rng(3)
rows = source.choice([-0.5, 0.5], (2000, 4))
answer = np.array([0.8, -0.4, 0.2, 0.1])
targets = rows @ answer + 0.3 * source.uniform(-1.0, 1.0, 2000)
ball = oco.Ball(radius=1.0)
games = {
    "absolute": oco.environments.AbsoluteRegression(
        rows, targets, domain=ball, order="file"
    ),
    "squared": oco.environments.LeastSquares(rows, targets, domain=ball, order="file"),
}
