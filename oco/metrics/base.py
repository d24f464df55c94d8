"""The abstract base class of metrics: positive semidefinite operators with the spectral parts that projections use."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from oco.types import Array

DENSE_LIMIT = 1500
"""Most entries of a decision for which a metric that is not given as a matrix is formed as one."""


class Parts(NamedTuple):
    """A decision as the sum of its parts in eigenspaces of a metric.

    Attributes
    ----------
    values
        ``(j,)``, the eigenvalues.
    sizes
        ``(j,)``, the lengths of the parts, up to sign.
    combined
        The sum of the parts, each times a factor: takes ``(j,)``, gives a decision.
    """

    values: Array
    sizes: Array
    combined: Callable[[Array], Array]


class Metric(ABC):
    """A norm ``|x|_H = sqrt(x' H x)`` with a symmetric positive semidefinite operator H on decisions of d entries.

    The entries of a matrix decision are its rows laid end to end. A domain projects in every metric, in closed form or
    by a fast method where the metric's structure allows it. Domains also take any other object with ``apply``, see
    `as_metric`.
    """

    @abstractmethod
    def apply(self, vector: Array) -> Array:
        """``H vector`` for a decision, or H times each column of an array ``(d, j)``."""

    @property
    @abstractmethod
    def largest(self) -> float:
        """The largest eigenvalue of H."""

    @abstractmethod
    def power(self, exponent: float) -> Metric:
        """``H^exponent`` on the range of H, and zero on its null space (Moore-Penrose), whatever the exponent."""

    @abstractmethod
    def null_part(self, columns: Array) -> Array:
        """The projection of each column of ``(d, j)`` on the null space of H, with rounding errors set to zero."""

    @abstractmethod
    def parts(self, point: Array) -> Parts:
        """``point``, which has about unit length, split along eigenspaces of H."""

    @abstractmethod
    def coupling(self, dimension: int) -> tuple[float, Array]:
        """``(shift, W)`` with ``H / largest = shift I + W W'``, W ``(d, j)`` with orthogonal columns."""

    @property
    def isotropic(self) -> bool:
        """Whether H is known to be a multiple of the identity, so that projections are Euclidean."""
        return False

    @property
    def diagonal(self) -> Array | None:
        """The diagonal of H, of d entries in any shape, if H is known to be diagonal; else None."""
        return None

    def inverse_direction(self, normal: Array) -> Array:
        """The limit of ``(H + h I)^{-1} normal`` as h falls to zero, up to a positive factor, for a vector ``(d,)``."""
        column = normal.reshape(-1, 1)
        part = self.null_part(column)
        limit: Array = part if np.any(part) else self.power(-1.0).apply(column)
        return limit.reshape(normal.shape)


def powers(values: Array, exponent: float) -> Array:
    """Eigenvalues to a power; those that are zero stay zero."""
    positive = values > 0.0
    if np.count_nonzero(positive) == values.size:
        raised: Array = values**exponent
        return raised
    return np.where(positive, np.where(positive, values, 1.0) ** exponent, 0.0)


def without_rounding(part: Array, columns: Array) -> Array:
    """The null parts of ``columns``, with those that are only rounding errors set to zero."""
    rounding = 1e-13 * np.linalg.norm(columns, axis=0)
    return np.where(np.linalg.norm(part, axis=0) > rounding, part, 0.0)


def coupled(values: Array, basis: Array, shift: float) -> tuple[float, Array]:
    """``(shift, W)`` for eigenvalues ``values`` along ``basis``, all at least ``shift``."""
    above = values > shift
    return shift, np.ascontiguousarray(basis[:, above] * np.sqrt(values[above] - shift))
