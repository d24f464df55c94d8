"""Solutions of lesson 1; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np

import oco


def best_fixed_loss(gradients, radius):
    # A linear function is smallest at the end of the ball that lies against its gradient.
    return -radius * np.linalg.norm(gradients.sum(axis=0))


def regret_of_the_leader(rounds, radius):
    # r in every round from the second on, nothing in the first, and the best fixed point has -r / 2: r (T - 1/2).
    return radius * (rounds - 0.5)


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


_gradients = np.random.default_rng(11).standard_normal((100, 5))
_size = np.linalg.norm(_gradients.sum(axis=0))
_root = 2.0**0.5

WRONG = {  # common wrong answers and their hints, for write_digests.py
    "1.1": {
        2.0
        * _size: "the best point lies against the sum of the gradients, so its loss is negative",
        -_size: "the radius is missing",
        -4.0 * _size: "the loss is linear: the radius enters once",
        -2.0
        * np.linalg.norm(
            _gradients, axis=1
        ).sum(): "one point is fixed for all rounds: first add the gradients",
        -2.0
        * np.abs(
            _gradients.sum(axis=0)
        ).sum(): "the ball is Euclidean: take the length of the sum",
    },
    "1.2": {
        2499.5: "this is for the unit ball: every loss grows with the radius",
        _root
        * 2500: "the learner loses nothing in round 1, and the best fixed point does not lose 0",
        _root
        * 2499: "this is the loss of the learner: the best fixed point has a negative loss",
        _root
        * 2498.5: "the loss of the best fixed point is negative, and is subtracted",
        2.0 * _root * 2499.5: "the learner loses r a round, not the diameter",
    },
}
