"""Checks that a loss is convex and that its gradient is correct."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from oco.checks.failure import Check, bind, require
from oco.types import Array


def check_loss(loss: Any, points: Array) -> None:
    """Run every check on ``loss`` at ``points`` ``(n, *shape)``; raise `CheckFailed` at the first failure.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.losses import RowLoss, Squared
    >>> check_loss(RowLoss(Squared(), np.array([1.0, 2.0]), 0.5), np.random.default_rng(0).standard_normal((8, 2)))
    """
    for _, check in loss_checks(loss, points):
        check()


def loss_checks(loss: Any, points: Array) -> Iterator[tuple[str, Check]]:
    """Every check as ``(name, function)``; ``loss`` is anything with ``value`` and ``gradient``."""
    yield from bind(LOSS_CHECKS, loss, points)


def check_gradient_shape(loss: Any, points: Array) -> None:
    """The gradient has the point's shape, and neither call changes the point."""
    for point in points:
        given = point.copy()
        loss.value(given)
        gradient = np.asarray(loss.gradient(given))
        require(np.array_equal(given, point), "value or gradient changed the point that it was given")
        require(gradient.shape == point.shape, f"the gradient has shape {gradient.shape}, the point {point.shape}")


def check_subgradient(loss: Any, points: Array) -> None:
    """``f(y) >= f(x) + <g(x), y - x>`` for all pairs of points, as for every subgradient of a convex function."""
    values = [float(loss.value(point)) for point in points]
    for x, value in zip(points, values, strict=True):
        gradient = loss.gradient(x)
        for y, other in zip(points, values, strict=True):
            linear = value + float(np.vdot(gradient, y - x))
            slack = 1e-9 * (1.0 + abs(value) + abs(other))
            require(
                other >= linear - slack,
                f"the value {other:.6g} lies below the tangent {linear:.6g} taken at another point: the loss is not "
                "convex, or the gradient is not its gradient (a wrong sign or factor)",
            )


def check_gradient_by_differences(loss: Any, points: Array) -> None:
    """Along random directions the gradient agrees with central differences, away from kinks."""
    generator = np.random.default_rng(7)
    for point in points:
        direction = generator.standard_normal(point.shape)
        direction /= np.linalg.norm(direction)
        claimed = float(np.vdot(loss.gradient(point), direction))
        slopes = []
        for step in (1e-4, 1e-5):
            ahead, behind = loss.value(point + step * direction), loss.value(point - step * direction)
            slopes.append(float(ahead - behind) / (2.0 * step))
        if abs(slopes[0] - slopes[1]) > 1e-3 * (1.0 + abs(slopes[1])):
            continue  # a kink within the step, where differences prove nothing
        require(
            abs(claimed - slopes[1]) <= 1e-3 * (1.0 + abs(slopes[1])),
            f"the gradient's slope along a direction is {claimed:.6g}, differences of the value give {slopes[1]:.6g}",
        )


def check_midpoint_convexity(loss: Any, points: Array) -> None:
    """``f((x + y) / 2) <= (f(x) + f(y)) / 2``."""
    for x, y in zip(points[:-1], points[1:], strict=True):
        middle, ends = float(loss.value((x + y) / 2)), 0.5 * (float(loss.value(x)) + float(loss.value(y)))
        require(
            middle <= ends + 1e-9 * (1.0 + abs(ends)), f"a midpoint has value {middle:.6g} above the chord {ends:.6g}"
        )


LOSS_CHECKS: list[Callable[..., None]] = [
    check_gradient_shape,
    check_gradient_by_differences,
    check_midpoint_convexity,
    check_subgradient,
]
"""All checks of a loss."""
