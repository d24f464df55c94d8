"""Small helpers that every domain uses: norms that do not overflow, and the names of norms."""

from __future__ import annotations

import math

import numpy as np

from oco.errors import DomainError
from oco.types import Array, Shape

ROUNDING = 4e-15
"""How far outside, relative to the domain's size, rounding may leave a projection; such a point is not moved again."""


def euclidean_norm(array: Array) -> float:
    """``|array|_2`` of all entries, also where their squares overflow or vanish."""
    flat = array.ravel()
    squared = float(np.vdot(flat, flat))  # no warning of overflow, unlike the operator @
    if 1e-280 < squared < 1e280:
        return math.sqrt(squared)
    largest = float(np.max(np.abs(flat), initial=0.0))
    if largest == 0.0 or not np.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm(flat / largest))


def norm_of(array: Array, norm: str) -> float:
    """``"l1"``, ``"l2"`` or ``"linf"`` of all entries, or ``"spectral"`` of a matrix."""
    if norm == "l2":
        return euclidean_norm(array)
    if norm == "l1":
        return float(np.abs(array).sum())
    if norm == "linf":
        return float(np.abs(array).max())
    if norm == "spectral" and array.ndim == 2:
        return float(np.linalg.svd(array, compute_uv=False)[0])
    raise unknown_norm(norm)


def largest_norm_in_unit_ball(shape: Shape, norm: str) -> float:
    """Largest ``norm`` of a point of ``shape`` with l2 norm one."""
    if norm == "l1":
        return float(np.sqrt(np.prod(shape)))
    if norm in ("l2", "linf") or (norm == "spectral" and len(shape) == 2):
        return 1.0
    raise unknown_norm(norm)


def unknown_norm(norm: str) -> DomainError:
    """The error for a norm that is not known, or not defined for vectors."""
    return DomainError(f"norm must be 'l1', 'l2', 'linf', or 'spectral' on matrices, got {norm!r}")
