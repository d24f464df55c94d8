"""Solutions of lesson 3; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np

import oco


def weight_of_the_best():
    # The weights are in the proportion 1 : 1/2 : 1/4.
    return 4.0 / 7.0


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
