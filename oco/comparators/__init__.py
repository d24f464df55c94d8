"""Comparators: the best fixed point in hindsight, with a certificate, for every prefix of a game."""

from oco.comparators.comparator import Comparator, ComparatorCurve
from oco.comparators.constrained import best_constrained_point, constrained_curve
from oco.comparators.fixed_point import anytime, best_fixed_point
from oco.comparators.given_point import certify
from oco.comparators.paths import PathComparator, PathCurve, best_paths, best_switching
from oco.comparators.solver import Losses, Solver

anytime_of, best_fixed_point_of = anytime, best_fixed_point
"""Former names for sequences of losses, which `anytime` and `best_fixed_point` now accept."""

__all__ = [
    "Comparator",
    "ComparatorCurve",
    "Losses",
    "PathComparator",
    "PathCurve",
    "Solver",
    "anytime",
    "anytime_of",
    "best_constrained_point",
    "best_fixed_point",
    "best_fixed_point_of",
    "best_paths",
    "best_switching",
    "certify",
    "constrained_curve",
]
