"""Solutions of lesson 4; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np

import oco


def factor_of_the_bounds():
    counts = 1e6 / np.arange(1.0, 101.0) ** 2
    return np.sqrt(100.0) * np.sqrt(counts.sum()) / np.sqrt(counts).sum()


class MyDiagonalAdaGrad(oco.Learner):
    def __init__(self, learning_rate=0.5):
        self.learning_rate = learning_rate

    def start(self, problem):
        self.domain = problem.domain
        self.state = {
            "point": problem.domain.start,
            "squares": np.zeros(problem.domain.shape),
        }

    def update(self, gradient):
        self.state["squares"] = self.state["squares"] + gradient**2
        roots = np.sqrt(self.state["squares"])
        step = np.divide(gradient, roots, out=np.zeros_like(roots), where=roots > 0)
        moved = self.state["point"] - self.learning_rate * step
        self.state["point"] = self.domain.project_in(moved, oco.domains.Diagonal(roots))


def loss_of_the_wrong_projection():
    # The mean gradient is (1, 1) / sqrt(26), the mean step points along (1, a).
    a = 1.0 / np.sqrt(17.0)
    return (np.sqrt(2.0) - (1.0 + a) / np.hypot(1.0, a)) / np.sqrt(26.0)


_slope = 1.0 / np.sqrt(17.0)
_counts = 1e6 / np.arange(1.0, 101.0) ** 2
_plain, _adaptive = np.sqrt(100.0 * _counts.sum()), np.sqrt(_counts).sum()

WRONG = {  # common wrong answers and their hints, for write_digests.py
    "4.1": {
        _adaptive / _plain: "this is the inverse: the factor is above 1",
        _plain / _adaptive / 10.0: "the diameter of a box grows with the root of d",
        10.0 * _plain / _adaptive: "the root of d enters once",
        _plain / _counts.sum(): "the bound (2) has a root for every coordinate",
        _plain**2 / _adaptive**2: "this is the square of the factor",
    },
    "4.3": {
        np.sqrt(2.0)
        - (1.0 + _slope)
        / np.hypot(1.0, _slope): "the gradients are divided by sqrt(26)",
        (np.sqrt(2.0) - 1.0)
        / np.sqrt(26.0): "this is the limit for ever more noise: here it has size 4",
        (np.sqrt(2.0) - (1.0 + _slope))
        / np.sqrt(26.0): "the learner's point has length 1: normalize the step",
        (np.sqrt(2.0) - (1.0 + 1.0 / 17.0) / np.hypot(1.0, 1.0 / 17.0))
        / np.sqrt(26.0): "AdaGrad takes a root",
        2.0
        - (1.0 + _slope)
        / np.hypot(
            1.0, _slope
        ): "the loss of the best point is minus the length of (1, 1)",
    },
}
