"""Comparison of learners over the games that they share: pairs, average ranks, and differences round by round."""

from regret_experiments.comparison.pairs import Comparison, compare_learners
from regret_experiments.comparison.places import LearnerRanks, rank_learners
from regret_experiments.comparison.rounds import PerRound, per_round_differences
from regret_experiments.comparison.rows import Row, rows_of

__all__ = [
    "Comparison",
    "LearnerRanks",
    "PerRound",
    "Row",
    "compare_learners",
    "per_round_differences",
    "rank_learners",
    "rows_of",
]
