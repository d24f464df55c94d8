"""A process that plays lessons."""

from __future__ import annotations

import gc
from typing import Any

import regret_experiments.lessons.drawing  # noqa: F401  # what all lessons import


def keep_imports(gallery: dict[str, Any], lesson: str) -> None:
    """Have the garbage collector, which runs before every lesson, leave alone what was imported before the first."""
    if not gc.get_freeze_count():
        gc.freeze()
