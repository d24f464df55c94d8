"""Checks that a game leaves the given learner unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from oco.checks.failure import require
from oco.checks.small_game import SmallGame
from oco.domains.base import Domain
from oco.game import play
from oco.learners.base import Learner


def check_play_leaves_learner_unchanged(learner: Learner, domain: Domain) -> None:
    """`oco.play` runs on a copy, so every attribute of the learner is unchanged afterwards, bit for bit."""
    before = dict(contents(learner))
    play(SmallGame(domain, learner.needs), learner, comparator=False, spectrum=False)
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
