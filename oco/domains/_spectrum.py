"""What projections need of a metric besides ``apply``: powers, null space, and the form ``shift I + W W'``."""

from __future__ import annotations

import numpy as np

from oco.domains.metrics import Dense, Diagonal, Kronecker, LowRankPlusScaledIdentity, Metric, ScaledIdentity
from oco.errors import DomainError
from oco.types import Array

DENSE_LIMIT = 1500
"""Most entries for which a matrix of the size of a metric is formed that is not given as one."""


def apply_to_both(metric: Metric, first: Array, second: Array) -> tuple[Array, Array]:
    """H times two points of the same shape, with one reading of H."""
    if not isinstance(metric, (LowRankPlusScaledIdentity, Dense)):
        return metric.apply(first), metric.apply(second)
    products = metric.apply(np.stack([first.ravel(), second.ravel()], axis=1))
    return products[:, 0].reshape(first.shape), products[:, 1].reshape(first.shape)


def pseudo_power(metric: Metric, exponent: float, columns: Array) -> Array:
    """``H^exponent columns`` on the range of H, and zero on its null space."""

    def powers(values: Array) -> Array:
        return np.where(values > 0.0, np.where(values > 0.0, values, 1.0) ** exponent, 0.0)

    if isinstance(metric, Kronecker):
        metric = laid_out(metric)
    if isinstance(metric, ScaledIdentity):
        result: Array = float(powers(np.array(metric.scale))) * columns
    elif isinstance(metric, Diagonal):
        result = (powers(metric.weights.ravel()) * columns.T).T
    elif isinstance(metric, (Dense, LowRankPlusScaledIdentity)):
        coordinates = metric.basis.T @ columns
        result = metric.basis @ (powers(metric.values) * coordinates.T).T
        if isinstance(metric, LowRankPlusScaledIdentity) and metric.complement > 0.0:
            result += metric.complement**exponent * (columns - metric.basis @ coordinates)
    else:
        raise not_supported(metric)
    return result


def null_part(metric: Metric, columns: Array) -> Array:
    """The projection of ``columns`` on the null space of H; what is only rounding is zero."""
    if isinstance(metric, Kronecker):
        metric = laid_out(metric)
    if isinstance(metric, ScaledIdentity):
        return np.zeros_like(columns) if metric.scale > 0.0 else columns
    if isinstance(metric, Diagonal):
        zero: Array = ((metric.weights.ravel() == 0.0) * columns.T).T
        return zero
    if not isinstance(metric, (Dense, LowRankPlusScaledIdentity)):
        raise not_supported(metric)
    null = metric.values == 0.0
    part: Array = metric.basis[:, null] @ (metric.basis[:, null].T @ columns)
    if isinstance(metric, LowRankPlusScaledIdentity) and metric.complement == 0.0:
        rest = columns - metric.basis @ (metric.basis.T @ columns)
        # Once more: where little is left of the columns, little of it is right.
        part = part + rest - metric.basis @ (metric.basis.T @ rest)
    rounding = 1e-13 * np.linalg.norm(columns, axis=0)
    return np.where(np.linalg.norm(part, axis=0) > rounding, part, 0.0)


def inverse_direction(metric: Metric, normal: Array) -> Array:
    """The limit of ``(H + h I)^{-1} normal`` as h falls to zero, up to a positive factor."""
    part = null_part(metric, normal)
    return part if np.any(part) else pseudo_power(metric, -1.0, normal)


def coupling(metric: Metric, dimension: int) -> tuple[float, Array]:
    """``(shift, W)`` with ``H / largest = shift I + W W'``, W ``(d, j)`` and its columns orthogonal."""
    if isinstance(metric, Kronecker):
        metric = laid_out(metric)
    if isinstance(metric, (ScaledIdentity, Diagonal)):
        values, basis, shift = np.ones(dimension), np.eye(dimension), 0.0
        if isinstance(metric, Diagonal):
            values = metric.weights.ravel() / metric.largest
            shift = float(values.min())
    elif isinstance(metric, LowRankPlusScaledIdentity) and metric.basis.shape[1] < dimension:
        values, basis, shift = metric.values / metric.largest, metric.basis, metric.complement / metric.largest
        if values.min(initial=np.inf) < shift:
            completed = np.linalg.qr(np.hstack([basis, np.eye(dimension)]))[0][:, basis.shape[1] :]
            basis = np.hstack([basis, completed])
            values = np.append(values, np.full(dimension - len(values), shift))
            shift = float(values.min())
    elif isinstance(metric, (Dense, LowRankPlusScaledIdentity)):
        values, basis = metric.values / metric.largest, metric.basis
        shift = float(values.min())
    else:
        raise not_supported(metric)
    coupled = values > shift
    return shift, np.ascontiguousarray(basis[:, coupled] * np.sqrt(values[coupled] - shift))


def laid_out(metric: Kronecker) -> Dense:
    """The same metric on the rows of a matrix laid end to end, for at most `DENSE_LIMIT` entries."""
    rows, columns = len(metric.left.values), len(metric.right.values)
    if rows * columns > DENSE_LIMIT:
        raise DomainError(
            f"Only balls in the Frobenius norm and Unbounded project in a Kronecker metric of more than {DENSE_LIMIT} "
            f"entries, got {rows} x {columns}"
        )
    left, right = metric.left.basis, metric.right.basis
    basis = np.einsum("ik,jl->ijkl", left, right).reshape(rows * columns, rows * columns)
    return Dense(basis, np.outer(metric.left.values, metric.right.values).ravel())


def not_supported(metric: Metric) -> DomainError:
    """The error for a metric in which a domain cannot project."""
    return DomainError(
        "The metric must be ScaledIdentity, Diagonal, LowRankPlusScaledIdentity or Dense here, got "
        f"{type(metric).__name__}"
    )
