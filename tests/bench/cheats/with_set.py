"""Keeps numbers in a set, which no snapshot can keep."""

import oco


class WithSet(oco.Learner):
    def start(self, problem):
        self.domain = problem.domain
        self.state = {"point": problem.domain.start, "seen": set()}

    def update(self, gradient):
        self.state["seen"].add(float(gradient.flat[0]))
        self.state["point"] = self.domain.project(self.state["point"] - 0.1 * gradient)
