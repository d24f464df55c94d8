"""A learner of points whose coordinates are named, and that gets further coordinates when new names appear."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, final

import numpy as np

from oco.domains.base import Domain
from oco.errors import ConfigError
from oco.learners.base import Learner, Problem, require_feedback
from oco.needs import GRADIENT, PROMPT
from oco.snapshot import capture, restore
from oco.types import Array

FIRST_COORDINATES = 64
"""Coordinates at the start; their number is doubled when there are more names."""


@final
class Growing:
    """Coordinates by name. A coordinate without a gradient so far is in the state that it has at the start.

    When there are more names than coordinates, a learner of twice as many starts, and takes over the state: each of its
    arrays has the old one as its first entries. For a learner that treats all coordinates alike, and starts at a point
    whose new coordinates are 0, this is the state that it would have, had it known all names from the beginning.

    Parameters
    ----------
    make
        Makes a learner with no state.
    domain
        A domain without a shape.
    rank
        Directions that the learner's sketch keeps, which are fewer than the first coordinates.
    """

    def __init__(self, make: Callable[[], Learner], domain: Domain, rank: int | None) -> None:
        self._make, self._domain = make, domain
        self.places: dict[Hashable, int] = {}
        self._size = max(FIRST_COORDINATES, 4 * (rank or 0))
        self.learner = self._started(self._size)

    def row(self, numbers: Mapping[Hashable, float], *, grow: bool) -> Array:
        """The numbers at the coordinates of their names; a new name gets one, or is left out."""
        if grow:
            self._make_room(numbers)
        row = np.zeros(self._size)
        for name, number in numbers.items():
            place = self.places.get(name)
            if place is not None:
                row[place] = number
        return row

    def _make_room(self, names: Iterable[Hashable]) -> None:
        new = [name for name in names if name not in self.places]
        for name in sorted(new, key=repr):  # so that the order within a row is of no consequence
            self.places[name] = len(self.places)
        if len(self.places) <= self._size:
            return
        while len(self.places) > self._size:
            self._size *= 2
        grown = self._started(self._size)
        grown.state = restore(grown.state, _extended(capture(self.learner.state), capture(grown.state)))
        self.learner = grown

    def _started(self, size: int) -> Learner:
        learner = self._make()
        problem = Problem(self._domain.with_shape((size,)), horizon=1, gives=(GRADIENT, PROMPT))
        require_feedback(learner, problem)
        learner.start(problem)
        return learner


def _extended(old: Any, new: Any) -> Any:
    """``new``, a captured state, with the values of ``old`` as the first entries of its arrays, and its numbers."""
    if isinstance(old, np.ndarray):
        if old.ndim != new.ndim or any(a > b for a, b in zip(old.shape, new.shape, strict=True)):
            raise ConfigError(f"a state with an array {old.shape} cannot become one with {new.shape} for new features")
        new[tuple(map(slice, old.shape))] = old
        return new
    if isinstance(old, dict):
        return {key: _extended(value, new[key]) for key, value in old.items()}
    if isinstance(old, list):
        return [_extended(value, other) for value, other in zip(old, new, strict=True)]
    return old
