"""Least squares by a triangular factor: what learners of squared losses hold in place of a matrix and its moments."""

from __future__ import annotations

import numpy as np
import scipy  # its parts are loaded when they are first used

from oco.domains.base import Domain
from oco.learners._newton import add_outer_product
from oco.metrics import Dense
from oco.types import Array


def first_factor(dimension: int, ridge: float) -> Array:
    """The factor ``(d + 1, d + 1)`` of ``A = ridge I`` and moments of zero.

    It is upper-triangular: R with ``R'R = A``, and beside it z with ``R'z = sum y_s a_s``; its last row is scratch. No
    squares of rows or labels are kept, so that rows may be of any length.
    """
    return np.diag(np.append(np.full(dimension, np.sqrt(ridge)), 0.0))


def add_row(factor: Array, row: Array, target: float) -> None:
    """Add a row with its label, in O(d^2)."""
    add_outer_product(factor, np.append(np.asarray(row, dtype=np.float64), target))


def add_target(factor: Array, row: Array, target: float) -> None:
    """Add ``target row`` to the moments, for a row that is in A already, in O(d^2)."""
    moments = factor[:-1, -1]
    moments += target * scipy.linalg.solve_triangular(factor[:-1, :-1], row, trans="T", check_finite=False)


def constrained_solution(factor: Array, domain: Domain) -> Array:
    """The point of the domain that is nearest to ``A^{-1} sum y_s a_s`` in the norm of A; O(d^3) if it projects."""
    root = factor[:-1, :-1]
    target: Array = scipy.linalg.solve_triangular(root, factor[:-1, -1], check_finite=False)
    if np.isfinite(target).all() and not domain.contains(target, tolerance=0.0):
        scaled = root / np.max(np.abs(root))  # so that squares of huge rows do not overflow
        target = domain.project_in(target, Dense.from_matrix(scaled.T @ scaled))
    return target


def log_determinant(factor: Array, ridge: float) -> float:
    """``ln det(A / ridge)``."""
    return float(2.0 * np.sum(np.log(np.abs(np.diag(factor)[:-1]) / np.sqrt(ridge))))


def comparator_norm(domain: Domain, comparator_distance: float) -> float:
    """The largest norm of a point, or that of the comparator found if the domain is unbounded; NaN if not known."""
    if domain.bounded:
        return domain.radius()
    return float("nan") if np.any(domain.start) else comparator_distance
