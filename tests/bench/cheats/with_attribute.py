"""Keeps the sum of squared gradients beside its state."""

import numpy as np

import oco


class WithAttribute(oco.Learner):
    def start(self, problem):
        self.domain, self.squares = problem.domain, 0.0
        self.state = {"point": problem.domain.start}

    def update(self, gradient):
        self.squares += float(np.vdot(gradient, gradient))
        step = gradient / (self.squares**0.5 + 1e-12)
        self.state["point"] = self.domain.project(self.state["point"] - step)
