"""Keeps the sum of squared gradients in its class."""

import numpy as np

import oco


class WithClassAttribute(oco.Learner):
    squares = 0.0

    def start(self, problem):
        type(self).squares = 0.0
        self.domain = problem.domain
        self.state = {"point": problem.domain.start}

    def update(self, gradient):
        type(self).squares += float(np.vdot(gradient, gradient))
        step = gradient / (self.squares**0.5 + 1e-12)
        self.state["point"] = self.domain.project(self.state["point"] - step)
