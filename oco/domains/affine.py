"""Affine slices: decisions that satisfy linear equations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from oco.decomposition import thin_svd
from oco.domains._vectors import euclidean_norm, unknown_norm
from oco.domains.base import Domain, require_inside
from oco.errors import DomainError
from oco.metrics import Metric, as_metric
from oco.numbers import real_numbers
from oco.types import Array

if TYPE_CHECKING:
    from oco.domains._region import Region

CLOSE, PASSES = 1e-12, 12
"""Distance from the slice, relative to the point, at which corrections stop, and their number; each gains 1e15."""
RANK = 1e-12
"""Relative size below which a singular value of the equations is zero."""


class AffineSlice(Domain):
    """Solutions of linear equations: ``{x : A x = b}``.

    Parameters
    ----------
    matrix
        A, ``(r, d)``; equations may repeat, but must have a solution.
    right_side
        b, ``(r,)``.

    Notes
    -----
    In the metric H the projection of y is ``y - H^{-1} A' (A H^{-1} A')^{-1} (A y - b)``, found by least squares with
    ``A H^{-1/2}``: O(d r^2) after O(drk) for a low-rank metric and O(d^2 r) for a dense one. If H is singular, the
    equations are first satisfied as far as possible within its null space, which costs nothing in the limit.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.domains import AffineSlice
    >>> AffineSlice(np.array([[1.0, 1.0, 0.0]]), np.array([2.0])).project(np.array([2.0, 2.0, 5.0]))
    array([1., 1., 5.])
    """

    name = "affine"

    def __init__(self, matrix: ArrayLike, right_side: ArrayLike) -> None:
        equations = np.atleast_2d(np.array(real_numbers(matrix, "the matrix of AffineSlice"), dtype=np.float64))
        heights = real_numbers(right_side, "the right side of AffineSlice")
        values = np.atleast_1d(np.array(heights, dtype=np.float64))
        if equations.ndim != 2 or values.shape != equations.shape[:1] or equations.shape[1] < 1:
            raise DomainError(
                f"AffineSlice takes a matrix (r, d) and a right side (r,), got {equations.shape} and {values.shape}"
            )
        if not (np.isfinite(equations).all() and np.isfinite(values).all()):
            raise DomainError("The equations of AffineSlice have an entry that is not finite")
        self._matrix, self._right_side = equations, values
        self._shape = (equations.shape[1],)
        left, singular, right = thin_svd(equations)
        kept = singular > RANK * singular.max(initial=0.0)
        # The same slice with orthonormal rows.
        self._rows = np.ascontiguousarray(right[kept])
        self._heights = (left[:, kept].T @ values) / singular[kept]
        left_over = values - equations @ (self._rows.T @ self._heights)
        scale = float(np.abs(values).max(initial=0.0))
        if euclidean_norm(left_over) > 1e-9 * scale:
            raise DomainError(
                "The equations of AffineSlice have no solution: the best point misses one of them by "
                f"{np.abs(left_over).max():.1e}"
            )

    @property
    def start(self) -> Array:
        """The solution closest to the origin."""
        start: Array = self._rows.T @ self._heights
        return start

    def contains(self, point: Array, tolerance: float = 1e-9) -> bool:
        """Whether the distance to the slice is at most ``tolerance`` times the norm of the point or of the start."""
        point = self._checked(point)
        distance = euclidean_norm(self._rows @ point - self._heights)
        return distance <= tolerance * max(euclidean_norm(point), euclidean_norm(self._heights))

    def project(self, point: Array) -> Array:
        """Euclidean projection: ``y - A^+ (A y - b)``, in O(rd)."""
        projected = self._checked(point)
        if len(self._rows) == self.dimension:
            return self.start
        for _ in range(PASSES):
            # The second pass removes rounding errors; a distant point needs more passes.
            misses = self._rows @ projected - self._heights
            projected = projected - self._rows.T @ misses
            if euclidean_norm(misses) <= CLOSE * max(euclidean_norm(projected), euclidean_norm(self._heights)):
                break
        return projected

    def project_in(self, point: Array, metric: Metric) -> Array:
        """Projection in the norm of ``metric``; see the notes of the class for the formula and the cost."""
        point = self._checked(point)
        if len(self._rows) == self.dimension:
            return self.start
        misses = self._rows @ point - self._heights
        if not np.any(misses):
            return point.copy()
        metric = as_metric(metric, self.shape)
        null_rows = metric.null_part(self._rows.T)
        unmet = np.eye(len(misses))
        if np.any(null_rows):
            left, singular, _ = thin_svd(null_rows.T)
            unmet = left[:, int(np.sum(singular > RANK)) :].T
        half_inverse = metric.power(-0.5)
        half = half_inverse.apply(self._rows.T @ unmet.T)
        # Rows of very different lengths would cost digits in the least squares problem.
        lengths = np.linalg.norm(half, axis=0)
        projected = point
        for done in range(PASSES):
            # The second pass removes rounding errors; a distant point needs more passes.
            misses = self._rows @ projected - self._heights
            if done > 1 and euclidean_norm(misses) <= CLOSE * max(
                euclidean_norm(projected), euclidean_norm(self._heights)
            ):
                break
            if len(unmet) > 0:
                solution = np.linalg.lstsq((half / lengths).T, unmet @ misses / lengths, rcond=None)[0]
                projected = projected - half_inverse.apply(solution)
            if np.any(null_rows):
                misses = self._rows @ projected - self._heights
                solution = np.linalg.lstsq(null_rows.T, misses, rcond=RANK)[0]
                projected = projected - metric.null_part(solution[:, None])[:, 0]
        return require_inside(self, projected)

    def as_region(self) -> Region | None:
        """The equations with orthonormal rows; None for a subclass, which may project elsewhere."""
        from oco.domains._region import SLICE, products

        return products(SLICE, self._rows, self._heights, self._heights) if type(self) is AffineSlice else None

    def support(self, direction: Array) -> float:
        """``<direction, start>`` where the direction is in the row space of A; infinite elsewhere."""
        direction = self._checked(direction)
        coordinates = self._rows @ direction
        if euclidean_norm(direction - self._rows.T @ coordinates) > RANK * euclidean_norm(direction):
            return float("inf")
        return float(coordinates @ self._heights)

    def maximizer(self, direction: Array) -> Array:
        """The start, where `support` is finite; `DomainError` elsewhere."""
        if not np.isfinite(self.support(direction)):
            raise DomainError("AffineSlice has no farthest point in a direction in which it is unbounded")
        return self.start

    def diameter(self, norm: str = "l2") -> float:
        """Infinity, or zero where the solution is unique."""
        if norm not in ("l1", "l2", "linf"):
            raise unknown_norm(norm)
        return 0.0 if len(self._rows) == self.dimension else float("inf")

    def radius(self, norm: str = "l2") -> float:
        """Infinity, or the norm of the solution where it is unique."""
        orders = {"l1": 1, "l2": 2, "linf": np.inf}
        return float(np.linalg.norm(self.start, orders[norm])) if self.diameter(norm) == 0.0 else float("inf")
