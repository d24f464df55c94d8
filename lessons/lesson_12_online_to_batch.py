r"""12. Online-to-batch: from regret to held-out error
==================================================

So far nothing was assumed of the losses. Now let them be drawn independently from one distribution, as examples are
in statistics, and ask for *one* point that is good on new draws. A learner of small regret has already found it: the
**average** of its points. This lesson proves it in five lines, adds a certificate that needs no held-out data, and
shows two ways to lose the guarantee: taking the last point, and seeing examples twice. About 40 minutes; it runs in a
few seconds. Builds on lesson 2.
"""

# %%
# The theorem
# -----------
#
# Let :math:`f_1, f_2, \dots` be independent draws of a random convex loss with mean :math:`f(x) = \mathbb{E} f_t(x)`,
# the *risk*. The learner's point :math:`x_t` depends on :math:`f_1, \dots, f_{t-1}` only.
#
# **Theorem** (Cesa-Bianchi, Conconi and Gentile 2004). With :math:`\bar x_T = \frac1T (x_1 + \dots + x_T)`, for every u
# in K
#
# .. math:: \mathbb{E} f(\bar x_T) - f(u) \le \frac{\mathbb{E} R_T(u)}{T} . \tag{13}\label{eq:13}
#
# *Proof.* Given the past, :math:`x_t` is fixed and :math:`f_t` is a fresh draw, so :math:`\mathbb{E}[f_t(x_t) \mid
# f_1, \dots, f_{t-1}] = f(x_t)`. Therefore :math:`\mathbb{E} \sum_t f(x_t) = \mathbb{E} \sum_t f_t(x_t)
# = \mathbb{E} R_T(u) + \mathbb{E} \sum_t f_t(u) = \mathbb{E} R_T(u) + T f(u)`. By convexity :math:`f(\bar x_T) \le
# \frac1T \sum_t f(x_t)`.
#
# With gradient descent the right side is :math:`D L / \sqrt T`: the rate of statistics, by a learner that sees every
# example once and keeps d numbers. (L bounds the gradients, as in lesson 2.)
#
# **A certificate.** The loss that the learner suffered while it learned is an honest estimate of the risk. If losses
# lie in [0, 1], then with probability :math:`1 - \delta`
#
# .. math:: f(\bar x_T) \le \frac1T \sum_{t=1}^T f_t(x_t) + \sqrt{\frac{2 \ln(1/\delta)}{T}} . \tag{14}\label{eq:14}
#
# *Proof.* The differences :math:`f(x_t) - f_t(x_t)` have mean zero given the past and lie in [-1, 1]. By the
# Azuma-Hoeffding inequality their sum exceeds :math:`\sqrt{2 T \ln(1/\delta)}` with probability :math:`\delta` at most.
# Divide by T, and use convexity as before.
#
# No example was held out and no complexity of a class was counted. Whether :math:`\eqref{eq:14}` holds can be seen on
# many streams:

import matplotlib.pyplot as plt
import numpy as np

import oco
from oco.checks import CheckFailed, check_learner, exercise
from regret_experiments.lessons.drawing import lines, panels

# a sample of 20,000 rows stands for the distribution
population = np.random.default_rng(0).standard_normal((20_000, 5))
population /= np.linalg.norm(population, axis=1, keepdims=True)
labels = 0.4 * np.sign(population @ [1.0, -1.0, 0.5, 0.0, 0.0])
labels *= np.random.default_rng(1).choice([1.0, -1.0], labels.size, p=[0.9, 0.1])


def risk(point):
    return np.abs(population @ point - labels).mean()


violations, slacks = 0, []
for seed in range(200):
    sample = np.random.default_rng([2, seed]).integers(len(labels), size=300)
    point, total, average = np.zeros(5), 0.0, np.zeros(5)
    for a, y in zip(population[sample], labels[sample], strict=True):
        total += abs(a @ point - y)
        average += point / 300
        point = point - 0.06 * np.sign(a @ point - y) * a
        point *= min(1.0, 0.6 / np.linalg.norm(point))  # losses are at most 0.6 + 0.4
    slacks.append(total / 300 + np.sqrt(2 * np.log(1 / 0.05) / 300) - risk(average))
    violations += slacks[-1] < 0
print(f"(14) at delta = 0.05 failed on {violations} of 200 streams")
print(f"it exceeds the risk by {min(slacks):.3f} to {max(slacks):.3f}")
assert violations <= 0.05 * 200

# %%
# Average or last?
# ----------------
#
# The theorem is about the average. Most programs return the last point.
#
# **Predict before you run.** Absolute loss, noise, gradient descent with the constant step of lesson 2 and with one ten
# times as large. For each of the two: how does the held-out loss of the *last* point behave, and how that of the
# *average*?

game = oco.environments.NoisyRegression(
    16, 4000, loss="absolute", condition=1.0, noise=0.5
)
theorem = game.domain.diameter() / (game.gradient_bound * np.sqrt(game.horizon))
records = {
    name: oco.play(
        game, oco.OGD(rate, schedule="constant"), average=True, evaluate=game
    )
    for name, rate in (("theorem's step", theorem), ("ten times", 10 * theorem))
}
for name, record in records.items():
    last, average = (
        record.curves[f"held_out_{which}"] for which in ("last", "average")
    )
    per_round = record.regret.upper / game.horizon
    print(
        f"{name:15s} held-out loss: last {last[-1]:.4f}, average {average[-1]:.4f};"
        f" regret a round {per_round:.4f}"
    )

left, right = panels(2)
for axes, (name, record) in zip((left, right), records.items(), strict=True):
    rounds = record.curves["round"]
    curves = {
        "last": (rounds, record.curves["held_out_last"], "ogd"),
        "average": (rounds, record.curves["held_out_average"], "#0072B2"),
    }
    lines(axes, curves, log="x", xlabel="rounds", ylabel="held-out loss", title=name)
plt.show()

# %%
# *Answer.* With the large step the last point never settles. It jumps about the best point in steps of the same length,
# and the noise of its last few rounds is all in it. The average of these jumps is good: it goes on falling. With the
# theorem's step the average is ahead too, by less (smaller steps, smaller jumps), and after a slower start, because it
# remembers its first points.
#
# An average over the second half forgets them and keeps the guarantee up to a constant; a falling step size makes the
# last point good too (Shamir and Zhang 2013). The theorem, in numbers:

for record in records.values():
    best = min(r.curves["held_out_average"][-1] for r in records.values())
    assert record.curves["held_out_average"][-1] - best <= record.bound.value / 4000
large = records["ten times"].curves
small = records["theorem's step"].curves
gaps = [c["held_out_last"][-1] - c["held_out_average"][-1] for c in (small, large)]
assert gaps[1] > 0.1 > gaps[0] > 0

# %%
# A second look costs the guarantee
# ---------------------------------
#
# The proof needs :math:`f_t` to be fresh: independent of :math:`x_t`. With 40 examples and 60 passes over them, it is
# fresh in the first pass only.
#
# **Predict before you run.** 40 examples in 30 dimensions with noisy targets. From the first pass to the sixtieth, what
# happens to the regret per round, to the mean loss of the learner, and to its loss on new examples?

generator = np.random.default_rng(5)
weights = generator.standard_normal(30)
weights /= np.linalg.norm(weights)
features = generator.standard_normal((2040, 30)) / np.sqrt(30)
targets = features @ weights + 0.3 * generator.standard_normal(2040)
domain = oco.Ball(radius=10.0)
few, fresh = (
    oco.environments.AbsoluteRegression(
        features[part], targets[part], domain=domain, **options
    )
    for part, options in (
        (slice(0, 40), {"passes": 60}),
        (slice(40, None), {"order": "file"}),
    )
)
repeated = oco.play(
    few, oco.AdaGradNorm(1.0), average=True, evaluate=fresh, checkpoints=[40, 400, 2400]
)
paid = np.diff(repeated.curves["cumulative_loss"], prepend=0.0)
paid /= np.diff(repeated.curves["round"], prepend=0)
held_out = repeated.curves["held_out_average"]
for passes, own, other in zip((1, 10, 60), paid, held_out, strict=True):
    print(
        f"up to pass {passes:2d}: own loss {own:.3f}   loss on new examples {other:.3f}"
    )

# %%
# *Answer.* The regret per round falls all the time: against the best point *for these 40 examples* the learner does
# what its theorem says. Its own loss falls with it, far below the noise. The loss on new examples rises. After the
# first pass regret measures how well the sample is fitted, and no longer what is learned about its source.

regret_a_round = repeated.curves["regret_upper"] / repeated.curves["round"]
assert (np.diff(regret_a_round) < 0).all()
assert paid[0] > paid[1] > paid[2]
assert paid[2] < 0.5 * held_out[2]
assert held_out[2] > held_out[0] + 0.02

# %%
# Exercises
# ---------
#
# **12.1** Gradient descent with the constant step :math:`D / (L \sqrt T)`. How many examples make the right side of
# :math:`\eqref{eq:13}`, with the bound of lesson 2, as small as ``excess``? (The real number, not rounded up.)


def examples_needed(diameter, gradient_bound, excess):
    return None  # a formula


exercise(
    "12.1",
    lambda: examples_needed(diameter=3.0, gradient_bound=1.7, excess=0.07),
    digest="43afa4e1fd0c077a",
    digits=13,
)

# %%
# **12.2** Losses lie in [0, 1], and the learner suffered ``loss`` in all rounds together. Which risk of the average
# point does :math:`\eqref{eq:14}` certify?


def certified_risk(loss, rounds, delta):
    return None  # a formula


exercise(
    "12.2",
    lambda: certified_risk(loss=600.0, rounds=2000, delta=0.05),
    digest="36a2992ad18dbd50",
    digits=13,
)

# %%
# **12.3** Make the *last* point the average. Gradient descent keeps a hidden point :math:`z_t`, the learner plays
# :math:`x_t = \frac1t (z_1 + \dots + z_t)`, and the gradient at :math:`x_t` moves :math:`z_t` (Cutkosky 2019). Write it
# with the step size :math:`D / (L \sqrt T)` for ``problem.gradient_bound`` L, in O(d) memory.


class Anytime(oco.Learner):
    def start(self, problem):
        raise NotImplementedError(
            "keep the domain and the step size; the state is a dict with the point, "
            "the "
            "hidden point and the round"
        )

    def update(self, gradient):
        raise NotImplementedError(
            "step and project the hidden point, then take it into the running mean"
        )


def check_anytime():
    check_learner(Anytime())
    record = oco.play(game, Anytime(), average=True, evaluate=game, spectrum=False)
    last = record.curves["held_out_last"][-1]
    target = records["theorem's step"].curves["held_out_average"][-1]
    if last > target + 0.02:
        raise CheckFailed(
            f"the last point's held-out loss is {last:.3f}, that of gradient descent's "
            f"average {target:.3f}"
        )
    player = Anytime()
    ball = oco.Ball(radius=4.0, dimension=1)
    player.start(oco.Problem(ball, horizon=4, gradient_bound=1.0))
    for _ in range(2):
        player.update(np.array([1.0]))
    if not np.isclose(player.prediction[0], -8 / 3):
        raise CheckFailed(
            "after two gradients of 1 the point should be (0 - 4 - 4) / 3"
        )


exercise("12.3", check_anytime)
