"""The ball of matrices in the spectral norm."""

from __future__ import annotations

import numpy as np

from oco.decomposition import thin_svd
from oco.domains._spectral_newton import project_on_spectral_ball
from oco.domains._vectors import ROUNDING, unknown_norm
from oco.domains.base import Domain
from oco.errors import DomainError
from oco.metrics import Metric, as_metric
from oco.types import Array, Shape


class SpectralBall(Domain):
    """Matrices whose singular values are bounded: ``{X : |X|_op <= radius}``.

    Parameters
    ----------
    radius
        Positive and finite.
    shape
        ``(m, n)``; left to `with_shape` where not given.

    Notes
    -----
    The Euclidean projection clips the singular values, O(mn min(m, n)). In other metrics (on the rows laid end to end)
    Newton's method is used, in the coupling of the metric. If the metric is singular or badly conditioned, a method of
    multipliers finishes the work: O(k^2 mn) a step for a low-rank metric, else O((mn)^3) for at most 1,500 entries.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import SpectralBall
    >>> SpectralBall(1.0, shape=(2, 2)).project(np.array([[3.0, 0.0], [0.0, 0.5]]))
    array([[1. , 0. ],
           [0. , 0.5]])
    """

    name = "spectral_ball"
    axes = (2,)

    def __init__(self, radius: float = 1.0, shape: Shape | None = None) -> None:
        if not (np.isfinite(radius) and radius > 0):
            raise DomainError(f"The radius of SpectralBall must be positive and finite, got {radius}")
        self._radius = float(radius)
        if shape is not None:
            self._check_shape(tuple(shape))
            self._shape = tuple(shape)

    @property
    def start(self) -> Array:
        """The zero matrix."""
        return np.zeros(self.shape)

    def contains(self, point: Array, tolerance: float = 1e-9) -> bool:
        """Whether the largest singular value is at most ``(1 + tolerance) radius``."""
        singular = np.linalg.svd(self._checked(point), compute_uv=False)
        return bool(singular[0] <= self._radius * (1.0 + tolerance))

    def project(self, point: Array) -> Array:
        """Euclidean projection: ``U min(S, radius) V'`` where ``U S V'`` is the point."""
        point = self._checked(point)
        left, singular, right = thin_svd(point)
        if singular[0] <= self._radius:
            return point.copy()
        clipped: Array = (left * np.minimum(singular, self._radius)) @ right
        return clipped

    def project_in(self, point: Array, metric: Metric) -> Array:
        """Projection in the norm of ``metric``; see the notes of the class for the method and the cost."""
        point = self._checked(point)
        if self.contains(point, ROUNDING):
            return point.copy()
        metric = as_metric(metric, self.shape)
        if metric.isotropic or metric.largest == 0.0:
            return self.project(point)
        return project_on_spectral_ball(self, point, metric, self._radius)

    def support(self, direction: Array) -> float:
        """``radius`` times the sum of the singular values of the direction."""
        return self._radius * float(np.linalg.svd(self._checked(direction), compute_uv=False).sum())

    def maximizer(self, direction: Array) -> Array:
        """``radius U V'`` where ``U S V'`` is the direction."""
        left, _, right = thin_svd(self._checked(direction))
        farthest: Array = self._radius * (left @ right)
        return farthest

    def diameter(self, norm: str = "l2") -> float:
        """``2 radius`` in spectral and linf norm, ``2 radius sqrt(r)`` in l2, ``2 radius sqrt(r mn)`` in l1.

        Here ``r = min(m, n)``. In l1 that is an upper bound, attained where a matrix of signs has orthogonal rows.
        """
        return 2.0 * self.radius(norm)

    def radius(self, norm: str = "l2") -> float:
        """Half the diameter."""
        rows, columns = self.shape
        rank = min(rows, columns)
        factors = {"spectral": 1.0, "linf": 1.0, "l2": np.sqrt(rank), "l1": np.sqrt(rank * rows * columns)}
        if norm not in factors:
            raise unknown_norm(norm)
        return self._radius * float(factors[norm])
