"""Means, paired differences, Holm's correction and Newey-West, against hand-computed cases and other formulas."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oco.errors import ConfigError
from regret_experiments.statistics import (
    holm,
    mean_with_error,
    newey_west,
    paired_difference,
    paired_p_value,
    smallest_wilcoxon,
    usual_lag,
)

NUMBERS = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=9)


def test_a_mean_and_its_interval_by_hand() -> None:
    # s = 2 and n = 4, so the error is 1; t(0.975, 3) = 3.1824463 is in every table.
    found = mean_with_error([1.0, 1.0, 3.0 + math.sqrt(3.0), 3.0 - math.sqrt(3.0)])
    spread = math.sqrt(((1 - 2) ** 2 * 2 + 2 * (1 + 3)) / 3)
    assert (found.count, found.value) == (4, 2.0)
    assert found.standard_error == pytest.approx(spread / 2, rel=1e-14)
    assert found.high - found.value == pytest.approx(3.182446305284263 * spread / 2, rel=1e-9)
    assert found.value - found.low == pytest.approx(found.high - found.value, rel=1e-14)


def test_a_mean_of_one_value_has_no_error_and_of_none_no_value() -> None:
    one, none = mean_with_error([3.0, math.nan]), mean_with_error([])
    assert (one.count, one.value) == (1, 3.0)
    assert all(map(math.isnan, (one.standard_error, one.low, one.high)))
    assert (none.count, math.isnan(none.value)) == (0, True)


def signed_rank_p(differences: list[float]) -> float:
    """Two-sided p-value by listing all signs; the absolute differences must be distinct and not 0."""
    ranks = np.argsort(np.argsort(np.abs(differences))) + 1
    total = ranks.sum()
    seen = abs(2 * ranks[np.array(differences) > 0].sum() - total)
    signs = np.array(list(itertools.product([0, 1], repeat=len(differences))))
    return float(np.mean(np.abs(2 * signs @ ranks - total) >= seen))


@pytest.mark.parametrize(
    "differences",
    [[1.0, 2.0, 3.0, 4.0, 5.0], [1.0, -2.0, 3.0, 4.0], [-0.5, 4.0, 3.0, 2.0, -7.0, 9.0, 1.0], [2.0, -3.0]],
)
def test_wilcoxon_is_the_share_of_signs_that_are_as_extreme(differences: list[float]) -> None:
    zeros = [0.0] * len(differences)
    assert paired_difference(differences, zeros).wilcoxon == pytest.approx(signed_rank_p(differences), abs=1e-12)
    assert paired_p_value(zeros, differences, "wilcoxon") == pytest.approx(signed_rank_p(differences), abs=1e-12)


@pytest.mark.parametrize("pairs", [2, 3, 4, 5, 6, 10])
def test_the_smallest_p_value_of_wilcoxon_is_reached(pairs: int) -> None:
    found = paired_difference(np.arange(1.0, pairs + 1.0), np.zeros(pairs))
    assert found.wilcoxon == pytest.approx(smallest_wilcoxon(pairs), rel=1e-12)
    assert smallest_wilcoxon(5) == 0.0625  # so five pairs never reach 5 %


def test_equal_pairs_are_left_out_of_wilcoxon_only() -> None:
    found = paired_difference([1.0, 2.0, 3.0, 5.0, 5.0], [0.0, 0.0, 0.0, 5.0, 5.0])
    assert (found.count, found.unequal, found.difference.value) == (5, 3, 1.2)
    assert found.wilcoxon == 0.25


def test_student_s_p_value_is_the_level_at_which_the_interval_ends_at_zero() -> None:
    first, second = [3.0, 5.0, 4.0, 8.0], [1.0, 2.0, 6.0, 3.0]
    p = paired_difference(first, second).student
    found = paired_difference(first, second, level=1.0 - p)
    assert found.difference.low == pytest.approx(0.0, abs=1e-9)


def test_the_paired_error_is_that_of_the_differences() -> None:
    """Orders that are hard for both cancel: the errors of the two means say nothing of the difference."""
    hard = np.array([10.0, 50.0, 90.0, 130.0])
    found = paired_difference(hard + [1.0, 2.0, 1.0, 2.0], hard)
    assert found.first.standard_error > 20.0
    assert found.difference.value == 1.5
    assert found.difference.standard_error == pytest.approx(math.sqrt(1.0 / 3.0) / 2.0, rel=1e-12)


@settings(deadline=None, max_examples=40)
@given(NUMBERS)
def test_identical_learners_do_not_differ(values: list[float]) -> None:
    found = paired_difference(values, values)
    assert (found.wilcoxon, found.student, found.unequal) == (1.0, 1.0, 0)
    assert found.difference.low <= 0.0 <= found.difference.high
    assert found.bootstrap == (0.0, 0.0)


def test_a_difference_of_rounding_is_none() -> None:
    values = np.array([1e3, 2e3, 3e3])
    assert paired_difference(values * (1.0 + 1e-15), values).wilcoxon == 1.0
    assert paired_difference(values * (1.0 + 1e-9), values).unequal == 3


@settings(deadline=None, max_examples=40)
@given(NUMBERS, st.floats(-100.0, 100.0))
def test_swapping_the_learners_turns_the_signs(values: list[float], shift: float) -> None:
    other = [value * 0.5 + shift + place for place, value in enumerate(values)]
    one, two = paired_difference(values, other), paired_difference(other, values)
    assert one.difference.value == pytest.approx(-two.difference.value, abs=1e-9)
    assert one.wilcoxon == pytest.approx(two.wilcoxon, abs=1e-12)
    assert one.student == pytest.approx(two.student, abs=1e-12)
    low, high = one.bootstrap
    assert low <= high
    assert min(np.subtract(values, other)) - 1e-9 <= low <= high <= max(np.subtract(values, other)) + 1e-9


def test_the_bootstrap_is_seeded() -> None:
    generator = np.random.default_rng(1)
    first, second = generator.standard_normal((2, 12))
    assert paired_difference(first, second, seed=3).bootstrap == paired_difference(first, second, seed=3).bootstrap
    assert paired_difference(first, second, seed=3).bootstrap != paired_difference(first, second, seed=4).bootstrap


def test_the_bootstrap_agrees_with_the_normal_interval_of_many_pairs() -> None:
    differences = np.random.default_rng(0).standard_normal(400)
    found = paired_difference(differences, np.zeros(400))
    error = found.difference.standard_error
    low, high = found.bootstrap
    assert low == pytest.approx(found.difference.value - 1.96 * error, abs=0.1 * error)
    assert high == pytest.approx(found.difference.value + 1.96 * error, abs=0.1 * error)


def test_the_bootstrap_is_too_narrow_for_five_pairs_and_student_is_not() -> None:
    """As the docs say: about 84 of 100 intervals cover the mean, and 95."""
    generator = np.random.default_rng(0)
    found = [paired_difference(generator.standard_normal(5), np.zeros(5)) for _ in range(400)]
    assert 0.79 < np.mean([each.bootstrap[0] <= 0.0 <= each.bootstrap[1] for each in found]) < 0.89
    assert 0.92 < np.mean([each.difference.low <= 0.0 <= each.difference.high for each in found]) < 0.98


def test_one_pair_gives_a_difference_and_no_test() -> None:
    found = paired_difference([3.0], [1.0])
    assert (found.difference.value, found.count) == (2.0, 1)
    assert all(map(math.isnan, (found.wilcoxon, found.student, *found.bootstrap)))


@pytest.mark.parametrize("pair", [([1.0], [1.0, 2.0]), ([1.0, math.nan], [1.0, 2.0]), ([1.0, math.inf], [1.0, 2.0])])
def test_what_is_not_paired_is_one_sentence(pair: tuple[list[float], list[float]]) -> None:
    with pytest.raises(ConfigError, match="needs equally many finite values of both"):
        paired_difference(*pair)


def test_holm_by_hand() -> None:
    # 0.005 * 4, 0.01 * 3, 0.03 * 2, 0.04 * 1, made monotone.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02], rel=1e-14)
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
    assert holm([0.2]) == [0.2]


def test_a_test_that_was_not_done_is_not_counted() -> None:
    found = holm([math.nan, 0.02, 0.03])
    assert math.isnan(found[0])
    assert found[1:] == pytest.approx([0.04, 0.04], rel=1e-14)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12))
def test_holm_rejects_as_the_steps_of_the_paper(p_values: list[float]) -> None:
    level = 0.05
    rejected = set()
    for step, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        if p_values[place] * (len(p_values) - step) > level:
            break
        rejected.add(place)
    assert {place for place, p in enumerate(holm(p_values)) if p <= level} == rejected


def test_newey_west_by_hand() -> None:
    # Deviations -1, 0, 1 of (1, 2, 3): c_0 = 2/3, c_1 = 0, and c_2 = -1/3 with weight 1/3 at lag 2.
    assert newey_west([1.0, 2.0, 3.0], lag=0) == (2.0, pytest.approx(math.sqrt(2.0 / 9.0), rel=1e-14))
    assert newey_west([1.0, 2.0, 3.0], lag=1)[1] == pytest.approx(math.sqrt(2.0 / 9.0), rel=1e-14)
    assert newey_west([1.0, 2.0, 3.0], lag=2)[1] == pytest.approx(math.sqrt((2.0 / 3.0 - 2.0 / 9.0) / 3.0), rel=1e-14)


@pytest.mark.parametrize("lag", [0, 1, 5, 39])
def test_newey_west_is_a_quadratic_form_in_bartlett_s_matrix(lag: int) -> None:
    series = np.random.default_rng(lag).standard_normal(40).cumsum()
    centered = series - series.mean()
    distance = np.abs(np.subtract.outer(np.arange(40), np.arange(40)))
    form = centered @ np.maximum(0.0, 1.0 - distance / (lag + 1.0)) @ centered
    assert newey_west(series, lag)[1] == pytest.approx(math.sqrt(form) / 40, rel=1e-10)


def test_newey_west_sees_dependence() -> None:
    """The mean of an AR(1) series with a = 0.8 is 3 times as uncertain as independent values: (1 + a) / (1 - a) = 9."""
    generator = np.random.default_rng(0)
    noise = generator.standard_normal(200_000)
    series = np.empty_like(noise)
    series[0] = noise[0]
    for t in range(1, len(noise)):
        series[t] = 0.8 * series[t - 1] + noise[t]
    naive = newey_west(series, lag=0)[1]
    assert newey_west(series, lag=400)[1] / naive == pytest.approx(3.0, rel=0.1)


def test_the_usual_lag_is_below_the_length() -> None:
    assert [usual_lag(length) for length in (2, 3, 100, 1000, 10_000)] == [1, 1, 4, 6, 11]


@pytest.mark.parametrize(
    ("series", "lag", "sentence"),
    [
        ([1.0], None, "at least two rounds, got 1"),
        ([1.0, 2.0], 2, r"lag must be in 0..1, got 2"),
        ([1.0, 2.0], -1, "got -1"),
    ],
)
def test_a_series_that_is_too_short_is_one_sentence(series: list[float], lag: int | None, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        newey_west(series, lag)
