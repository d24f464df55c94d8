"""Anything that can be applied to a decision, as a metric."""

from __future__ import annotations

from typing import Any

import numpy as np

from oco.errors import DomainError
from oco.metrics.base import DENSE_LIMIT, Metric
from oco.metrics.dense import Dense
from oco.types import Shape


def as_metric(given: Any, shape: Shape) -> Metric:
    """``given``, or the matrix of an object that can only be applied.

    Parameters
    ----------
    given
        A `Metric`, or any object with a method ``apply(decision)``, linear, symmetric and positive semidefinite.
    shape
        Shape of a decision.

    Returns
    -------
    Metric
        ``given`` where it is one; else `Dense`, from d applications to unit vectors and a decomposition in O(d^3).

    Raises
    ------
    DomainError
        If it has no ``apply``, if a decision has more than 1,500 entries, or if the operator is not symmetric and
        positive semidefinite.

    Examples
    --------
    >>> class Doubled:
    ...     def apply(self, decision):
    ...         return 2.0 * decision
    >>> as_metric(Doubled(), (3,)).largest
    2.0
    """
    if isinstance(given, Metric):
        return given
    name, dimension = type(given).__name__, int(np.prod(shape))
    if not callable(getattr(given, "apply", None)):
        raise DomainError(f"A metric is an oco.metrics.Metric or has a method apply(decision), got {name}")
    if dimension > DENSE_LIMIT:
        raise DomainError(
            f"The metric {name} has only apply, which is enough for decisions of at most {DENSE_LIMIT} entries, got "
            f"{dimension}"
        )
    matrix = np.stack([np.asarray(given.apply(unit.reshape(shape))).ravel() for unit in np.eye(dimension)], axis=1)
    if matrix.shape != (dimension, dimension):
        raise DomainError(f"The metric {name} must give {dimension} entries for {dimension}, got {matrix.shape[0]}")
    metric = Dense.from_matrix(0.5 * (matrix + matrix.T))
    off = float(np.abs(metric.apply(np.eye(dimension)) - matrix).max())
    if off > 1e-12 * dimension * float(np.abs(matrix).max()):
        raise DomainError(f"The metric {name} is not symmetric and positive semidefinite: it is off by {off:.1e}")
    return metric
