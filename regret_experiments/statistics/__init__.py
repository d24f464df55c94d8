"""Statistics over shared orders: means with their errors, paired differences, corrections, ranks, serial dependence."""

from regret_experiments.statistics.corrections import holm
from regret_experiments.statistics.means import Mean, mean_with_error, student_reach
from regret_experiments.statistics.paired import Paired, Test, paired_difference, paired_p_value, smallest_wilcoxon
from regret_experiments.statistics.ranks import AverageRanks, average_ranks
from regret_experiments.statistics.series import newey_west, usual_lag

__all__ = [
    "AverageRanks",
    "Mean",
    "Paired",
    "Test",
    "average_ranks",
    "holm",
    "mean_with_error",
    "newey_west",
    "paired_difference",
    "paired_p_value",
    "smallest_wilcoxon",
    "student_reach",
    "usual_lag",
]
