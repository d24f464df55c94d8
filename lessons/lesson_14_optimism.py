r"""14. Optimistic methods and gradual variation
============================================

The bound :math:`D L \sqrt T` is for an opponent who does his worst. Most losses are not so: today's gradient looks
like yesterday's, or like that of the same hour a week ago. An **optimistic** learner makes a guess :math:`m_t` of the
coming gradient and steps along it *before* it plays. Its regret depends on how wrong the guesses are; it is constant
if they are right, and at most a factor worse than without if they are useless. About 40 minutes; it runs in a few
seconds. Builds on lessons 2, 3 and 11.
"""

# %%
# Two steps a round
# -----------------
#
# Keep a second sequence of points :math:`z_t`. With a Bregman divergence B of a mirror map that is 1-strongly convex,
#
# .. math:: \begin{aligned} x_t &= \arg\min_{x \in K}\; \eta \langle m_t, x \rangle + B(x, z_t)
#           &&\text{(guess, and play)}, \\
#           z_{t+1} &= \arg\min_{z \in K}\; \eta \langle g_t, z \rangle + B(z, z_t) &&\text{(learn)} . \end{aligned}
#
# In the Euclidean case these are two projected gradient steps from the same point :math:`z_t`.
#
# **Lemma.** For every u in K
#
# .. math:: \eta \langle g_t, x_t - u \rangle \le B(u, z_t) - B(u, z_{t+1}) + \eta \langle g_t - m_t, x_t - z_{t+1}
#           \rangle
#           - B(z_{t+1}, x_t) - B(x_t, z_t) . \tag{15}\label{eq:15}
#
# *Proof.* The step of lesson 3: if p minimizes :math:`\eta \langle h, \cdot \rangle + B(\cdot, z_t)` over K, then for
# every w in K :math:`\;\eta \langle h, p - w \rangle \le B(w, z_t) - B(w, p) - B(p, z_t)`. Use it twice, with
# :math:`h = g_t`, :math:`p = z_{t+1}`, :math:`w = u` and with :math:`h = m_t`, :math:`p = x_t`, :math:`w = z_{t+1}`,
# and add both to
#
# .. math:: \langle g_t, x_t - u \rangle = \langle g_t, z_{t+1} - u \rangle + \langle m_t, x_t - z_{t+1} \rangle
#           + \langle g_t - m_t, x_t - z_{t+1} \rangle .
#
# The term :math:`B(z_{t+1}, z_t)` stands there once with each sign.
#
# **Theorem** (Rakhlin and Sridharan 2013; Chiang et al. 2012). :math:`\; \displaystyle R_T \le \frac{B(u, z_1)}{\eta} +
# \frac\eta2 \sum_{t=1}^T \|g_t - m_t\|_*^2 .`
#
# *Proof.* In :math:`\eqref{eq:15}` :math:`\eta \langle g_t - m_t, x_t - z_{t+1} \rangle \le \frac{\eta^2}{2} \|g_t -
# m_t\|_*^2 + \frac12 \|x_t - z_{t+1}\|^2`, and the last term is at most :math:`B(z_{t+1}, x_t)`. Sum, and telescope.
# (The term :math:`-B(x_t, z_t)` was not even used. In lesson 17 it makes two players fast.)
#
# With :math:`V = \sum_t |g_t - m_t|^2` and the best :math:`\eta` this is :math:`D \sqrt V`. Three cases:
#
# * *No guess*, :math:`m_t = 0`: gradient descent, :math:`V = \sum_t |g_t|^2`.
# * *The last gradient*, :math:`m_t = g_{t-1}`: V is the **gradual variation** of the losses. A useless guess of the
#   same length costs a factor: :math:`|g_t - m_t|^2 \le 4 L^2`, or :math:`2 L^2` on average if signs are random.
# * *A perfect guess*: the regret is constant.
#
# V is not known before the game, so the library's learner adapts its step, :math:`\eta_t = \frac{D}{\sqrt2} /
# \sqrt{E^2 + V_{t-1}}` for errors of at most E, and has :math:`\sqrt 2\, D \sqrt{E^2 + V}`.

import matplotlib.pyplot as plt
import numpy as np

import oco
from oco.checks import CheckFailed, check_learner, exercise
from oco.environments import Hinted, LinearLosses, SpectrumLinear
from regret_experiments.lessons.drawing import lines, panels

horizon = 2048
ball = oco.Ball(radius=1.0)


def blocks(length, seed):
    """Unit gradients in four dimensions; a new random one every ``length`` rounds."""
    rows = np.random.default_rng(seed).standard_normal((horizon // length, 4))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return LinearLosses(np.repeat(rows, length, axis=0), domain=ball, order="file")


# %%
# **Predict before you run.** The opponent changes his loss every 1, 2, 4, 8 or 16 rounds. AdaGrad-norm (gradient
# descent that adapts its step) and optimistic gradient descent with the last gradient as its guess. From which length
# on is optimism better, by the bounds and by the regrets? By how much is it worse before?

lengths = [1, 2, 4, 8, 16]
regrets = {"AdaGrad-norm": [], "optimistic": []}
bounds = {"AdaGrad-norm": [], "optimistic": []}
for length in lengths:
    games = [blocks(length, seed) for seed in range(4)]
    for name, played in {
        "AdaGrad-norm": [oco.play(g, oco.AdaGradNorm(), checkpoints=1) for g in games],
        "optimistic": [
            oco.play(Hinted(g, "last"), oco.OptimisticOGD(), checkpoints=1)
            for g in games
        ],
    }.items():
        regrets[name].append(np.mean([record.regret.upper for record in played]))
        bounds[name].append(np.mean([record.bound.value for record in played]))
for name in regrets:
    print(
        f"{name:13s} regret", np.round(regrets[name]), "bound", np.round(bounds[name])
    )

left, right = panels(2)
for axes, values, title in ((left, bounds, "bounds"), (right, regrets, "regrets")):
    curves = {
        "AdaGrad-norm": (lengths, values["AdaGrad-norm"], "adagrad_norm s-"),
        "optimistic": (lengths, values["optimistic"], "optimistic_ogd ^-"),
    }
    lines(axes, curves, log="x", xlabel="rounds between changes", title=title)
plt.show()

# %%
# *Answer.* The bounds cross at length 2: V is about :math:`2 T` divided by the length, since a change of a random unit
# vector costs 2 on average. The regrets cross between 1 and 2. A useless guess costs a factor of :math:`\sqrt 2` in the
# bound and less in the game. Where the losses stay for a while the regret is far *below* zero: a learner that
# anticipates beats every fixed point.

for name in regrets:
    assert (np.array(regrets[name]) <= bounds[name]).all()
assert bounds["optimistic"][0] > 1.3 * bounds["AdaGrad-norm"][0]
assert bounds["optimistic"][2] < 0.8 * bounds["AdaGrad-norm"][2]
assert 0 < regrets["optimistic"][0] - regrets["AdaGrad-norm"][0] < 20
assert regrets["optimistic"][1] < regrets["AdaGrad-norm"][1]
assert regrets["optimistic"][4] < -1000

# %%
# How good must a guess be?
# -------------------------
#
# **Predict before you run.** Random gradients of norm 1 that nothing in the past foretells, but somebody whispers the
# coming one, with noise. Without the whisper the regret is about 50. How much noise makes the whisper worthless: a
# tenth of the gradient's length, its whole length, three times its length?

random = SpectrumLinear(8, 2000, exponent=0.0, domain=ball)
alone = oco.play(random, oco.AdaGradNorm(), checkpoints=1).regret.upper
noises = [0.03, 0.1, 0.3, 1.0, 3.0]
whispered = [
    oco.play(Hinted(random, "future+noise", noise), oco.OptimisticOGD(), checkpoints=1)
    for noise in noises
]
for noise, record in zip(noises, whispered, strict=True):
    print(
        f"noise {noise:4.2f}   regret {record.regret.upper:8.1f}   "
        f"bound {record.bound.value:6.1f}"
    )
print(f"no whisper   regret {alone:8.1f}")

# %%
# *Answer.* None of these. The bound is proportional to the noise, and with noise of three times the gradient's length
# it is three times the bound without a guess. But the theorem allows *hostile* errors. Independent noise averages
# out, and a whisper that is mostly noise still tells something.

values = [record.bound.value for record in whispered]
assert values == sorted(values)
assert values[-1] > 2.9 * 2 * np.sqrt(2 * 2000)
assert all(record.regret.upper < min(alone, record.bound.value) for record in whispered)

# %%
# Exercises
# ---------
#
# **14.1** The gradients have length 1 and turn in a plane, by the same angle from each round to the next;
# :math:`m_t = g_{t-1}` with :math:`m_1 = 0`. What is V? (At the angle :math:`\pi` they alternate.)


def gradual_variation(rounds, angle):
    return None  # a formula


exercise(
    "14.1",
    lambda: gradual_variation(100, angle=0.3),
    digest="d65a19a9c8931311",
    digits=13,
)

# %%
# **14.2** Write optimistic gradient descent that guesses the last gradient, with the constant step size that it is
# given: a plain learner, which needs no whisper. The game of the check has gradients that alternate, in which the
# last one is the worst guess there is, and then one in which they stay.


class MyOptimistic(oco.Learner):
    def __init__(self, learning_rate=0.1):
        self.learning_rate = learning_rate

    def start(self, problem):
        raise NotImplementedError(
            "the state is a dict with the point and z; z_1 = x_1 is the start"
        )

    def update(self, gradient):
        raise NotImplementedError(
            "move z by the gradient, then step from z along the same gradient"
        )


def check_optimistic():
    check_learner(MyOptimistic())
    for period, variation in ((1, 397.0), (100, 1.0)):
        signs = np.where(np.arange(100) // period % 2, -1.0, 1.0)
        game = LinearLosses(np.outer(signs, [0.6, 0.8]), domain=ball, order="file")
        regret = oco.play(game, MyOptimistic(0.1), checkpoints=1).regret.upper
        bound = 1 / (2 * 0.1) + 0.1 / 2 * variation
        if regret > bound + 1e-9:
            raise CheckFailed(
                f"the regret is {regret:.2f}, the theorem's bound {bound:.2f}"
            )
    player = MyOptimistic(0.1)
    player.start(oco.Problem(oco.Ball(radius=9.0, dimension=1), 9, gradient_bound=1.0))
    player.update(np.array([1.0]))
    if not np.isclose(player.prediction[0], -0.2):
        raise CheckFailed(
            f"after a gradient of 1 the point is {player.prediction[0]:.3f}, not -0.2"
        )


exercise("14.2", check_optimistic)

# %%
# **14.3** Losses with a season: every gradient looks like that of 7 rounds ago. From the gradients so far, ``(t, d)``,
# return the guess (zero while there is none).


def seasonal_guess(past):
    raise NotImplementedError(
        "return the gradient of 7 rounds before the coming one, or zeros"
    )


def check_seasonal():
    source = np.random.default_rng(5)
    week = source.standard_normal((7, 3))
    rows = np.tile(week, (20, 1)) + 0.01 * source.standard_normal((140, 3))
    variation = 0.0
    for t in range(140):
        guess = np.asarray(seasonal_guess(rows[:t].copy()), dtype=float)
        if guess.shape != (3,):
            raise CheckFailed(f"the guess has shape {guess.shape}, it should be (3,)")
        variation += np.sum((rows[t] - guess) ** 2)
    if variation > np.sum(week**2) * 1.2:
        raise CheckFailed(
            f"V is {variation:.1f}: only the first week, {np.sum(week**2):.1f}, is a "
            "surprise"
        )


exercise("14.3", check_seasonal)

# %%
# Further reading: Rakhlin and Sridharan, *Online learning with predictable sequences* (2013); Chiang et al., *Online
# optimization with gradual variations* (2012); Orabona, *A Modern Introduction to Online Learning*, Chapters 6 and 7.
