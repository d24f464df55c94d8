"""Figures that need no explanation: functions that take a frame and an Axes, and the files that a sweep draws."""

from regret_experiments.figures.drawing import draw_all
from regret_experiments.figures.regret_curves import regret_curves
from regret_experiments.figures.regret_vs_memory import (
    bound_vs_memory,
    regret_vs_memory,
    signature_figure,
    tail_mass_vs_memory,
)

__all__ = [
    "bound_vs_memory",
    "draw_all",
    "regret_curves",
    "regret_vs_memory",
    "signature_figure",
    "tail_mass_vs_memory",
]
