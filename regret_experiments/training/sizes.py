"""Which sizes of a task's network and batches a config may change, and what they may be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from oco.errors import ConfigError
from oco.keywords import check_names

HEADS = 4
"""Attention heads of both transformers."""
SIDES = {"digits": 8, "mnist": 28}


class Size(NamedTuple):
    """What a size may be, as a predicate and in words."""

    allows: Callable[[Any], bool]
    words: str


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _are_counts(value: Any) -> bool:
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    return listed and len(value) > 0 and all(map(_is_count, value))


def _is_positive(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0.0 < value < math.inf


COUNT = Size(_is_count, "an integer of at least 1")
COUNTS = Size(_are_counts, "a list of integers of at least 1")
WIDTH = Size(lambda value: _is_count(value) and value % HEADS == 0, f"a multiple of {HEADS}, one part for each head")
_CLASSIFIED = dict.fromkeys(("batch", "evaluated", "tested"), COUNT)

SIZES: dict[str, dict[str, Size]] = {
    "aex": {"hidden": COUNTS, "batch": COUNT},
    "mlp": {"hidden": COUNTS, **_CLASSIFIED},
    "conv": {"channels": COUNTS, "strides": COUNTS, **_CLASSIFIED},
    "vit": {"patch": COUNT, "width": WIDTH, "layers": COUNT, "expansion": COUNT, **_CLASSIFIED},
    "gpt": {"context": COUNT, "batch": COUNT, "width": WIDTH, "layers": COUNT, "evaluated": COUNT},
    "teacher": {"dim": COUNT, "hidden": COUNT},
    "burgers": {
        "hidden": COUNTS,
        "batch": COUNT,
        "viscosity": Size(_is_positive, "a finite positive number"),
        "evaluated": COUNT,
    },
}
"""By task, the keywords of its function in `regret_experiments.training.tasks`."""


def check_sizes(task: str, data: str, sizes: Mapping[str, Any]) -> None:
    """Raise ConfigError for a size that the task does not have, or a value that is not allowed."""
    known = SIZES[task]
    check_names(f"task {task}:", sizes, known)
    for name, value in sizes.items():
        if not known[name].allows(value):
            raise ConfigError(f"task {task}: {name} must be {known[name].words}, got {value!r}")
    if sizes.get("patch", 1) > SIDES[data]:
        raise ConfigError(f"task {task}: patch must be at most {SIDES[data]}, the side of {data}, got {sizes['patch']}")
    if task == "conv":
        channels, strides = (len(sizes.get(name, (1, 2, 2))) for name in ("channels", "strides"))
        if channels != strides:
            raise ConfigError(
                f"task conv: channels and strides must have one entry for each layer, got {channels} channels and "
                f"{strides} strides"
            )
