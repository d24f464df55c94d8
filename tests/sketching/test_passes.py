"""Passes over rows and products of CSR rows against NumPy's, for every remainder of the lanes that they are made of."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from oco.compile import kernel
from oco.lanes import WIDTH
from oco.sketching import passes, sparse_rows

LENGTHS = [1, WIDTH - 1, WIDTH, 2 * WIDTH, 2 * WIDTH + 1, 5 * WIDTH + 3]
COUNTS = [0, 1, 3, 4, 6, 9]


@kernel
def pass_over(rows, count, vector, left, right, products, combined, remainder):
    passes.project(rows, count, vector, products)
    passes.combine_and_remove(rows, count, left, combined, right, remainder)
    passes.combine(rows, count, left, -2.0, combined)
    passes.add_multiple(vector, 3.0, combined)
    return passes.dot(combined, vector), passes.square_norm(remainder)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("count", COUNTS)
def test_passes(length, count):
    rng = np.random.default_rng(length + count)
    rows, vector = rng.standard_normal((count + 2, length)), rng.standard_normal(length)
    left, right = rng.standard_normal((2, count + 2))
    products = np.full(count + 2, -7.0)
    combined, remainder = rng.standard_normal((2, length))
    few = rows[:count]
    expected = combined - left[:count] @ few + 3.0 * vector
    expected_remainder = remainder - right[:count] @ few
    product, square = pass_over(rows, count, vector, left, right, products, combined, remainder)
    np.testing.assert_allclose(products[:count], few @ vector, atol=1e-13 * length)
    assert np.all(products[count:] == -7.0)
    np.testing.assert_allclose(combined, expected, atol=1e-13)
    np.testing.assert_allclose(remainder, expected_remainder, atol=1e-13)
    assert product == pytest.approx(expected @ vector, abs=1e-12 * length)
    assert square == pytest.approx(expected_remainder @ expected_remainder, rel=1e-12)


@kernel
def shorter(rows, vector, products):
    passes.project(rows, rows.shape[0], vector, products)


def test_a_shorter_vector_is_zero_from_its_end_on():
    rows, vector, products = np.ones((5, 3 * WIDTH)), np.ones(WIDTH + 2), np.zeros(5)
    shorter(rows, vector, products)
    assert np.all(products == WIDTH + 2)


@kernel
def products_of_sparse_rows(begin, count, data, indices, indptr, basis, beside, cross, inner):
    for i in range(count):
        sparse_rows.sparse_products(begin + i, data, indices, indptr, basis, basis.shape[0], cross[i])
    sparse_rows.sparse_gram(begin, count, data, indices, indptr, beside, inner)


@pytest.mark.parametrize("count", [1, 4, 5, 11])
@pytest.mark.parametrize("rank", COUNTS)
def test_products_of_sparse_rows(count, rank):
    rng = np.random.default_rng(count)
    dense = rng.standard_normal((count + 3, 40)) * (rng.random((count + 3, 40)) < 0.3)
    dense[3] = 0.0
    rows = sparse.csr_array(dense)
    basis = rng.standard_normal((rank, 40))
    beside = np.zeros(sparse_rows.ROWS_AT_ONCE * 40)
    cross, inner = np.full((count, rank), np.nan), np.full((count, count), np.nan)
    arrays = rows.data, rows.indices.astype(np.int32), rows.indptr.astype(np.int32)
    products_of_sparse_rows(2, count, *arrays, basis, beside, cross, inner)
    part = dense[2 : count + 2]
    np.testing.assert_allclose(cross, part @ basis.T, atol=1e-13)
    np.testing.assert_allclose(inner, part @ part.T, atol=1e-13)
    assert not beside.any()
