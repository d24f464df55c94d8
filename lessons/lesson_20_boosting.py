r"""20. Boosting: many weak rules make a strong one
===============================================

The last lesson puts the course to work. A *weak* rule is right a little more often than a coin, on every weighting of the
examples. Is there then a *strong* rule, that is right on all of them? Schapire asked this as a question about computing in
1990. Seen as a game it is answered by the regret bound of Hedge and one line of arithmetic, and the answer is the algorithm
**boosting**. About 40 minutes; it runs in a few seconds. Builds on lessons 3 and 17.
"""

# %%
# The game
# --------
#
# There are n examples with labels in :math:`\{-1, 1\}`. The learner is Hedge, and its experts are the *examples*: in every
# round it plays weights :math:`x_t` over them. The opponent looks at the weights (he may: lesson 1) and answers with a rule
# :math:`h_t`. Example i has the loss 1 if the rule is *right* on it, else 0. So Hedge takes weight from the examples that are
# done and puts it on those that are still wrong, and the opponent is the weak learner, who has to find a rule that is good
# for these weights.
#
# **Weak learning assumption.** For all weights x there is a rule that is right on a share of at least :math:`\frac12 +
# \gamma` of them: :math:`\sum_i x_i\, 1[h(i) \text{ is right}] \ge \frac12 + \gamma`.
#
# **Theorem** (Freund and Schapire 1997, in this form Freund and Schapire 1996). If :math:`T > \ln n / (2 \gamma^2)`, the
# majority of :math:`h_1, \dots, h_T` is right on *every* example.
#
# *Proof.* By the assumption Hedge loses at least :math:`\frac12 + \gamma` in every round. By its theorem (lesson 3) that is
# at most the loss of any single example i and :math:`\sqrt{\frac12 T \ln n}`:
#
# .. math:: \Bigl(\frac12 + \gamma\Bigr) T \le \sum_t \langle \ell_t, x_t \rangle \le \#\{t : h_t \text{ is right on } i\}
#           + \sqrt{\tfrac12 T \ln n} . \tag{18}\label{eq:18}
#
# So the number of rules that are right on i is at least :math:`\frac T2 + \gamma T - \sqrt{\frac12 T \ln n}`, and that is more
# than :math:`\frac T2` as soon as :math:`\gamma^2 T > \frac12 \ln n`.
#
# Compare lesson 17: (18) is the minimax theorem at work. If against every weighting there is a rule with edge
# :math:`\gamma`, there is one weighting of *rules* with this edge on every example.
#
# The simplest weak rules are **stumps**: one feature, one threshold, one sign. To find the best one for given weights, sort
# each feature and add up.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer

import oco
from oco.checks import CheckFailed, exercise
from regret_experiments.lessons.drawing import lines, panels


def best_stump(features, labels, weights):
    """Feature, threshold and sign of the stump that is right on the largest weight."""
    order = np.argsort(features, axis=0)
    signed = (weights * labels)[order]  # what is gained by +1 instead of -1
    gains = signed.sum(axis=0) - 2 * np.cumsum(signed, axis=0)  # -1 up to here, +1 above
    sorted_features = np.take_along_axis(features, order, axis=0)
    gains[:-1][sorted_features[:-1] == sorted_features[1:]] = 0.0  # no threshold fits
    row, column = np.unravel_index(np.abs(gains).argmax(), gains.shape)
    return int(column), sorted_features[row, column], float(np.sign(gains[row, column]))


def answers(stump, features):
    column, threshold, sign = stump
    return np.where(features[:, column] > threshold, sign, -sign)


class WeakLearner:
    """The opponent: sees the weights, answers with the best stump."""

    def __init__(self, features, labels):
        self.features, self.labels, self.stumps = features, labels, []

    def reveal(self, weights):
        self.stumps.append(best_stump(self.features, self.labels, weights))
        right = answers(self.stumps[-1], self.features) == self.labels
        return right.astype(float)


# %%
# **Predict before you run.** 300 patients in the sample, 269 held out. A single stump is right on about nine of ten. After
# how many rounds is the majority right on all 300? What does the error on the other 269 do *after that*, if the game goes
# on: does it rise, stay, or fall?

measured, target = load_breast_cancer(return_X_y=True)
mixed = np.random.default_rng(0).permutation(len(target))
features, labels = measured[mixed], np.where(target[mixed] == 1, 1.0, -1.0)
sample, held_out = slice(0, 300), slice(300, None)
rounds, rate = 400, 0.4

hedge = oco.Hedge(rate)
weak = WeakLearner(features[sample], labels[sample])
hedge.start(oco.Problem(oco.Simplex(dimension=300), rounds))
votes, edges, errors = np.zeros(len(labels)), [], []
for t in range(1, rounds + 1):
    weights = hedge.prediction.copy()
    loss = weak.reveal(weights)
    edges.append(float(loss @ weights) - 0.5)
    hedge.update(loss)
    votes += answers(weak.stumps[-1], features)
    wrong = np.sign(votes) != labels
    errors.append((wrong[sample].mean(), wrong[held_out].mean()))
errors = np.array(errors)
margins = labels * votes / rounds
finished = 1 + int(np.flatnonzero(errors[:, 0] > 0)[-1]) + 1
print(f"edge of the first stump {edges[0]:.2f}, smallest edge {min(edges):.3f}")
print(f"no error on the sample from round {finished} on")
for t in (1, 10, finished, rounds):
    print(f"round {t:4d}   error in the sample {errors[t - 1, 0]:.3f}, held out {errors[t - 1, 1]:.3f}")
print(f"smallest margin on the sample {margins[sample].min():.3f}")
