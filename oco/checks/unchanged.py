"""Checks that a game leaves the given learner unchanged."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from oco.checks.failure import require
from oco.domains.base import Domain
from oco.game import play
from oco.learners.base import Learner
from oco.types import Array


@dataclasses.dataclass(frozen=True)
class _Linear:
    """``<slope, x>``."""

    slope: Array

    def value(self, point: Array) -> float:
        return float(np.vdot(self.slope, point))

    def gradient(self, point: Array) -> Array:
        return self.slope


class _Game:
    """Twelve linear losses on any domain, with every constant that a learner may need."""

    horizon = 12
    exp_concavity = 0.1
    strong_convexity = 0.1

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.slopes = np.random.default_rng(17).standard_normal((self.horizon, *domain.shape))
        self.gradient_bound = float(np.linalg.norm(self.slopes.reshape(self.horizon, -1), axis=1).max())
        self.gradient_entry_bound = float(np.abs(self.slopes).max())
        self.round = 0

    def reveal(self, point: Array) -> _Linear:
        self.round += 1
        return _Linear(self.slopes[self.round - 1])


def check_play_leaves_learner_unchanged(learner: Learner, domain: Domain) -> None:
    """`oco.play` runs on a copy, so every attribute of the learner is unchanged afterwards, bit for bit."""
    before = dict(contents(learner))
    play(_Game(domain), learner, comparator=False, spectrum=False)
    after = dict(contents(learner))
    for path in [*after, *before]:
        require(
            path in before and path in after and before[path] == after[path],
            f"oco.play changed {path.lstrip('.')} of the learner that it was given: fresh() must return a copy that "
            "shares nothing with it that changes",
        )


def contents(thing: Any, path: str = "", inside: tuple[int, ...] = ()) -> Iterator[tuple[str, object]]:
    """Every value inside ``thing``, by path; arrays as their type, shape and bytes."""
    if id(thing) in inside:
        return
    if isinstance(thing, np.ndarray) and thing.dtype != object:
        yield path, (thing.dtype.str, thing.shape, thing.tobytes())
    elif thing is None or isinstance(thing, (bool, int, float, complex, str, bytes, np.generic)):
        yield path, (type(thing).__name__, repr(thing))
    elif isinstance(thing, np.random.Generator):
        yield path, repr(thing.bit_generator.state)
    else:
        yield path, type(thing).__qualname__
        items: Any
        if isinstance(thing, dict):
            items = ((f"[{key!r}]", value) for key, value in thing.items())
        elif isinstance(thing, (list, tuple, np.ndarray)):
            items = ((f"[{index}]", value) for index, value in enumerate(thing))
        elif isinstance(thing, (set, frozenset)):
            items = ((f"{{{index}}}", value) for index, value in enumerate(sorted(thing, key=repr)))
        else:
            items = ((f".{name}", value) for name, value in getattr(thing, "__dict__", {}).items())
        for step, value in items:
            yield from contents(value, path + step, (*inside, id(thing)))
