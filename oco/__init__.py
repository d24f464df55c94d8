"""Online convex optimization with certified regret, theorem bounds and honest memory.

Names are imported when they are first used, so that ``import oco`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

from oco._version import __version__

_HOME = {
    "AdaGradNorm": "oco.learners",
    "Ball": "oco.domains",
    "Box": "oco.domains",
    "DiagonalAdaGrad": "oco.learners",
    "Domain": "oco.domains",
    "Environment": "oco.environments",
    "FDAdaGrad": "oco.learners",
    "FrequentDirections": "oco.sketching",
    "FullMatrixAdaGrad": "oco.learners",
    "Interval": "oco.regret",
    "Learner": "oco.learners",
    "Loss": "oco.losses",
    "OGD": "oco.learners",
    "Problem": "oco.learners",
    "Record": "oco.record",
    "Simplex": "oco.domains",
    "Unbounded": "oco.domains",
    "play": "oco.game",
}
"""Public name -> the module that defines it."""

_SUBPACKAGES = (
    "checks",
    "comparators",
    "datasets",
    "domains",
    "environments",
    "errors",
    "learners",
    "losses",
    "regret",
    "sketching",
)

__all__ = ["__version__", *_HOME, *_SUBPACKAGES]


def __getattr__(name: str) -> Any:
    if name in _SUBPACKAGES:
        return importlib.import_module(f"oco.{name}")
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'oco' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
