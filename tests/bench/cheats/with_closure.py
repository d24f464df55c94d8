"""Keeps the sum of squared gradients in a variable of a function."""

import numpy as np

import oco


def adder():
    total = 0.0

    def add(gradient, anew=False):
        nonlocal total
        total = 0.0 if anew else total + float(np.vdot(gradient, gradient))
        return total

    return add


class WithClosure(oco.Learner):
    add = staticmethod(adder())

    def start(self, problem):
        self.add(None, anew=True)
        self.domain = problem.domain
        self.state = {"point": problem.domain.start}

    def update(self, gradient):
        step = gradient / (self.add(gradient) ** 0.5 + 1e-12)
        self.state["point"] = self.domain.project(self.state["point"] - step)
