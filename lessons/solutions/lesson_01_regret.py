"""Solutions of lesson 1; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np

import oco


def best_fixed_loss(gradients, radius):
    # A linear function is smallest at the end of the ball that lies against its gradient.
    return -radius * np.linalg.norm(gradients.sum(axis=0))


def regret_of_the_leader():
    # r in every round from the second on, nothing in the first, and the best fixed point has -r / 2: r (T - 1/2).
    return 2.0 * (2500 - 0.5)


class RegularizedLeader(oco.Learner):
    def start(self, problem):
        self.domain = problem.domain
        size = problem.gradient_bound or 1.0
        self.eta = problem.domain.diameter() / (
            2.0 * size * np.sqrt(2.0 * problem.horizon)
        )
        self.first = problem.domain.start
        self.state = {
            "point": problem.domain.start,
            "sum": np.zeros(problem.domain.shape),
        }

    def update(self, gradient):
        self.state["sum"] = self.state["sum"] + gradient
        self.state["point"] = self.domain.project(
            self.first - self.eta * self.state["sum"]
        )
