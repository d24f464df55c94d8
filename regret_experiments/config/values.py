"""Values of a hyper-parameter: one, a list of alternatives, or a grid."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import Any

from oco.keywords import did_you_mean, listed

GRIDS = ("log_grid", "grid")
DOUBLING = "doubling"
"""``rank: doubling`` is 1, 2, 4, ... below the dimension, and the dimension less one."""
THEOREM = "theorem"
"""``learning_rate: theorem`` is the learning rate of the learner's theorem; the constructor gets None."""
MOST_POINTS = 10_000


def alternatives(key: str, given: Any, dimension: int | None = None) -> list[Any]:
    """Every value that ``given`` stands for, in order and without repetition.

    A list holds alternatives, each of which may be a grid; a value that is itself a list is written as a list in the
    list. A rank above ``dimension`` is the dimension, as it is for the learner. Raises ValueError with a sentence where
    ``given`` is malformed.

    Examples
    --------
    >>> alternatives("learning_rate", ["theorem", {"log_grid": {"low": 0.1, "high": 10, "points": 3}}])
    [None, 0.1, 1.0, 10.0]
    >>> alternatives("rank", "doubling", dimension=7)
    [1, 2, 4, 6]
    >>> alternatives("rank", [2, 80, 100], dimension=30)
    [2, 30]
    """
    if isinstance(given, list):
        if not given:
            raise ValueError("must have at least one value, got an empty list")
        values = [value for part in given for value in _one(key, part, dimension)]
    else:
        values = list(_one(key, given, dimension))
    unique: list[Any] = []
    for value in values:
        # 1, 1.0 and True are equal and must not be taken for repetitions of each other's kind.
        if not any(type(value) is type(other) and value == other for other in unique):
            unique.append(value)
    return unique


def tuned_names(hyperparameters: dict[str, Any], zipped: dict[str, Any], named: Iterable[str] = ()) -> tuple[str, ...]:
    """The hyper-parameters whose best value is looked for; every other one makes a row of its own in tables.

    They are the learning rate, what is given as a grid, what is ``named``, and what is zipped with one of these.

    Examples
    --------
    >>> tuned_names({"learning_rate": [0.1, 1.0], "delta": {"grid": {}}, "compensation": ["full", "none"]}, {})
    ('learning_rate', 'delta')
    """
    wanted = {"learning_rate", *named, *(key for key, given in hyperparameters.items() if _has_grid(given))}
    if wanted.intersection(zipped):
        wanted.update(zipped)
    return tuple(key for key in (*hyperparameters, *zipped) if key in wanted)


def _has_grid(given: Any) -> bool:
    parts = given if isinstance(given, list) else [given]
    return any(isinstance(part, dict) and len(part) == 1 and next(iter(part)) in GRIDS for part in parts)


def points(hyperparameters: dict[str, Any], zipped: dict[str, list[Any]], dimension: int) -> Iterator[dict[str, Any]]:
    """Every combination of the alternatives; zipped lists advance together."""
    axes = [[{key: value} for value in alternatives(key, given, dimension)] for key, given in hyperparameters.items()]
    if zipped:
        axes.append([dict(zip(zipped, row, strict=True)) for row in _rows(zipped)])
    for combination in itertools.product(*axes):
        point: dict[str, Any] = {}
        for part in combination:
            point |= part
        yield point


def _rows(zipped: dict[str, list[Any]]) -> Iterator[tuple[Any, ...]]:
    columns = [[_plain(key, value) for value in values] for key, values in zipped.items()]
    return zip(*columns, strict=True)


def _one(key: str, given: Any, dimension: int | None) -> Iterator[Any]:
    if isinstance(given, dict):
        names = [name for name in given if name in GRIDS or did_you_mean(name, GRIDS)]
        if names and len(given) == 1:
            if names[0] not in GRIDS:
                raise ValueError(
                    f"must be a value, a list or one of {listed(GRIDS)}, got {names[0]!r}"
                    f"{did_you_mean(names[0], GRIDS)}"
                )
            yield from _grid(names[0], given[names[0]])
            return
    if key == "rank" and isinstance(given, str):
        if given == DOUBLING:
            yield from _doubling(dimension)
            return
        near = did_you_mean(given, [DOUBLING])
        if near:
            raise ValueError(f"must be an integer, a list of integers or {DOUBLING!r}, got {given!r}{near}")
    largest = dimension if key == "rank" and type(given) is int else None
    yield _plain(key, given if largest is None else min(given, largest))


def _plain(key: str, given: Any) -> Any:
    return None if key == "learning_rate" and given == THEOREM else given


def _doubling(dimension: int | None) -> Iterator[int]:
    if dimension is None:
        yield 1
        return
    rank = 1
    while rank < dimension - 1:
        yield rank
        rank *= 2
    yield max(1, dimension - 1)


def _grid(kind: str, given: Any) -> Iterator[float]:
    keys = ("low", "high", "points")
    if not isinstance(given, dict):
        raise ValueError(f"{kind} takes {listed(keys)}, got {given!r}")
    for key in given:
        if key not in keys:
            raise ValueError(f"{kind} takes {listed(keys)}, got {key!r}{did_you_mean(key, keys)}")
    for key in keys:
        if key not in given:
            raise ValueError(f"{kind} needs {listed(keys)}; {key} is missing")
    low, high, count = (given[key] for key in keys)
    for key, number in (("low", low), ("high", high)):
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise ValueError(f"{kind}.{key} must be a number, got {number!r}")
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_POINTS:
        raise ValueError(f"{kind}.points must be an integer in 1..{MOST_POINTS}, got {count!r}")
    if low > high or (low == high and count > 1):
        raise ValueError(f"{kind}.low must be below {kind}.high, got {low} and {high}")
    if kind == "log_grid" and low <= 0:
        raise ValueError(f"log_grid.low must be above 0, got {low}")
    for i in range(count):
        part = i / (count - 1) if count > 1 else 0.0
        if kind == "log_grid":
            number = 10.0 ** (math.log10(low) * (1.0 - part) + math.log10(high) * part)
        else:
            number = low * (1.0 - part) + high * part
        # Twelve digits: the same grid, hence the same content hash, whatever the machine's last bit.
        yield float(f"{number:.12g}")
