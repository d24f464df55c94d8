"""Many learners over many environments: Friedman's test, and Nemenyi's critical difference of average ranks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.errors import ConfigError
from oco.types import Array


@dataclass(frozen=True)
class AverageRanks:
    """Average ranks of k learners over N environments (1 is the best), and which differ.

    Attributes
    ----------
    ranks
        Average rank of every learner.
    environments
        N.
    chi_square, friedman
        Friedman's statistic, corrected for ties, and its p-value from the chi-square distribution with k - 1 degrees of
        freedom, an approximation.
    f_statistic, iman_davenport
        The statistic of Iman and Davenport and its p-value from the F distribution with k - 1 and (k - 1)(N - 1)
        degrees of freedom; less conservative.
    critical_difference
        Average ranks that differ by less are not told apart by Nemenyi's test.
    groups
        The longest runs of learners, by place in ``ranks``, best first, of which no two are told apart.
    """

    ranks: tuple[float, ...]
    environments: int
    chi_square: float
    friedman: float
    f_statistic: float
    iman_davenport: float
    critical_difference: float
    groups: tuple[tuple[int, ...], ...]


def average_ranks(values: Array, level: float = 0.05) -> AverageRanks:
    """Rank learners on every environment, lowest value first, and test whether their average ranks differ.

    Parameters
    ----------
    values
        A row for every environment and a column for every learner, ``(N, k)``, finite; equal values share their rank.
    level
        Of Nemenyi's test, which compares all pairs at once.

    Raises
    ------
    ConfigError
        With fewer than two environments or three learners (compare two by pairs), or if a value is not finite.

    Notes
    -----
    The critical difference is ``q sqrt(k (k + 1) / (6 N))``, where q is the quantile of the studentized range for k
    groups and infinite degrees of freedom over the root of 2. The approximations want many environments: Demsar advises
    N > 10 and k > 5.

    References
    ----------
    J. Demsar, Statistical comparisons of classifiers over multiple data sets, JMLR 7 (2006), section 3.2.

    Examples
    --------
    >>> found = average_ranks([[1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [4.0, 5.0, 6.0], [0.0, 1.0, 2.0]])
    >>> found.ranks, round(found.critical_difference, 3)
    ((1.0, 2.25, 2.75), 1.657)
    """
    from scipy import stats

    table = np.asarray(values, dtype=float)
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] < 3:
        shape = " x ".join(map(str, table.shape))
        raise ConfigError(f"average ranks need at least 2 environments and 3 learners, got values of shape {shape}")
    if not np.isfinite(table).all():
        raise ConfigError("average ranks need a finite value of every learner on every environment")
    count, learners = table.shape
    each = stats.rankdata(table, axis=1)
    ranks = each.mean(axis=0)
    if np.all(table == table[:, :1]):  # Friedman's statistic is 0 / 0
        chi_square, friedman = 0.0, 1.0
    else:
        chi_square, friedman = map(float, stats.friedmanchisquare(*table.T))
    left = count * (learners - 1) - chi_square
    f_statistic = (count - 1) * chi_square / left if left > 1e-9 else math.inf  # 0 up to rounding: full agreement
    quantile = float(stats.studentized_range.ppf(1.0 - level, learners, np.inf)) / math.sqrt(2.0)
    critical = quantile * math.sqrt(learners * (learners + 1) / (6.0 * count))
    return AverageRanks(
        ranks=tuple(float(rank) for rank in ranks),
        environments=count,
        chi_square=chi_square,
        friedman=friedman,
        f_statistic=f_statistic,
        iman_davenport=float(stats.f.sf(f_statistic, learners - 1, (learners - 1) * (count - 1))),
        critical_difference=critical,
        groups=_groups(ranks, critical),
    )


def _groups(ranks: Array, critical: float) -> tuple[tuple[int, ...], ...]:
    """Runs of at least two learners within the critical difference that no longer run contains."""
    best_first = np.argsort(ranks, kind="stable")
    rising = ranks[best_first]
    ends = np.searchsorted(rising, rising + critical, side="right")
    found: list[tuple[int, ...]] = []
    reached = 0
    for start, end in enumerate(ends):
        if end > reached and end - start > 1:
            found.append(tuple(int(place) for place in best_first[start:end]))
        reached = max(reached, int(end))
    return tuple(found)
