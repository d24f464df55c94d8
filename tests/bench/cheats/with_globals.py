"""Keeps the sum of squared gradients in a global variable."""

import numpy as np

import oco

SQUARES = {"sum": 0.0}


class WithGlobals(oco.Learner):
    def start(self, problem):
        SQUARES["sum"] = 0.0
        self.domain = problem.domain
        self.state = {"point": problem.domain.start}

    def update(self, gradient):
        SQUARES["sum"] += float(np.vdot(gradient, gradient))
        step = gradient / (SQUARES["sum"] ** 0.5 + 1e-12)
        self.state["point"] = self.domain.project(self.state["point"] - step)
