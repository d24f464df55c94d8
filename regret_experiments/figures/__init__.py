"""Figures that need no explanation: functions that take a frame and an Axes and return the Axes, and their files."""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "WIDTHS": "style",
    "base_style": "style",
    "bound_tightness": "against_rank",
    "bound_vs_memory": "bounds",
    "critical_difference_diagram": "critical_difference",
    "decision_path": "plane",
    "draw": "drawing",
    "draw_all": "sweep_figures",
    "drawn": "drawing",
    "dynamic_regret": "dynamic",
    "escaped_mass": "masses",
    "learning_rate_sensitivity": "sensitivity",
    "ranking_table": "ranking",
    "regret_and_level": "signature",
    "regret_curves": "curves",
    "regret_vs_memory": "memory",
    "regret_vs_rank": "against_rank",
    "save": "drawing",
    "signature_figure": "signature",
    "sketch_ellipses": "plane",
    "spectrum": "spectra",
    "spectrum_and_masses": "why",
    "tail_mass_vs_memory": "masses",
    "time_vs_memory": "timing",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
