"""Solutions of lesson 12; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np

import oco


def examples_needed(diameter, gradient_bound, excess):
    # D L / sqrt(T) = excess.
    return (diameter * gradient_bound / excess) ** 2


def certified_risk(loss, rounds, delta):
    return loss / rounds + np.sqrt(2.0 * np.log(1.0 / delta) / rounds)


class Anytime(oco.Learner):
    def start(self, problem):
        self.domain = problem.domain
        bound = problem.gradient_bound or 1.0
        self.rate = problem.domain.diameter() / (bound * np.sqrt(problem.horizon))
        start = problem.domain.start
        self.state = {"point": start, "hidden": start, "round": 1}

    def update(self, gradient):
        state = self.state
        state["round"] += 1
        state["hidden"] = self.domain.project(state["hidden"] - self.rate * gradient)
        state["point"] = (
            state["point"] + (state["hidden"] - state["point"]) / state["round"]
        )


_ratio = 3.0 * 1.7 / 0.07
_mean, _logarithm = 0.3, np.log(20.0)

WRONG = {  # common wrong answers and their hints, for write_digests.py
    "12.1": {
        _ratio: "the excess falls with the root of T: take the square",
        (3.0 * 1.7) ** 2 / 0.07: "the excess enters squared too",
        2.25 * _ratio**2: "this is for the falling step, which has the factor 3/2",
        2.0 * _ratio**2: "this is for the adaptive step, which has the factor sqrt(2)",
        (3.0 / 0.07) ** 2: "the gradient bound is missing",
    },
    "12.2": {
        _mean: "this is the mean loss alone: what does chance add?",
        _mean
        - np.sqrt(2.0 * _logarithm / 2000): "the certificate lies above the mean loss",
        _mean
        + np.sqrt(
            _logarithm / 4000
        ): "the differences lie in [-1, 1], which is twice as long as [0, 1]",
        _mean + 2.0 * _logarithm / 2000: "the second term is a root",
        600.0
        + np.sqrt(
            2.0 * 2000 * _logarithm
        ): "this is for all rounds together: divide by T",
    },
}
