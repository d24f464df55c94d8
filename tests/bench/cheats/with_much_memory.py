"""Takes ten gigabytes."""

import numpy as np

import oco


class WithMuchMemory(oco.Learner):
    def start(self, problem):
        self.domain = problem.domain
        self.table = np.ones(10 << 27)
        self.state = {"point": problem.domain.start}

    def update(self, gradient):
        self.state["point"] = self.domain.project(self.state["point"] - 0.1 * gradient)
