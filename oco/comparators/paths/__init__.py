"""The best sequence of points of a bounded path length, with a certificate: the comparator of dynamic regret."""

from oco.comparators.paths.budgets import best_paths
from oco.comparators.paths.path_curve import PathComparator, PathCurve
from oco.comparators.paths.switching import best_switching

__all__ = ["PathComparator", "PathCurve", "best_paths", "best_switching"]
