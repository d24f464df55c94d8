"""Solutions of lesson 5; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np

import oco


def full_matrix_bound():
    return np.sqrt(2.0) * 2.0 * np.sqrt(1e4 / np.arange(1.0, 51.0) ** 2).sum()


def best_geometry(matrix):
    # Equality in Cauchy-Schwarz: H is proportional to the root of G.
    return root(matrix) / np.trace(root(matrix))  # noqa: F821  (root is the lesson's)


class MyFullMatrixAdaGrad(oco.Learner):
    def __init__(self, learning_rate=0.5):
        self.learning_rate = learning_rate

    def start(self, problem):
        self.domain = problem.domain
        d = problem.domain.dimension
        self.state = {"point": problem.domain.start, "covariance": np.zeros((d, d))}

    def update(self, gradient):
        self.state["covariance"] = self.state["covariance"] + np.outer(
            gradient, gradient
        )
        values, vectors = np.linalg.eigh(self.state["covariance"])
        kept = values > 1e-12 * values[-1]
        roots = np.sqrt(values[kept])
        step = vectors[:, kept] @ ((vectors[:, kept].T @ gradient) / roots)
        metric = oco.domains.Dense.from_matrix(
            (vectors[:, kept] * roots) @ vectors[:, kept].T
        )
        self.state["point"] = self.domain.project_in(
            self.state["point"] - self.learning_rate * step, metric
        )


_roots = np.sqrt(1e4 / np.arange(1.0, 51.0) ** 2)

WRONG = {  # common wrong answers and their hints, for write_digests.py
    "5.1": {
        2.0 * _roots.sum(): "the factor sqrt(2) is missing",
        2.0**0.5 * _roots.sum(): "the diameter is missing",
        2.0 * 2.0 * _roots.sum(): "the factor is sqrt(2), not 2",
        2.0
        * 2.0**0.5
        * (_roots**2).sum(): "the bound has the trace of the root of G, not of G",
        2.0
        * 2.0**0.5
        * np.sqrt(
            (_roots**2).sum()
        ): "take the roots of the eigenvalues first, then add them",
    },
}
