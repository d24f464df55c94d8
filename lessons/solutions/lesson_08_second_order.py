"""Solutions of lesson 8; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np

import oco


def newton_bound():
    return 0.5 * 1.0 + 10.0 / (2.0 * 0.5) * np.log(1.0 + 0.5 / 10.0 * 1000.0)


def updated_inverse(inverse, gradient, gamma):
    image = inverse @ gradient
    return inverse - gamma * np.outer(image, image) / (1.0 + gamma * (gradient @ image))


class MyNewtonStep(oco.Learner):
    def __init__(self, curvature=0.1, ridge=1.0):
        self.curvature, self.ridge = curvature, ridge

    def start(self, problem):
        self.domain = problem.domain
        identity = np.eye(problem.domain.dimension)
        self.state = {
            "point": problem.domain.start,
            "matrix": self.ridge * identity,
            "inverse": identity / self.ridge,
        }

    def update(self, gradient):
        state = self.state
        state["matrix"] = state["matrix"] + self.curvature * np.outer(
            gradient, gradient
        )
        state["inverse"] = updated_inverse(state["inverse"], gradient, self.curvature)
        moved = state["point"] - state["inverse"] @ gradient
        if not self.domain.contains(moved):
            moved = self.domain.project_in(
                moved, oco.domains.Dense.from_matrix(state["matrix"])
            )
        state["point"] = moved


WRONG = {  # common wrong answers and their hints, for write_digests.py
    "8.1": {
        10.0 * np.log(51.0): "the term of the starting point is missing",
        0.5 + 10.0 * np.log(501.0): "the sum of squares is shared by d eigenvalues",
        0.5 + 10.0 * np.log(101.0): "gamma is missing in the logarithm",
        1.0 + 10.0 * np.log(51.0): "the first term has the factor 1/2",
        0.5 + 20.0 * np.log(51.0): "the second term is divided by 2 gamma, which is 1",
    },
}
