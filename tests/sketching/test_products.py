"""Products of few long rows against NumPy's, for every remainder of the tiles that they are made of."""

from __future__ import annotations

import numpy as np
import pytest

from oco.compile import kernel
from oco.lanes import WIDTH
from oco.sketching.passes import CHUNK
from oco.sketching.products import (
    IN_CACHE,
    SHORTEST_CHUNK,
    inner_products,
    polish,
    replace_rows,
    weighted_sums,
)

LENGTHS = [1, WIDTH - 1, 2 * WIDTH, 2 * WIDTH + 1, CHUNK + 5, SHORTEST_CHUNK + 3]


@kernel
def multiply(left, right, upper, out):
    inner_products(left, right, upper, out)


@kernel
def combine(weights, first, second, start, out):
    weighted_sums(weights, first, second, start, out)


@kernel
def replace(weights, rows, buffer):
    replace_rows(weights, rows, buffer)


@kernel
def correct(rows, count, matrix, buffer):
    polish(rows, count, matrix, buffer)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("length", [*LENGTHS, IN_CACHE // 10 + 7])
@pytest.mark.parametrize(("count", "others"), [(1, 1), (3, 0), (4, 4), (5, 7), (10, 13)])
def test_inner_products(rng, length, count, others):
    left, right = rng.standard_normal((count, length)), rng.standard_normal((others, length))
    out = np.full((count, others), np.nan)
    multiply(left, right, False, out)
    np.testing.assert_allclose(out, left @ right.T, atol=1e-13 * length)
    square = np.full((count, count), np.nan)
    multiply(left, left, True, square)
    np.testing.assert_allclose(np.triu(square), np.triu(left @ left.T), atol=1e-13 * length)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize(("first", "second", "made"), [(1, 0, 1), (0, 3, 5), (4, 2, 6), (7, 6, 13), (0, 0, 2)])
def test_weighted_sums(rng, length, first, second, made):
    rows = rng.standard_normal((first + second, length))
    weights = rng.standard_normal((first + second, made))
    for start in (0, length // 3):
        for given in (weights, np.asfortranarray(weights)):
            out = np.full((made, length - start), np.nan)
            combine(given, rows[:first], rows[first:], start, out)
            np.testing.assert_allclose(out, weights.T @ rows[:, start:], atol=1e-13)
    rows[:, -1] = np.nan
    narrow = np.full((made, length - 1), np.nan)
    combine(weights, rows[:first], rows[first:], 0, narrow)
    assert np.all(np.isfinite(narrow)), "columns beyond those of the result have no part in it"


@pytest.mark.parametrize("length", LENGTHS)
def test_rows_are_replaced_in_place(rng, length):
    rows = rng.standard_normal((9, length))
    weights = rng.standard_normal((5, 7))
    expected = np.concatenate([weights.T @ rows[:5], rows[7:]])
    replace(weights, rows, np.zeros(7 * CHUNK))
    np.testing.assert_allclose(rows, expected, atol=1e-13)


def test_a_polish_squares_the_error(rng):
    rows = np.linalg.qr(rng.standard_normal((700, 11)))[0].T.copy()
    skewed = rows + 1e-5 * rng.standard_normal((11, 700)) / np.sqrt(700)
    before = np.abs(skewed @ skewed.T - np.eye(11)).max()
    correct(skewed, 11, np.zeros((11, 11)), np.zeros(11 * CHUNK))
    after = np.abs(skewed @ skewed.T - np.eye(11)).max()
    assert 1e-6 < before < 1e-4
    assert after < before**2 * 11
