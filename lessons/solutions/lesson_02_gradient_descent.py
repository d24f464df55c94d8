"""Solutions of lesson 2; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np

import oco


def best_constant_rate(diameter, squares):
    # The derivative -D^2 / (2 eta^2) + S / 2 is zero at eta = D / sqrt(S), where both terms are D sqrt(S) / 2.
    return diameter / np.sqrt(squares)


class MyGradientDescent(oco.Learner):
    def start(self, problem):
        self.domain = problem.domain
        self.rate = problem.domain.diameter() / (problem.gradient_bound or 1.0)
        self.state = {"point": problem.domain.start, "round": 0}

    def update(self, gradient):
        self.state["round"] += 1
        step = self.rate / np.sqrt(self.state["round"])
        self.state["point"] = self.domain.project(self.state["point"] - step * gradient)


def next_gradient(point, total):
    # Orthonormal vectors that span the space of both; what is left of the coordinate axis furthest from it will do.
    basis = []
    for vector in (np.asarray(point, dtype=float), np.asarray(total, dtype=float)):
        rest = vector - sum((vector @ unit) * unit for unit in basis)
        if np.linalg.norm(rest) > 1e-9 * max(1.0, np.linalg.norm(vector)):
            basis.append(rest / np.linalg.norm(rest))
    rests = [axis - sum((axis @ unit) * unit for unit in basis) for axis in np.eye(3)]
    longest = max(rests, key=np.linalg.norm)
    longest = longest - sum((longest @ unit) * unit for unit in basis)
    return longest / np.linalg.norm(longest)


WRONG = {  # common wrong answers and their hints, for write_digests.py
    "2.1": {
        3.0 / 50.0: "the derivative of D^2 / (2 eta) is -D^2 / (2 eta^2): take a root",
        3.0 / np.sqrt(100.0): "both terms have the factor 1/2, which cancels",
        9.0 / 50.0: "this is eta squared",
        3.0
        * np.sqrt(50.0): "this is the bound at the best rate: eta itself falls with S",
        np.sqrt(50.0) / 3.0: "this is upside down: long gradients ask for short steps",
    },
}
