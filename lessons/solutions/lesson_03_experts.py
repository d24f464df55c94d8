"""Solutions of lesson 3; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np

import oco


def weight_of_the_best():
    # The weights are in the proportion 1 : 1/sqrt(2) : 1/2.
    return 1.0 / (1.5 + 0.5**0.5)


def rounds_needed():
    # sqrt(T ln d / 2) / T = 0.01 at T = ln d / (2 * 0.01^2).
    return np.log(1000.0) / (2.0 * 0.01**2)


class MyHedge(oco.Learner):
    def __init__(self, learning_rate=0.1):
        self.learning_rate = learning_rate

    def start(self, problem):
        self.state = {
            "point": problem.domain.start,
            "losses": np.zeros(problem.domain.shape),
        }

    def update(self, gradient):
        self.state["losses"] = self.state["losses"] + gradient
        # Less the smallest loss, the largest weight is exp(0) = 1: nothing overflows.
        weights = np.exp(
            -self.learning_rate * (self.state["losses"] - self.state["losses"].min())
        )
        self.state["point"] = weights / weights.sum()


_logarithm = np.log(1000.0)

WRONG = {  # common wrong answers and their hints, for write_digests.py
    "3.1": {
        4.0 / 7.0: "this is at eta = 1",
        0.5
        / (
            1.5 + 0.5**0.5
        ): "losses make weights smaller: the best expert has the largest weight",
        0.5**0.5 / (1.5 + 0.5**0.5): "this is the weight of the second expert",
        1.0 / 3.0: "these are the weights before the first loss",
        1.0: "weights add up to 1: divide by their sum",
    },
    "3.2": {
        _logarithm
        / (
            2.0 * 0.01
        ): "the average regret falls with the root of T: 0.01 enters squared",
        2.0
        * _logarithm
        / 0.01
        ** 2: "this is for the bound of mirror descent: Hedge's own theorem has T / 8",
        _logarithm
        / 0.01**2: "the bound is the root of T ln(d) / 2: where is the factor 1/2?",
        1000.0 / (2.0 * 0.01**2): "the number of experts enters through its logarithm",
        3.0 / (2.0 * 0.01**2): "the logarithm is the natural one",
    },
}
