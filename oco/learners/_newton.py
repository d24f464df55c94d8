"""The step of second-order learners that hold their whole matrix: ``A += w g g'``, ``x <- Pi_A(x - A^{-1} g)``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded when they are first used

from oco.compile import kernel
from oco.domains.base import Domain
from oco.learners.base import Memory
from oco.metrics import Dense
from oco.types import Array


@kernel
def add_outer_product(factor: Array, vector: Array) -> None:
    """Turn the upper-triangular R of ``A = R'R`` into that of ``A + v v'`` by Givens rotations; overwrites both."""
    for i in range(vector.size):
        length = np.hypot(factor[i, i], vector[i])
        if length == 0.0:
            continue
        cosine, sine = factor[i, i] / length, vector[i] / length
        factor[i, i] = length
        for j in range(i + 1, vector.size):
            above = factor[i, j]
            factor[i, j] = cosine * above + sine * vector[j]
            vector[j] = cosine * vector[j] - sine * above


@dataclass
class NewtonState:
    """``factor`` is the upper-triangular R with ``R'R = A_t``."""

    point: Array
    factor: Array
    round: int

    @classmethod
    def first(cls, domain: Domain, ridge: float) -> NewtonState:
        """The domain's start and ``A_0 = ridge I``."""
        return cls(domain.start, np.sqrt(ridge) * np.eye(domain.dimension), 0)

    def step(self, domain: Domain, gradient: Array, weight: float) -> None:
        """``A_t = A_{t-1} + weight g g'``, ``x_{t+1} = Pi^{A_t}(x_t - A_t^{-1} g)``: O(d^2), O(d^3) to project."""
        flat = gradient.ravel()
        add_outer_product(self.factor, np.sqrt(weight) * flat)
        step = scipy.linalg.cho_solve((self.factor, False), flat, check_finite=False)
        target = self.point - step.reshape(self.point.shape)
        if not domain.contains(target, tolerance=0.0):
            target = domain.project_in(target, Dense.from_matrix(self.factor.T @ self.factor))
        self.point = target

    def log_determinant(self, ridge: float) -> float:
        """``ln det(A_t / ridge)``."""
        diagonal = np.abs(np.diag(self.factor))
        return float(2.0 * np.sum(np.log(diagonal / np.sqrt(ridge))))


def newton_memory(domain: Domain) -> Memory:
    """``d^2 + d + 1``: the factor, the point, the round."""
    dimension = domain.dimension
    return Memory("d^2 + d + 1", dimension**2 + dimension + 1)
