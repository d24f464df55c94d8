r"""4. Diagonal AdaGrad and sparse features
=======================================

In a text most words are rare, and a rare word may matter as much as a frequent one. A step size that falls with *time*
is too small by the time a rare feature is seen. **AdaGrad** (Duchi, Hazan and Singer 2011) gives every coordinate a
step size that falls with *its own* gradients. You derive its bound, see a game where it is better by a factor that
grows with the dimension, and see how a rotation removes this advantage. About 40 minutes; it runs in a few seconds.
Builds on lesson 2.
"""

# %%
# The algorithm and its bound
# ---------------------------
#
# With :math:`s_{t,i} = \sqrt{g_{1,i}^2 + \dots + g_{t,i}^2}` and :math:`H_t = \mathrm{diag}(s_t)`,
#
# .. math:: x_{t+1} = \Pi_K^{H_t}\bigl(x_t - \eta H_t^{-1} g_t\bigr), \qquad
#           \Pi_K^H(y) = \arg\min_{x \in K} \langle x - y, H (x - y) \rangle .
#
# Repeat the proof of lesson 2 in the norm :math:`|v|_H^2 = \langle v, H v \rangle`. Nothing changes, because the
# projection is in that norm too:
#
# .. math:: \langle g_t, x_t - u \rangle \le \frac{|x_t - u|_{H_t}^2 - |x_{t+1} - u|_{H_t}^2}{2 \eta}
#           + \frac{\eta}{2} \langle g_t, H_t^{-1} g_t \rangle .
#
# *First sum.* It telescopes up to the growth of the norm, and :math:`H_t - H_{t-1} \ge 0` is diagonal:
#
# .. math:: \sum_t |x_t - u|^2_{H_t - H_{t-1}} \le \sum_t \sum_i D_\infty^2 (s_{t,i} - s_{t-1,i})
#           = D_\infty^2 \sum_i s_{T,i},
#
# where :math:`D_\infty` is the diameter in the largest coordinate. *Second sum.* Coordinate by coordinate it is
# :math:`\sum_t a_t / \sqrt{a_1 + \dots + a_t} \le 2 \sqrt{a_1 + \dots + a_T}` of lesson 2 with
# :math:`a_t = g_{t,i}^2`, so it is at most :math:`2 \sum_i s_{T,i}`. With :math:`\eta = D_\infty / \sqrt 2`,
#
# .. math:: R_T \le \Bigl(\frac{D_\infty^2}{2 \eta} + \eta\Bigr) \sum_i s_{T,i}
#           = \sqrt 2\, D_\infty \sum_{i=1}^d \sqrt{\textstyle\sum_t g_{t,i}^2} \tag{2}\label{eq:2}
#
# (Duchi, Hazan and Singer 2011, Theorem 5).
#
# *When is that better than gradient descent?* On a box :math:`D_2 = \sqrt d\, D_\infty`, so lesson 2's adaptive bound
# is :math:`\sqrt 2\, D_\infty \sqrt d \sqrt{\sum_i s_{T,i}^2}`. By the Cauchy-Schwarz inequality :math:`\eqref{eq:2}`
# is never larger, and if coordinate i is seen in a share :math:`\propto i^{-2}` of the rounds, the sum of roots is of
# the order :math:`\sqrt T \ln d` against :math:`\sqrt{d T}`.

import matplotlib.pyplot as plt
import numpy as np

import oco
from oco.checks import CheckFailed, check_learner, exercise
from regret_experiments.lessons.drawing import lines, panels

# %%
# Rare coordinates
# ----------------
#
# In every round one coordinate i is drawn with probability :math:`\propto i^{-2}`, and :math:`f_t(x) = |x_i - w_i|`.
# All coordinates matter equally: each :math:`|w_i|` is between 1/2 and 1.

game = oco.environments.CoordinateGame(32)
counts = np.bincount(game.fresh(0).block(0, game.horizon).rows.indices, minlength=32)
print(
    f"{game.horizon} rounds; coordinate 1 comes up {counts[0]} times, the last five "
    f"{counts[-5:]} times"
)

record = oco.play(game, oco.DiagonalAdaGrad())
squares = counts.astype(float)  # every gradient is a unit vector, up to sign
print(f"regret {record.regret.upper:.0f}, bound (2) {record.bound.value:.0f}")
bound = np.sqrt(2.0) * game.domain.diameter("linf") * np.sqrt(squares).sum()
assert record.bound.value <= bound * (
    1.0 + 1e-9
)  # a gradient is 0 where the loss is exactly 0
assert record.regret.upper <= record.bound.value

# %%
# **Predict before you run.** The game gets more coordinates, and T grows as :math:`4 d^2` so that the rare ones are
# seen. Does the advantage of diagonal AdaGrad over AdaGrad-norm (one step size, adapted) grow with d? Then the same
# game is played in a *rotated* basis, :math:`f_t(x) = |\langle q_i, x \rangle - w_i|`. Does any advantage remain?


def best_regret(game, make):
    """The smallest regret over a few learning rates: both sides are tuned."""
    return min(
        oco.play(game, make(c), checkpoints=1, spectrum=False).regret.upper
        for c in (0.1, 0.3, 1.0)
    )


sizes = np.array([4, 8, 16, 32])
scalar, diagonal, rotated = [], [], []
for size in sizes:
    straight = oco.environments.CoordinateGame(int(size))
    turned = oco.environments.CoordinateGame(int(size), rotated=True)
    scalar.append(
        best_regret(straight, lambda c, size=size: oco.AdaGradNorm(c * np.sqrt(size)))
    )
    diagonal.append(best_regret(straight, oco.DiagonalAdaGrad))
    rotated.append(best_regret(turned, oco.DiagonalAdaGrad))
print("AdaGrad-norm / diagonal:         ", np.round(np.array(scalar) / diagonal, 2))
print("AdaGrad-norm / diagonal, rotated:", np.round(np.array(scalar) / rotated, 2))

left, right = panels(2, height=3.0)
index = np.arange(1, 33)
curves = {
    "each its own": (index, 0.3 / np.sqrt(np.maximum(counts, 1)), "diagonal_adagrad ^"),
    "one for all": (
        index,
        np.full(32, 0.3 * np.sqrt(32 / game.horizon)),
        "adagrad_norm",
    ),
}
lines(
    left,
    curves,
    log="y",
    xlabel="coordinate, from frequent to rare",
    title="Step sizes",
)
curves = {
    "AdaGrad-norm": (sizes, scalar, "adagrad_norm D-"),
    "diagonal, rotated": (sizes, rotated, "diagonal_adagrad ^:"),
    "diagonal AdaGrad": (sizes, diagonal, "diagonal_adagrad ^-"),
}
lines(right, curves, log="xy", xlabel="coordinates d", title="Regret after 4 d² rounds")
plt.show()

# %%
# *Answer.* The factor grows with d, from 1.2 to 2 here. After the rotation every gradient has entries in all
# coordinates, all :math:`s_i` are about the same, and diagonal AdaGrad has in effect one step size for all coordinates.
# The advantage depended on the *basis*. Lesson 5 is about a learner that finds the basis by itself. (The rotation does
# not affect AdaGrad-norm, which uses no basis.)

assert scalar[-1] / diagonal[-1] > 1.6 > 1.3 > scalar[-1] / rotated[-1]

# %%
# Exercises
# ---------
#
# **4.1** A game has d = 100 coordinates; coordinate i was seen :math:`10^6 / i^2` times, with gradients of size 1. By
# which factor is the bound :math:`\eqref{eq:2}` smaller than that of lesson 2 on a box?


def factor_of_the_bounds():
    return None  # your number


exercise("4.1", factor_of_the_bounds, digest="da52b579f14624ab", digits=13)

# %%
# **4.2** Write diagonal AdaGrad with the projection in its own norm, which is
# ``domain.project_in(point, oco.domains.Diagonal(weights))``. A coordinate that has seen no gradient must not move (and
# not be divided by zero). The learner must obey the rules and play like the library's.


class MyDiagonalAdaGrad(oco.Learner):
    def __init__(self, learning_rate=0.5):
        self.learning_rate = learning_rate

    def start(self, problem):
        raise NotImplementedError(
            "self.state is a dict with the point and the sums of squared gradients"
        )

    def update(self, gradient):
        raise NotImplementedError(
            "add the squares, divide by their root where it is not zero, project in "
            "that norm"
        )


def check_diagonal_adagrad():
    check_learner(MyDiagonalAdaGrad())
    mine, theirs = (
        oco.play(oco.environments.CoordinateGame(8), learner).cumulative_loss
        for learner in (MyDiagonalAdaGrad(0.3), oco.DiagonalAdaGrad(0.3))
    )
    if abs(mine - theirs) > 1e-6 * theirs:
        raise CheckFailed(
            f"your cumulative loss is {mine:.6f}, that of oco.DiagonalAdaGrad(0.3) is "
            f"{theirs:.6f}"
        )


exercise("4.2", check_diagonal_adagrad)

# %%
# **4.3** Why *in its own norm*? In ``oco.environments.WrongProjectionTrap`` the gradients are
# :math:`(1, 1 \pm 4) / \sqrt{26}`, with a fair coin for the sign, on the unit disc. AdaGrad's matrix becomes a multiple
# of diag(1, :math:`\sqrt{17}`). With the *Euclidean* projection the learner therefore stops where the mean **step** is
# normal to the circle, and the best fixed point is where the mean **gradient** is. How much does the wrong learner lose
# to it in every round, in the limit? (Its regret is linear. Play yours and a wrong one to see it.)


def loss_of_the_wrong_projection():
    return None  # your number


exercise("4.3", loss_of_the_wrong_projection, digest="2bf7bbedec502dbd", digits=13)
