"""The tuning of one optimizer on one task: a descent on a grid, with the same number of trials for everyone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Point(NamedTuple):
    """A point of the grid."""

    rate: int  # half powers of two times the rate that the search starts from
    second: int  # place in the list of values of the second option, such as beta2
    rest: int  # powers of four times the factor of embeddings, last layers and vectors that the search starts from


AXES = (
    (Point(2, 0, 0), Point(-2, 0, 0)),
    (Point(0, 1, 0), Point(0, -1, 0)),
    (Point(0, 0, 1), Point(0, 0, -1)),
)
"""Twice and half the rate, the neighbors of the second option, four times and a quarter of the factor of the rest."""
BETWEEN = (Point(1, 0, 0), Point(-1, 0, 0))


def next_point(losses: Mapping[Point, float], start: Point, values: int, trials: int) -> Point | None:
    """The point to try next: descent along one axis of the grid after the other.

    An axis is followed from the best point so far until that has worse neighbors on both sides, so the rate is widened
    until the best one is inside. When no axis has anything new, rates half-way to the neighbors are tried. None when
    ``trials`` points were tried, or nothing is left. The search is replayed from the losses that are known.
    """
    best, tried, axis, idle = start, {start}, 0, 0
    if start not in losses:
        return start
    while len(tried) < trials:
        moves = AXES[axis % len(AXES)] if idle < len(AXES) else BETWEEN
        new = [point for move in moves if _valid(point := _moved(best, move), values) and point not in tried]
        if new:
            if new[0] not in losses:
                return new[0]
            tried.add(new[0])
            idle = 0
            if losses[new[0]] < losses[best]:
                best = new[0]
        elif idle > len(AXES):
            return None
        else:
            axis, idle = axis + 1, idle + 1
    return None


def _moved(point: Point, move: Point) -> Point:
    return Point(*(a + b for a, b in zip(point, move, strict=True)))


def _valid(point: Point, values: int) -> bool:
    return 0 <= point.second < values


def best_point(losses: Mapping[Point, float]) -> Point:
    """The point of the least loss, the first that was tried where several have it."""
    return min(losses, key=losses.__getitem__)


def inside(losses: Mapping[Point, float]) -> bool:
    """Whether the best rate lies between rates that were tried."""
    rates = [point.rate for point in losses]
    return min(rates) < best_point(losses).rate < max(rates)


def hyperparameters(optimizer: Mapping[str, Any], point: Point) -> dict[str, Any]:
    """The learning rate, the options and the options of the rest at a point, as `TrainingRun` takes them."""
    second: Sequence[Any] = optimizer["second"]["values"]
    options = dict(optimizer.get("options", {})) | {optimizer["second"]["option"]: second[point.second]}
    factor = optimizer.get("factor", 1.0) * 4.0**point.rest
    rest = dict(optimizer.get("rest", {})) | {"factor": factor}
    return {"learning_rate": optimizer["rate"] * 2.0 ** (point.rate / 2), "options": options, "rest": rest}
