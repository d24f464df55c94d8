r"""3. Experts, Hedge and mirror descent
====================================

There are d experts. In every round you spread weight :math:`x_t` over them, then their losses
:math:`\ell_t \in [0, 1]^d` are revealed and you pay the average :math:`\langle \ell_t, x_t \rangle`. The domain is the
**simplex**, the best fixed point is a single expert. With d in the thousands, gradient descent is the wrong tool, and
seeing why leads to **mirror descent**: the geometry of a learner is a choice.
About 45 minutes; it runs in a few seconds.
"""

# %%
# Hedge
# -----
#
# Hedge (Freund and Schapire 1997; the exponentiated gradient of Kivinen and Warmuth 1997) reduces an expert's weight
# exponentially in its loss:
#
# .. math:: x_{t+1,i} = \frac{\exp(-\eta L_{t,i})}{\sum_j \exp(-\eta L_{t,j})}, \qquad L_t = \ell_1 + \dots + \ell_t .
#
# **Theorem.** :math:`R_T \le \frac{\ln d}{\eta} + \frac{\eta T}{8}`, which is :math:`\sqrt{\tfrac12 T \ln d}` for
# :math:`\eta = \sqrt{8 \ln d / T}`.
#
# *Proof.* Watch the potential :math:`W_t = \sum_i e^{-\eta L_{t,i}}`, with :math:`W_0 = d`. In one round
#
# .. math:: \frac{W_t}{W_{t-1}} = \sum_i x_{t,i} e^{-\eta \ell_{t,i}}
#           \le \exp\Bigl(-\eta \langle \ell_t, x_t \rangle + \frac{\eta^2}{8}\Bigr),
#
# by Hoeffding's lemma for a random variable in [0, 1]. Multiply over t; on the other side, the whole sum is at least
# its largest term:
#
# .. math:: e^{-\eta \min_i L_{T,i}} \le W_T \le d \exp\Bigl(-\eta \sum_t \langle \ell_t, x_t \rangle
#           + \frac{\eta^2 T}{8}\Bigr).
#
# Take logarithms and divide by :math:`\eta`. (Cesa-Bianchi and Lugosi 2006, Theorem 2.2.)
#
# The bound grows only with :math:`\sqrt{\ln d}`. Gradient descent has :math:`D = \sqrt 2` on the simplex but
# gradients of norm up to :math:`\sqrt d`, so its bound is of order :math:`\sqrt{d T}`.
#
# **Predict before you run.** One expert errs in 40 % of the rounds, all others in half of them. From 4 to 1,024
# experts, by which factor does the regret of Hedge grow, by which that of gradient descent, each with the constant
# learning rate of its theorem?

import matplotlib.pyplot as plt
import numpy as np

import oco
from oco.checks import CheckFailed, check_learner, exercise
from regret_experiments.lessons.drawing import lines, panels, triangle

horizon, sizes = 2000, np.array([4, 16, 64, 256, 1024])


def mean_regret(game, learner):
    return np.mean(
        [
            oco.play(game, learner, seed=s, checkpoints=1, spectrum=False).regret.upper
            for s in range(3)
        ]
    )


hedge, descent = [], []
for size in sizes:
    advice = oco.environments.ExpertAdvice(int(size), horizon, gap=0.1)
    hedge.append(mean_regret(advice, oco.Hedge(np.sqrt(8.0 * np.log(size) / horizon))))
    # half of the losses are 1, so |g|^2 is about d / 2
    descent.append(
        mean_regret(
            advice, oco.OGD(np.sqrt(2.0 / (size / 2.0 * horizon)), schedule="constant")
        )
    )
promise = np.sqrt(0.5 * horizon * np.log(sizes))
print(
    f"Hedge grows by {hedge[-1] / hedge[0]:.1f}, gradient descent by "
    f"{descent[-1] / descent[0]:.1f}"
)

[axes] = panels(height=3.0)
curves = {
    "Hedge": (sizes, hedge, "hedge d-"),
    "its bound": (sizes, promise, "hedge :"),
    "gradient descent": (sizes, descent, "ogd s-"),
    "equal weights": (sizes, np.full(5, 0.1 * horizon), "#777777 -"),
}
lines(axes, curves, log="x", xlabel="experts d", ylabel="regret", ylim=(0, 225))
axes.set_title(f"{horizon:,} rounds")
plt.show()

# %%
# *Answer.* Hedge's regret grows like its bound, by a factor of :math:`\sqrt{\ln 1024 / \ln 4} = 2.2`, or a little more.
# With a thousand experts gradient descent has learned nothing: its regret is that of equal weights.

assert (np.array(hedge) <= promise).all()
assert hedge[-1] / hedge[0] < 4.0 < descent[-1] / descent[0]
assert descent[-1] > 0.9 * 0.1 * horizon

# %%
# Mirror descent: one proof for both
# ----------------------------------
#
# Take a *mirror map* :math:`\psi`, 1-strongly convex in some norm on K, and measure distance by its Bregman divergence
# :math:`B(u, x) = \psi(u) - \psi(x) - \langle \nabla\psi(x), u - x \rangle \ge \frac12 \|u - x\|^2`:
#
# .. math:: x_{t+1} = \arg\min_{x \in K}\; \eta \langle g_t, x \rangle + B(x, x_t) .
#
# **Theorem.** :math:`R_T \le \frac{B(u, x_1)}{\eta} + \frac{\eta}{2} \sum_t \|g_t\|_*^2`, with the dual norm.
#
# *Proof.* Optimality of :math:`x_{t+1}` says
# :math:`\langle \eta g_t + \nabla\psi(x_{t+1}) - \nabla\psi(x_t), u - x_{t+1} \rangle \ge 0`, and the three-point
# identity turns that into
# :math:`\eta \langle g_t, x_{t+1} - u \rangle \le B(u, x_t) - B(u, x_{t+1}) - B(x_{t+1}, x_t)`. Add
# :math:`\eta \langle g_t, x_t - x_{t+1} \rangle \le \frac{\eta^2}{2} \|g_t\|_*^2 + \frac12 \|x_t - x_{t+1}\|^2`;
# the last term is at most :math:`B(x_{t+1}, x_t)`. Sum, and telescope. (Beck and Teboulle 2003; Orabona, Chapter 6.)
#
# * :math:`\psi(x) = \frac12 |x|_2^2`: the divergence is half the squared distance, the step a projection. This is
#   gradient descent and inequality `(1) <lesson_02_gradient_descent.html>`_ of lesson 2.
# * :math:`\psi(x) = \sum_i x_i \ln x_i` on the simplex: the divergence is the Kullback-Leibler divergence, and
#   psi is strongly convex in the :math:`\ell_1` norm (Pinsker), the dual norm is the largest entry. The step multiplies
#   :math:`x_i` by :math:`e^{-\eta g_i}` and normalizes: Hedge. From equal weights :math:`B(u, x_1) \le \ln d`.
#
# With :math:`\|g_t\|_\infty \le 1` the second case gives :math:`\frac{\ln d}{\eta} + \frac{\eta T}{2}`, hence
# :math:`\sqrt{2 T \ln d}`, twice the bound of Hedge's own theorem above. The general proof allows losses in
# :math:`[-1, 1]`; Hoeffding's lemma uses that the losses lie in an interval of length 1.
#
# Compare the two geometries on three experts, of which the first is the best. Both learners make steps of the same
# size at the start. Near an edge the entropy's steps become small, and no weight ever becomes zero.


def path(learner, losses):
    player = learner.fresh()
    player.start(
        oco.Problem(oco.Simplex(dimension=3), len(losses), gradient_bound=np.sqrt(3.0))
    )
    points = [player.prediction.copy()]
    for row in losses:
        player.update(row)
        points.append(player.prediction.copy())
    return np.array(points)


losses = (np.random.default_rng(3).random((60, 3)) < [0.25, 0.5, 0.75]).astype(float)
[axes] = panels(height=3.6)
corners = triangle(axes, ["best expert", "second", "worst"])
for name, learner, color in (
    ("gradient descent", oco.OGD(0.05, schedule="constant"), "#777777"),
    ("Hedge", oco.Hedge(0.15), "#117733"),
):
    points = path(learner, losses)
    axes.plot(*(points @ corners).T, ".-", color=color, label=name)
    assert np.allclose(points.sum(axis=1), 1.0)
    print(f"{name:16s} weights at the end {np.round(points[-1], 4)}")
axes.set_title("The same losses in two geometries")
axes.legend(loc="upper right")
plt.show()

# %%
# *Which geometry?* The bounds compare :math:`\sqrt{B(u, x_1)} \cdot \|g\|_*`: entropy where gradients are dense and
# the comparator is sparse, the Euclidean norm in the opposite case. Lessons 4 and 5 let the data choose.
#
# A picture to play with: `three experts on the simplex <pictures/experts.html>`__.
#
# Exercises
# ---------
#
# **3.1** Three experts have lost 0, ln 2 and ln 4 so far. Which weight does Hedge give to the first, at
# :math:`\eta = 1/2`? (No computer needed but for the last root.)


def weight_of_the_best():
    return None  # your number


exercise("3.1", weight_of_the_best, digest="1ddad10971b754d3", digits=13)

# %%
# **3.2** How many rounds are enough for Hedge's bound on the *average* regret to be 0.01 with d = 1,000 experts? (Give
# the real number, not rounded up.)


def rounds_needed():
    return None  # your number


exercise("3.2", rounds_needed, digest="77a44e78dac0ce8a", digits=13)

# %%
# **3.3** Write Hedge as mirror descent, by multiplying weights. In long games all weights may underflow to zero;
# prevent that by working with cumulative losses or with logarithms. The learner must obey the rules on a simplex and
# play like the library's.


class MyHedge(oco.Learner):
    def __init__(self, learning_rate=0.1):
        self.learning_rate = learning_rate

    def start(self, problem):
        raise NotImplementedError(
            "start from equal weights: self.state is a dict with the point and what "
            "you need"
        )

    def update(self, gradient):
        raise NotImplementedError(
            "multiply by exp(-eta g) and normalize, without overflow"
        )


def check_hedge():
    check_learner(MyHedge(), domain=oco.Simplex(dimension=4))
    advice = oco.environments.ExpertAdvice(8, 3000)
    mine, theirs = (
        oco.play(advice, learner).cumulative_loss
        for learner in (MyHedge(0.5), oco.Hedge(0.5))
    )
    if abs(mine - theirs) > 1e-6 * theirs:
        raise CheckFailed(
            f"your cumulative loss is {mine:.6f}, that of oco.Hedge(0.5) is "
            f"{theirs:.6f}"
        )


exercise("3.3", check_hedge)
