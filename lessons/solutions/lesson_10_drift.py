"""Solutions of lesson 10; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np

import oco


def step_for_drift():
    return np.sqrt((2.0**2 + 2.0 * 2.0 * 6.0) / 10_000)


class Restarted(oco.Learner):
    def __init__(self, period=500):
        self.period = period

    def start(self, problem):
        self.domain = problem.domain
        self.rate = problem.domain.diameter() / (problem.gradient_bound or 1.0)
        self.state = {"point": problem.domain.start, "round": 0}

    def update(self, gradient):
        self.state["round"] = self.state["round"] % self.period + 1
        step = self.rate / np.sqrt(self.state["round"])
        self.state["point"] = self.domain.project(self.state["point"] - step * gradient)
