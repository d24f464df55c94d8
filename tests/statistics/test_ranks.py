"""Friedman's test and Nemenyi's critical difference: the worked example of Demsar (2006), and cases by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from oco.errors import ConfigError
from regret_experiments.statistics import average_ranks

ACCURACIES = [
    [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
    [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
    [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
    [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
    [0.972, 0.981, 0.9751, 0.9750], [0.957, 0.978, 0.946, 0.970],
]  # fmt: skip
"""Table 6 of Demsar (2006): four learners (C4.5, +m, +cf, +m+cf) on fourteen data sets, higher is better.

Printed with three digits. Two that read 0.975 have the ranks 2 and 3 there, hence a fourth digit here.
"""


def test_the_example_of_the_paper() -> None:
    """Average ranks, both statistics and the critical difference as section 3.2.2 prints them."""
    found = average_ranks(-np.array(ACCURACIES))
    assert found.ranks == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    # The paper does not correct for ties: three pairs and one four, hence 1 - (3 * 6 + 60) / (N k (k^2 - 1)).
    uncorrected = found.chi_square * (1.0 - 78.0 / 840.0)
    assert uncorrected == pytest.approx(9.28, abs=5e-3)
    assert 13.0 * uncorrected / (42.0 - uncorrected) == pytest.approx(3.69, abs=5e-3)
    assert found.critical_difference == pytest.approx(1.25, abs=5e-3)


@pytest.mark.parametrize(("learners", "quantile"), [(3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)])
def test_the_quantiles_are_those_of_the_paper_s_table(learners: int, quantile: float) -> None:
    values = np.random.default_rng(0).standard_normal((6, learners))
    expected = quantile * math.sqrt(learners * (learners + 1) / 36.0)
    assert average_ranks(values).critical_difference == pytest.approx(expected, rel=5e-4)


def test_friedman_by_hand() -> None:
    # Ranks 1, 2, 3 three times: 12 N / (k (k + 1)) (sum R^2 - k (k + 1)^2 / 4) = 3 (14 - 12) = 6 = N (k - 1).
    found = average_ranks([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0], [0.0, 5.0, 6.0]])
    assert found.ranks == (1.0, 2.0, 3.0)
    assert found.chi_square == pytest.approx(6.0, rel=1e-12)
    assert found.friedman == pytest.approx(math.exp(-3.0), rel=1e-12)  # chi-square with two degrees of freedom
    assert (found.f_statistic, found.iman_davenport) == (math.inf, 0.0)


@pytest.mark.parametrize("digits", [0, 3])  # with ties, and without
def test_the_f_statistic_is_that_of_a_two_way_analysis_of_variance_of_the_ranks(digits: int) -> None:
    values = np.round(np.random.default_rng(1).standard_normal((9, 5)) + np.arange(5) / 2.0, digits)
    ranks = stats.rankdata(values, axis=1)
    residuals = ranks - ranks.mean(axis=0) - ranks.mean(axis=1, keepdims=True) + ranks.mean()
    between = 9.0 * ((ranks.mean(axis=0) - ranks.mean()) ** 2).sum() / 4.0
    found = average_ranks(values)
    assert found.f_statistic == pytest.approx(between / ((residuals**2).sum() / 32.0), rel=1e-9)
    assert found.iman_davenport == pytest.approx(stats.f.sf(found.f_statistic, 4, 32), rel=1e-12)


def test_identical_learners_share_their_rank_and_do_not_differ() -> None:
    found = average_ranks(np.repeat([[1.0], [2.0], [3.0]], 4, axis=1))
    assert found.ranks == (2.5, 2.5, 2.5, 2.5)
    assert (found.friedman, found.iman_davenport) == (1.0, 1.0)
    assert found.groups == ((0, 1, 2, 3),)


def test_groups_are_the_longest_runs_within_the_critical_difference() -> None:
    # 30 agreeing environments: CD = 2.569 sqrt(20 / 180) = 0.856, so no two of the ranks 1, 2, 3, 4 belong together.
    agreeing = np.tile([4.0, 3.0, 2.0, 1.0], (30, 1))
    assert average_ranks(agreeing).groups == ()
    # Four environments: CD = 2.345, so neighbours and next neighbours do; the best is at place 3.
    assert average_ranks(agreeing[:4]).groups == ((3, 2, 1), (2, 1, 0))


def test_a_monotone_change_of_the_numbers_of_an_environment_changes_nothing() -> None:
    values = np.random.default_rng(3).standard_normal((7, 5))
    changed = np.exp(values) * np.arange(1.0, 8.0)[:, None]
    assert average_ranks(values) == average_ranks(changed)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([[1.0, 2.0, 3.0]], "at least 2 environments and 3 learners, got values of shape 1 x 3"),
        ([[1.0, 2.0], [1.0, 2.0]], "at least 2 environments and 3 learners, got values of shape 2 x 2"),
        ([[1.0, 2.0, math.nan], [1.0, 2.0, 3.0]], "finite value of every learner on every environment"),
    ],
)
def test_what_cannot_be_ranked_is_one_sentence(values: list[list[float]], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        average_ranks(np.array(values))
