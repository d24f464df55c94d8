"""Draws from a new generator without a seed in every round."""

import numpy as np

import oco


class WithFreshEntropy(oco.Learner):
    def start(self, problem):
        self.domain = problem.domain
        self.state = {"point": problem.domain.start}

    def update(self, gradient):
        step = 0.1 * np.random.default_rng().random() * gradient
        self.state["point"] = self.domain.project(self.state["point"] - step)
