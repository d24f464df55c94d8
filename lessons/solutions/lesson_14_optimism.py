"""Solutions of lesson 14; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np

import oco


def gradual_variation(rounds, angle):
    # 1 in the first round, then the square of a chord of the unit circle in each of the others.
    return 1.0 + (rounds - 1) * (2.0 - 2.0 * np.cos(angle))


class MyOptimistic(oco.Learner):
    def __init__(self, learning_rate=0.1):
        self.learning_rate = learning_rate

    def start(self, problem):
        self.domain = problem.domain
        self.state = {"point": problem.domain.start, "second": problem.domain.start}

    def update(self, gradient):
        step = self.learning_rate * gradient
        self.state["second"] = self.domain.project(self.state["second"] - step)
        self.state["point"] = self.domain.project(self.state["second"] - step)


def seasonal_guess(past):
    return past[-7] if len(past) >= 7 else np.zeros(past.shape[1])


_chord = 2.0 * np.sin(0.15)

WRONG = {  # common wrong answers and their hints, for write_digests.py
    "14.1": {
        99 * _chord**2: "the first guess is 0, so the first gradient counts too",
        1.0 + 100 * _chord**2: "in T rounds the gradient turns T - 1 times",
        1.0 + 99 * _chord: "V has the squares of the distances",
        1.0
        + 99
        * 0.3
        ** 2: "the angle is the length of the arc: take the distance of the two gradients",
        100.0: "this is V for the guess 0 in every round",
    },
}
