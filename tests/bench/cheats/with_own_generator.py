"""Draws from a generator that is not in its state."""

import numpy as np

import oco


class WithOwnGenerator(oco.Learner):
    def start(self, problem):
        self.domain, self.generator = problem.domain, np.random.default_rng(problem.seed)
        self.state = {"point": problem.domain.start}

    def update(self, gradient):
        step = 0.1 * self.generator.random() * gradient
        self.state["point"] = self.domain.project(self.state["point"] - step)
