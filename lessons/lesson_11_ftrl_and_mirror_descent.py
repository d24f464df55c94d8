r"""11. Follow the regularized leader, mirror descent and duality
=============================================================

Lesson 1 repaired follow the leader with a regularizer, lesson 3 replaced the Euclidean distance by a Bregman
divergence. Both are one idea: a learner keeps a vector in the *dual* space, where gradients add up, and a **mirror
map** carries it to a point. This lesson proves one bound for every regularizer, keeps an exact account of the regret,
and shows where follow the regularized leader (FTRL, also *dual averaging*) and mirror descent part. About 45 minutes;
it runs in a few seconds. Builds on lessons 1 to 3.
"""

# %%
# The conjugate and the mirror map
# --------------------------------
#
# Let :math:`\psi` be a regularizer that is 1-strongly convex on K in some norm :math:`\|\cdot\|`. Its **conjugate** and
# the point where the maximum is attained are
#
# .. math:: \psi^*(\theta) = \max_{x \in K}\; \langle \theta, x \rangle - \psi(x), \qquad
#           \nabla \psi^*(\theta) = \arg\max_{x \in K}\; \langle \theta, x \rangle - \psi(x) .
#
# The first formula gives the *Fenchel-Young inequality* :math:`\psi(u) + \psi^*(\theta) \ge \langle \theta, u \rangle`
# for every u in K. The second is the mirror map: it takes a vector of the dual space to a point of K. It is
# :math:`\Pi_K(\theta)` for :math:`\psi(x) = \frac12 |x|_2^2`, and :math:`x_i \propto e^{\theta_i}` for the entropy
# :math:`\sum_i x_i \ln x_i` on the simplex, whose conjugate is :math:`\ln \sum_i e^{\theta_i}`.
#
# **Lemma.** :math:`\psi^*` is smooth in the dual norm:
#
# .. math:: \psi^*(\theta + v) \le \psi^*(\theta) + \langle v, \nabla\psi^*(\theta) \rangle + \tfrac12 \|v\|_*^2 .
#           \tag{11}\label{eq:11}
#
# *Proof.* Let x and y be the maximizers for :math:`\theta` and :math:`\theta + v`. The function
# :math:`\langle \theta, \cdot \rangle - \psi` is 1-strongly concave with maximizer x, so at y it is smaller by at least
# :math:`\frac12 \|x - y\|^2`. Therefore
#
# .. math:: \psi^*(\theta + v) = \langle \theta, y \rangle - \psi(y) + \langle v, y \rangle
#           \le \psi^*(\theta) - \tfrac12 \|x - y\|^2 + \langle v, x \rangle + \langle v, y - x \rangle ,
#
# and :math:`\langle v, y - x \rangle \le \|v\|_* \|y - x\| \le \frac12 \|v\|_*^2 + \frac12 \|y - x\|^2`.
#
# One bound for every regularizer
# -------------------------------
#
# FTRL is the mirror map of the gradients so far,
#
# .. math:: x_t = \nabla\psi^*(\theta_t) = \arg\min_{x \in K}\; \eta \sum_{s < t} \langle g_s, x \rangle + \psi(x),
#           \qquad \theta_t = -\eta \sum_{s < t} g_s .
#
# **Theorem.** For every u in K, :math:`\; \displaystyle R_T(u) \le \frac{\psi(u) - \min_K \psi}{\eta}
# + \frac{\eta}{2} \sum_{t=1}^T \|g_t\|_*^2 .`
#
# *Proof.* Apply :math:`\eqref{eq:11}` with :math:`v = -\eta g_t` in every round and add:
#
# .. math:: \psi^*(\theta_{T+1}) \le \psi^*(0) - \eta \sum_t \langle g_t, x_t \rangle
#           + \tfrac{\eta^2}{2} \sum_t \|g_t\|_*^2 .
#
# Here :math:`\psi^*(0) = -\min_K \psi`, and by the Fenchel-Young inequality the left side is at least :math:`\langle
# \theta_{T+1}, u \rangle - \psi(u) = -\eta \sum_t \langle g_t, u \rangle - \psi(u)`. Rearrange, and divide by
# :math:`\eta`. (Shalev-Shwartz 2012, Theorem 2.11; Orabona, Chapter 7.)
#
# Only two inequalities were used. Keep what they lose, and the theorem becomes an *equation*: with the Bregman
# divergence :math:`B_{\psi^*}(\theta', \theta) = \psi^*(\theta') - \psi^*(\theta) - \langle \nabla\psi^*(\theta),
# \theta' - \theta \rangle`,
#
# .. math:: \sum_t \langle g_t, x_t - u \rangle = \underbrace{\frac{\psi(u) - \min_K \psi}{\eta}}_{\text{price of } u}
#           + \underbrace{\frac1\eta \sum_t B_{\psi^*}(\theta_{t+1}, \theta_t)}_{\text{cost of moving}}
#           - \underbrace{\frac{\psi(u) + \psi^*(\theta_{T+1}) - \langle \theta_{T+1}, u \rangle}{\eta}}_{
#           \text{what } u \text{ misses at the end}} . \tag{12}\label{eq:12}
#
# Check the account for the entropy, against every expert:

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import logsumexp, softmax

import oco
from oco.checks import CheckFailed, check_learner, exercise
from regret_experiments.lessons.drawing import lines, panels

eta, experts, horizon = 0.1, 5, 400
losses = np.random.default_rng(0).random((horizon, experts)) ** [1, 1, 1, 1, 2]
thetas = -eta * np.vstack([np.zeros(experts), np.cumsum(losses, axis=0)])
points = softmax(thetas[:-1], axis=1)
conjugate = logsumexp(thetas, axis=1)
moving = np.diff(conjugate) + eta * (losses * points).sum(axis=1)
for expert in range(experts):
    regret = (losses * points).sum() - losses[:, expert].sum()
    price = np.log(experts) / eta  # psi(u) = 0, and the minimum of psi is -ln d
    missing = (conjugate[-1] - thetas[-1, expert]) / eta
    print(
        f"u = expert {expert + 1}: {price:.2f} + {moving.sum() / eta:.2f}"
        f" - {missing:6.2f} = {regret:7.2f}"
    )
    assert np.isclose(price + moving.sum() / eta - missing, regret)
    assert regret <= price + eta / 2 * (losses.max(axis=1) ** 2).sum()
assert (moving >= 0).all()

# %%
# The price is the same for every expert. What differs is the last term: an expert of small loss misses little at the
# end, and only against such an expert is the regret close to the other two terms.
#
# Mirror descent
# --------------
#
# **Mirror descent** forgets :math:`\theta_t`. It starts from the dual vector of the *current point* and projects with
# the divergence of :math:`\psi`:
#
# .. math:: \nabla\psi(y_{t+1}) = \nabla\psi(x_t) - \eta g_t, \qquad x_{t+1} = \arg\min_{x \in K} B_\psi(x, y_{t+1}) .
#
# Lesson 3 proved its bound, :math:`B_\psi(u, x_1)/\eta + \frac\eta2 \sum_t \|g_t\|_*^2`, by the three-point identity.
# Started from the minimizer of :math:`\psi` it has the price of FTRL or less.
#
# *When are the two the same?* If no projection happens, :math:`\nabla\psi(x_{t+1}) = \nabla\psi(x_t) - \eta g_t` adds
# up the gradients, so :math:`\nabla\psi(x_t) = \theta_t` (from :math:`\nabla\psi(x_1) = 0`): the same points. That is
# gradient descent on the whole space. It is Hedge too, although the simplex is a constraint: projecting with the
# Kullback-Leibler divergence only multiplies all weights by a number, which the next normalization undoes.
#
# On the ball they differ. Gradient descent forgets the part of a step that the projection cuts off; FTRL (the *lazy*
# projection) remembers it in :math:`\theta_t`.
#
# **Predict before you run.** The ball is [-1, 1], the losses are :math:`x` for 300 rounds, then :math:`-x` for 300.
# Both learners have the same step size 0.1 and the same bound. After the change, in how many rounds does each of them
# cross zero? And which fixed point has the smallest loss in this game?


class DualAveraging(oco.Learner):
    """FTRL with the regularizer |x|^2 / 2."""

    def __init__(self, learning_rate=0.1):
        self.learning_rate = learning_rate

    def start(self, problem):
        self.domain = problem.domain
        start = problem.domain.start
        self.state = {"point": start, "dual": np.zeros(start.shape)}

    def update(self, gradient):
        self.state["dual"] = self.state["dual"] - self.learning_rate * gradient
        self.state["point"] = self.domain.project(
            self.domain.start + self.state["dual"]
        )


check_learner(DualAveraging())
rows = np.repeat([[1.0], [-1.0]], 300, axis=0)
turn = oco.environments.LinearLosses(rows, domain=oco.Ball(radius=1.0), order="file")
every_round = range(1, 601)
agile, lazy = (
    oco.play(turn, learner, keep_iterates=True, checkpoints=every_round)
    for learner in (oco.OGD(0.1, schedule="constant"), DualAveraging(0.1))
)
crossings = [
    1 + int(np.argmax(record.iterates[300:, 0] >= -1e-9)) for record in (agile, lazy)
]
print("rounds until zero is crossed:", crossings)
for name, record in (("mirror descent", agile), ("FTRL", lazy)):
    print(
        f"{name:15s} loss {record.cumulative_loss:7.1f}   regret "
        f"{record.regret.upper:7.1f}"
    )
    assert record.regret.upper <= 1 / (2 * 0.1) + 0.1 / 2 * 600

[axes] = panels()
curves = {
    "mirror descent": (every_round, agile.iterates[:, 0], "ogd"),
    "FTRL": (every_round, lazy.iterates[:, 0], "#0072B2"),
}
lines(
    axes, curves, xlabel="round", ylabel="point", title="The same steps, two memories"
)
plt.show()

# %%
# *Answer.* All fixed points have loss zero. Mirror descent crosses zero after 10 rounds, a way of length 1 in steps of
# 0.1, and gains nearly as much in the second half as in the first: its regret is far *below* zero. FTRL has moved its
# dual vector 300 steps past the end of the ball, and has to undo every one of them. Neither is better against a fixed
# point, and both respect the same bound, but a learner that should follow a change (lesson 10) should not be lazy. In
# exchange FTRL projects the sum of all gradients, and no error of an earlier projection stays in it.
#
# Without a projection there is no difference, as the argument above says (and the counts of the answer, checked):

free = oco.environments.LinearLosses(rows, domain=oco.Unbounded(1), order="file")
ends = [
    oco.play(free, learner, comparator=False, spectrum=False).last_point
    for learner in (oco.OGD(0.1, schedule="constant"), DualAveraging(0.1))
]
assert crossings == [10, 300]
assert np.allclose(*ends)

# %%
# Exercises
# ---------
#
# **11.1** :math:`\psi(x) = \sum_i x_i \ln x_i` on the simplex. What is :math:`\psi^*` at :math:`\theta`? Write the
# formula.


def entropy_conjugate(theta):
    return None  # a formula


exercise(
    "11.1",
    lambda: entropy_conjugate(np.array([0.5, -1.0, 2.0])),
    digest="72eaf088b7b6add9",
    digits=13,
)

# %%
# **11.2** The game of the prediction on the ball of radius r, with losses :math:`a x` for N rounds, then :math:`-b x`.
# The N rounds are enough to reach the end of the ball. How many rounds after the change does FTRL need to be back at
# zero, at a step size of ``rate``? (Give the real number, not rounded up.)


def rounds_to_turn(rounds, before, after, rate, radius):
    return None  # a formula, for N = rounds, a = before, b = after, r = radius


exercise(
    "11.2",
    lambda: rounds_to_turn(450, 2**0.5, 3**0.5, rate=0.1, radius=2.0),
    digest="03a7ae8b52736ea4",
    digits=13,
)

# %%
# **11.3** Between the Euclidean norm and the entropy lie the p-norms: :math:`\psi(x) = \frac12 |x|_p^2` on the whole
# space, with :math:`1 < p \le 2`, is :math:`(p - 1)`-strongly convex in the p-norm. Its conjugate is :math:`\frac12
# |\theta|_q^2` with :math:`\frac1p + \frac1q = 1`. Write its mirror map :math:`\nabla\psi^*`. (Differentiate; at
# :math:`\theta = 0` it is 0. The check is the Fenchel-Young inequality, which is an equation at the right point.)


def p_norm_mirror_map(theta, p):
    raise NotImplementedError(
        "return the gradient of |theta|_q^2 / 2 with q = p / (p - 1)"
    )


def check_mirror_map():
    generator = np.random.default_rng(4)
    for p in (1.2, 1.5, 2.0):
        theta, q = generator.standard_normal(6), p / (p - 1)
        point = np.asarray(p_norm_mirror_map(theta, p), dtype=float)
        if point.shape != (6,):
            raise CheckFailed(f"the point has shape {point.shape}, it should be (6,)")
        left = np.linalg.norm(point, p) ** 2 / 2 + np.linalg.norm(theta, q) ** 2 / 2
        if not np.isclose(left, theta @ point):
            raise CheckFailed(
                f"for p = {p}, psi(x) + psi*(theta) = {left:.4f} and <theta, x> = "
                f"{theta @ point:.4f}: they are equal at the right point"
            )
    if np.any(p_norm_mirror_map(np.zeros(3), 1.5)):
        raise CheckFailed("at theta = 0 the point is 0")


exercise("11.3", check_mirror_map)

# %%
# Further reading: Shalev-Shwartz, *Online Learning and Online Convex Optimization* (2012), Sections 2.4 to 2.7;
# Orabona, *A Modern Introduction to Online Learning*, Chapters 6 and 7; Hazan, *Introduction to Online Convex
# Optimization*, Chapter 5; McMahan, *A survey of algorithms and analysis for adaptive online learning* (2017).
