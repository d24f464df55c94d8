"""One side of a matrix learner's preconditioner, sketched: what the sketched forms of Shampoo keep and step with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.domains.base import Domain
from oco.errors import ConfigError
from oco.learners.base import Learner
from oco.metrics import Kronecker, LowRankPlusScaledIdentity
from oco.sketching.batch import shrink
from oco.types import Array


@dataclass
class Side:
    """A rank-k sketch of one side's covariance and its escaped mass; eigenpairs beyond the rank in use are zero."""

    eigenvalues: Array
    eigenvectors: Array
    escaped_mass: float

    @classmethod
    def empty(cls, dimension: int, rank: int) -> Side:
        """A sketch of nothing with ``min(rank, dimension)`` directions."""
        rank = min(rank, dimension)
        return cls(np.zeros(rank), np.zeros((rank, dimension)), 0.0)

    @staticmethod
    def floats(dimension: int, rank: int) -> int:
        """``(d + 1) k + 1``."""
        return (dimension + 1) * min(rank, dimension) + 1

    def update(self, rows: Array, decay: float) -> None:
        """``(rho, Gbar) = FD-update(decay Gbar, rows' rows)``, and ``rho_sum = decay rho_sum + rho``."""
        used = int(np.count_nonzero(self.eigenvalues))
        values, vectors, escaped = shrink(
            self.eigenvalues[:used], self.eigenvectors[:used], rows, self.eigenvalues.size, decay
        )
        self.eigenvalues = np.zeros(self.eigenvalues.shape)
        self.eigenvectors = np.zeros(self.eigenvectors.shape)
        self.eigenvalues[: values.size] = values
        self.eigenvectors[: values.size] = vectors
        self.escaped_mass = decay * self.escaped_mass + escaped

    def metric(self, delta: float) -> LowRankPlusScaledIdentity:
        """``Gbar + (rho + delta) I``."""
        used = int(np.count_nonzero(self.eigenvalues))
        shift = self.escaped_mass + delta
        return LowRankPlusScaledIdentity(self.eigenvectors[:used].T, self.eigenvalues[:used] + shift, shift)


def preconditioned(
    left: LowRankPlusScaledIdentity, right: LowRankPlusScaledIdentity, matrix: Array, exponent: float
) -> Array:
    """``left^exponent matrix right^exponent``."""
    return right.power(exponent).apply(left.power(exponent).apply(matrix).T).T


def projected(
    domain: Domain,
    target: Array,
    left: LowRankPlusScaledIdentity,
    right: LowRankPlusScaledIdentity,
    exponent: float,
) -> Array:
    """Projection in the norm of ``(left (x) right)^exponent``, spelled out only where the target lies outside."""
    if domain.contains(target, tolerance=0.0):
        return target
    return domain.project_in(target, Kronecker(left.power(exponent).dense(), right.power(exponent).dense()))


def omega(falling: Array, rank: int) -> float:
    """``min_{j <= k} (sum of all but the top j eigenvalues) / (k + 1 - j)``: Lemma 1's bound on the escaped mass."""
    return min(float(np.sum(falling[j:])) / (rank + 1 - j) for j in range(rank + 1))


def checked_decay(learner: Learner, decay: float) -> float:
    """``decay`` if it lies in (0, 1]; `ConfigError` otherwise."""
    if 0.0 < decay <= 1.0:
        return float(decay)
    raise ConfigError(f"decay of {type(learner).__name__} must lie in (0, 1], got {decay!r}")
