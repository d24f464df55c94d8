r"""16. Bandits: learning from values alone
=======================================

A doctor sees how the treatment worked that she chose, and not what another one would have done. In a **bandit** problem
the learner is shown the number :math:`f_t(x_t)` and no gradient. It has to explore, and the tool is an *unbiased
estimate*: a random quantity that can be computed from one value and whose mean is the vector that was not shown. This
lesson proves the bound of **EXP3** for d arms, then does the same for gradients, from one value and from two.
About 50 minutes; it runs in a few seconds. Builds on lessons 2 and 3.
"""

# %%
# Guess what you did not see
# --------------------------
#
# In round t the d arms have losses :math:`\ell_t \in [0, 1]^d`, fixed in advance. You draw an arm :math:`I_t` with
# probabilities :math:`p_t` and see :math:`\ell_{t, I_t}`. The *importance-weighted* estimate
#
# .. math:: \hat\ell_{t,i} = \frac{\ell_{t,i}}{p_{t,i}} \;\text{ if } i = I_t, \text{ else } 0
#
# has the mean :math:`\mathbb{E}_t \hat\ell_{t,i} = p_{t,i} \frac{\ell_{t,i}}{p_{t,i}} = \ell_{t,i}`, for *every* arm.
# (:math:`\mathbb{E}_t` is the mean over :math:`I_t`, given the past.) **EXP3** (Auer, Cesa-Bianchi, Freund and Schapire
# 2002) is Hedge on these estimates:
#
# .. math:: p_{t,i} \propto \exp\Bigl(-\eta \sum_{s < t} \hat\ell_{s,i}\Bigr) .
#
# **Theorem.** :math:`\mathbb{E} R_T \le \frac{\ln d}{\eta} + \frac{\eta}{2} d T`, which is :math:`\sqrt{2 d T \ln d}`
# for :math:`\eta = \sqrt{2 \ln d / (d T)}`.
#
# *Proof.* The estimates may be as large as :math:`1 / p_{t,i}`, so Hoeffding's lemma of lesson 3 is no use. Instead
# take :math:`e^{-z} \le 1 - z + \frac{z^2}{2}` for :math:`z \ge 0`. With the potential :math:`W_t = \sum_i e^{-\eta
# \sum_{s \le t} \hat\ell_{s,i}}` of lesson 3,
#
# .. math:: \frac{W_t}{W_{t-1}} = \sum_i p_{t,i} e^{-\eta \hat\ell_{t,i}}
#           \le 1 - \eta \langle p_t, \hat\ell_t \rangle + \frac{\eta^2}{2} \sum_i p_{t,i} \hat\ell_{t,i}^2
#           \le \exp\Bigl(-\eta \langle p_t, \hat\ell_t \rangle + \frac{\eta^2}{2} \sum_i p_{t,i}
#           \hat\ell_{t,i}^2\Bigr).
#
# As there, multiply over t, compare with the term of any fixed arm u, take logarithms and divide by :math:`\eta`:
#
# .. math:: \sum_t \langle p_t, \hat\ell_t \rangle - \sum_t \hat\ell_{t,u} \le \frac{\ln d}{\eta}
#           + \frac{\eta}{2} \sum_t \sum_i p_{t,i} \hat\ell_{t,i}^2 .
#
# Now take means. On the left they are :math:`\mathbb{E} \sum_t \ell_{t,I_t} - \sum_t \ell_{t,u}`, the regret. On the
# right :math:`\mathbb{E}_t \sum_i p_{t,i} \hat\ell_{t,i}^2 = \sum_i p_{t,i} \cdot p_{t,i}
# \frac{\ell_{t,i}^2}{p_{t,i}^2} \le d`: a large estimate is rare, and its arm has a small weight.
#
# Compared with Hedge's :math:`\sqrt{\frac12 T \ln d}` the price of not being shown the other arms is the factor
# :math:`2 \sqrt d`: each arm is seen in one d-th of the rounds.

import matplotlib.pyplot as plt
import numpy as np

import oco
from oco.checks import CheckFailed, exercise
from oco.environments import Bandit, ExpertAdvice, LinearLosses
from regret_experiments.lessons.drawing import lines, panels

horizon = 2000


class Greedy(oco.Learner):
    """Plays every arm once, then always the arm with the smallest mean so far."""

    decision = "simplex"
    needs = (oco.needs.ONE_VALUE, oco.needs.PROMPT)

    def start(self, problem):
        arms = problem.domain.dimension
        self.state = {
            "sums": np.zeros(arms),
            "counts": np.zeros(arms),
            "point": np.eye(arms)[0],
        }

    def update(self, values):
        state = self.state
        arm = int(state["point"].argmax())
        state["sums"][arm] += values[0]
        state["counts"][arm] += 1
        means = np.where(
            state["counts"] > 0, state["sums"] / np.maximum(state["counts"], 1), -1.0
        )
        state["point"] = np.eye(means.size)[means.argmin()]


# %%
# **Predict before you run.** One arm loses in 40 % of the rounds, the others in half. Three learners: Hedge, which is
# shown all losses; EXP3; and a greedy one that plays the arm with the smallest mean so far. From 2 to 32 arms, whose
# regret grows, and by about which factor? Is greed good?

sizes = [2, 8, 32]
seeds = range(4)
regret = {"Hedge, shown all": [], "EXP3": [], "greedy": []}
for size in sizes:
    shown = ExpertAdvice(size, horizon, gap=0.1)
    hidden = Bandit(shown)
    for name, (game, learner) in {
        "Hedge, shown all": (shown, oco.Hedge(np.sqrt(8 * np.log(size) / horizon))),
        "EXP3": (hidden, oco.learners.Exp3(implicit_exploration=0.0)),
        "greedy": (hidden, Greedy()),
    }.items():
        played = [
            oco.play(
                game, learner, seed=s, learner_seed=s, checkpoints=1, spectrum=False
            )
            for s in seeds
        ]
        regret[name].append([record.regret.upper for record in played])
for name, values in regret.items():
    print(f"{name:17s}", [f"{np.mean(v):.0f} ({np.ptp(v):.0f} apart)" for v in values])

[axes] = panels()
promise = [np.sqrt(2 * size * horizon * np.log(size)) for size in sizes]
looks = ["hedge d-", "exp3 o-", "#777777 s-"]
curves = {
    name: (sizes, np.mean(values, axis=1), look)
    for (name, values), look in zip(regret.items(), looks, strict=True)
}
curves["EXP3's bound"] = (sizes, promise, "exp3 :")
lines(
    axes,
    curves,
    log="x",
    xlabel="arms",
    ylabel=f"mean regret, {horizon:,} rounds",
    title="What is not shown",
)
plt.show()

# %%
# *Answer.* Hedge's regret grows like :math:`\sqrt{\ln d}`, by a factor of 2 to 3. That of EXP3 grows quickly at first
# and stays below its bound; with 32 arms most of the game is exploration (never learning costs :math:`0.1\, T =
# 200`). Greed is a gamble: it may stick to a bad arm for ever after an unlucky start, so its regret in one game is
# anything between nearly nothing and 200 and more.

means = {name: np.mean(values, axis=1) for name, values in regret.items()}
assert 1 < means["Hedge, shown all"][-1] / means["Hedge, shown all"][0] < 3
assert means["EXP3"][-1] > 3 * means["EXP3"][0]
assert (means["EXP3"] <= promise).all()
assert max(map(np.ptp, regret["greedy"])) > 0.05 * horizon

# %%
# Gradients from values
# ---------------------
#
# With infinitely many points there are no arms to count, but the idea is the same. Let U be uniform on the unit sphere;
# then :math:`\mathbb{E}\, U U^\top = I / d`. Play :math:`x + \delta U` and see one value. For a linear loss
#
# .. math:: \tilde g = \frac{d}{\delta}\, f(x + \delta U)\, U, \qquad \mathbb{E} \tilde g
#           = \frac d\delta \bigl(f(x)\, \mathbb{E} U + \delta\, \mathbb{E} [U U^\top] g\bigr) = g .
#
# (For other convex losses it is the gradient of f averaged over the ball of radius :math:`\delta`, by Stokes'
# theorem: Flaxman, Kalai and McMahan 2005.) The trouble is its length, :math:`|\tilde g| \le d C / \delta` for values
# up to C. Two values a round, at :math:`x \pm \delta U`, give the same mean with the *difference* in place of the
# value:
#
# .. math:: \tilde g = \frac{d}{2 \delta} \bigl(f(x + \delta U) - f(x - \delta U)\bigr) U, \qquad |\tilde g| \le d L
#
# for a Lipschitz constant L, however small :math:`\delta` is (Agarwal, Dekel and Xiao 2010). Put the estimates into
# inequality `(1) <lesson_02_gradient_descent.html>`_ of lesson 2 and take means: :math:`\frac{D^2}{2 \eta} +
# \frac\eta2 \sum_t \mathbb{E} |\tilde g_t|^2` and a loss of order :math:`L \delta` a round for playing beside
# :math:`x_t`, within a slightly smaller domain. With two values :math:`\delta` may tend to zero and
# :math:`\mathbb{E}|\tilde g|^2 = d |g|^2` on linear losses, so the regret is :math:`D L \sqrt{d T}`. With one value
# :math:`\delta \sim T^{-1/4}` balances the terms, and the bound is of order :math:`T^{3/4}`. The two lengths, in
# numbers:

generator = np.random.default_rng(0)
d, delta = 10, 0.05
gradient = np.ones(d) / np.sqrt(d)
point = 0.5 * gradient
sphere = generator.standard_normal((100_000, d))
sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
above, below = (point + delta * sphere) @ gradient, (point - delta * sphere) @ gradient
estimates = {
    "one value": (d / delta * above)[:, None] * sphere,
    "two values": (d / (2 * delta) * (above - below))[:, None] * sphere,
}
for name, drawn in estimates.items():
    error = np.linalg.norm(drawn.mean(axis=0) - gradient)
    length = np.sqrt((drawn**2).sum(axis=1).mean())
    print(
        f"{name:10s} mean is off by {error:.3f}; root mean square length {length:6.2f}"
    )
    assert error < 5 * length / np.sqrt(len(sphere))
assert np.isclose((estimates["two values"] ** 2).sum(axis=1).mean(), d, rtol=0.02)

# %%
# **Predict before you run.** Linear losses in ten dimensions, with a mean that can be learned. Gradient descent is
# shown gradients, the second learner two values, the third one. After 2,000 rounds, who is how far behind?

rows = 0.3 * gradient + 0.9 * sphere[:2000]
rows /= np.linalg.norm(rows, axis=1).max()
world = LinearLosses(rows, domain=oco.Ball(radius=1.0), order="file")
learners = {
    "gradients": oco.OGD(schedule="constant"),
    "two values": oco.learners.TwoPointBandit(),
    "one value": oco.learners.OnePointBandit(),
}
paths = {}
for name, learner in learners.items():
    played = [
        oco.play(world, learner, learner_seed=s, spectrum=False) for s in range(4)
    ]
    paths[name] = np.mean([record.curves["regret_upper"] for record in played], axis=0)
    print(
        f"{name:10s} mean regret {paths[name][-1]:6.1f}   bound "
        f"{played[0].bound.value:7.1f}"
    )

[axes] = panels()
rounds = played[0].curves["round"]
looks = ["ogd", "two_point_bandit", "one_point_bandit"]
curves = {
    n: (rounds, p, look) for (n, p), look in zip(paths.items(), looks, strict=True)
}
lines(
    axes,
    curves,
    log="x",
    xlabel="rounds",
    ylabel="mean regret",
    title="Less and less is shown",
)
plt.show()

# %%
# *Answer.* Two values cost a factor of about :math:`\sqrt{d} = 3.2`, as the bounds say. With one value the learner
# has hardly moved: its estimates are so long that its theorem allows only tiny steps.

ratio = paths["two values"][-1] / paths["gradients"][-1]
assert np.sqrt(10) / 2 < ratio < 2 * np.sqrt(10)
assert paths["one value"][-1] > 2 * paths["two values"][-1]

# %%
# Exercises
# ---------
#
# **16.1** What is the bound on the expected regret of EXP3 at its best learning rate?


def bound_of_exp3(arms, rounds):
    return None  # a formula


exercise(
    "16.1", lambda: bound_of_exp3(10, 10_000), digest="7b413d02d5d1ba3c", digits=13
)

# %%
# **16.2** Write the importance-weighted estimate of the vector of losses: from the arm that was played, its loss and
# the probabilities.


def estimated_losses(arm, loss, probabilities):
    raise NotImplementedError(
        "return a vector whose mean over the arms is the vector of losses"
    )


def check_estimate():
    probabilities, truth = np.array([0.7, 0.2, 0.1]), np.array([0.5, 1.0, 0.25])
    given = [
        np.asarray(estimated_losses(arm, truth[arm], probabilities), dtype=float)
        for arm in range(3)
    ]
    if any(estimate.shape != (3,) for estimate in given):
        raise CheckFailed(
            "the estimate is a vector with an entry for each of the three arms"
        )
    mean = sum(
        chance * estimate for chance, estimate in zip(probabilities, given, strict=True)
    )
    if not np.allclose(mean, truth):
        raise CheckFailed(
            f"the mean of your estimate is {mean.round(3)}, it should be {truth}"
        )
    if any(np.count_nonzero(estimate) > 1 for estimate in given):
        raise CheckFailed(
            "of the arms that were not played nothing is known: their entries are 0"
        )


exercise("16.2", check_estimate)

# %%
# **16.3** Write the two-point estimate. The check averages it over the directions :math:`e_1, \dots, e_d`, which have
# :math:`\frac1d \sum_i e_i e_i^\top = I / d` too, on a quadratic function, where it has no bias at all.


def two_point_estimate(function, point, direction, delta):
    raise NotImplementedError(
        "return d / (2 delta) times the difference of two values, times the direction"
    )


def check_two_points():
    source = np.random.default_rng(3)
    matrix, point = source.standard_normal((4, 4)), source.standard_normal(4)

    def quadratic(x):
        return 0.5 * np.sum((matrix @ x) ** 2)

    mean = np.mean(
        [two_point_estimate(quadratic, point, axis, 0.3) for axis in np.eye(4)], axis=0
    )
    if np.shape(mean) != (4,) or not np.allclose(mean, matrix.T @ matrix @ point):
        raise CheckFailed(
            "the mean over the axes is not the gradient: is the factor d / (2 delta)?"
        )


exercise("16.3", check_two_points)

# %%
# Further reading: Hazan, *Introduction to Online Convex Optimization*, Chapter 6; Orabona, *A Modern Introduction to
# Online Learning*, the chapter on bandits; Lattimore and Szepesvári, *Bandit Algorithms* (2020), Chapters 11 and 12.
