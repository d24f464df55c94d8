"""Online convex optimization with certified regret, theorem bounds and honest memory.

Names are imported when they are first used, so that ``import oco`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

from oco._version import __version__

_HOME = {
    "RFDSON": "oco.learners",
    "PrimalDualAdaFD": "oco.learners",
    "FTSL": "oco.learners",
    "FTFSL": "oco.learners",
    "FDSON": "oco.learners",
    "AdaFFD": "oco.learners",
    "AdaFD": "oco.learners",
    "AdaGradNorm": "oco.learners",
    "AdaLR": "oco.learners",
    "Adam": "oco.learners",
    "AffineSlice": "oco.domains",
    "AMSGrad": "oco.learners",
    "Ball": "oco.domains",
    "BallBox": "oco.domains",
    "Box": "oco.domains",
    "CoinBetting": "oco.learners",
    "DiagonalAdaGrad": "oco.learners",
    "Domain": "oco.domains",
    "Environment": "oco.environments",
    "FDAdaGrad": "oco.learners",
    "FrequentDirections": "oco.sketching",
    "FrobeniusBall": "oco.domains",
    "FullMatrixAdaGrad": "oco.learners",
    "HalfSpace": "oco.domains",
    "Hedge": "oco.learners",
    "Interval": "oco.regret",
    "L1Ball": "oco.domains",
    "Learner": "oco.learners",
    "Loss": "oco.losses",
    "OGD": "oco.learners",
    "OjaSON": "oco.learners",
    "OneSidedShampoo": "oco.learners",
    "OnlineNewtonStep": "oco.learners",
    "play": "oco.game",
    "PrimalDualDiagonalAdaGrad": "oco.learners",
    "PrimalDualFullMatrixAdaGrad": "oco.learners",
    "Problem": "oco.learners",
    "RadaGrad": "oco.learners",
    "Record": "oco.record",
    "Shampoo": "oco.learners",
    "Simplex": "oco.domains",
    "SketchedOneSidedShampoo": "oco.learners",
    "SketchedShampoo": "oco.learners",
    "Slab": "oco.domains",
    "SON": "oco.learners",
    "SpectralBall": "oco.domains",
    "Unbounded": "oco.domains",
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
    "spec",
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
