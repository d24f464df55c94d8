"""Frequent Directions with increments of any rank and exponential weights: the guarantees, checked in full matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oco.errors import NumericsError, ProtocolError
from oco.sketching import FrequentDirections
from oco.sketching.batch import shrink
from oco.types import Array


def covariance(values: Array, vectors: Array) -> Array:
    return (vectors.T * values) @ vectors


def smallest(matrix: Array) -> float:
    return float(np.linalg.eigvalsh(matrix)[0])


def omega(matrix: Array, rank: int) -> float:
    falling = np.linalg.eigvalsh(matrix)[::-1]
    return min(float(np.sum(falling[j:])) / (rank + 1 - j) for j in range(rank + 1))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    dimension=st.integers(1, 8),
    rank=st.integers(1, 9),
    batch=st.integers(1, 5),
    decay=st.sampled_from([1.0, 0.99, 0.8]),
    spread=st.sampled_from([0.0, 1.0, 3.0]),
    scale=st.sampled_from([1.0, 1e-120, 1e120]),
)
def test_sandwich_trace_and_lemma_1_at_every_round(
    seed: int, dimension: int, rank: int, batch: int, decay: float, spread: float, scale: float
) -> None:
    generator = np.random.default_rng(seed)
    scales = np.arange(1, dimension + 1) ** -spread
    values, vectors, escaped = np.empty(0), np.empty((0, dimension)), 0.0
    exact, before = np.zeros((dimension, dimension)), np.zeros((dimension, dimension))
    for _ in range(12):
        rows = generator.standard_normal((batch, dimension)) * scales
        exact = decay * exact + rows.T @ rows
        values, vectors, lost = shrink(values, vectors, scale * rows, rank, decay)
        escaped = decay * escaped + lost / scale**2
        sketch = covariance(values / scale**2, vectors)
        small = 1e-9 * np.trace(exact)
        assert values.size <= rank
        np.testing.assert_allclose(vectors @ vectors.T, np.eye(values.size), atol=1e-12)
        assert smallest(exact - sketch) >= -small
        assert smallest(sketch + escaped * np.eye(dimension) - exact) >= -small
        assert escaped <= omega(exact, rank) + small
        assert np.trace(exact) - np.trace(sketch) >= (rank + 1) * escaped - small
        if decay == 1.0:
            compensated = sketch + escaped * np.eye(dimension)
            assert smallest(compensated - before) >= -small
            before = compensated
        if batch == 1 and rank < dimension:
            assert np.trace(exact) - np.trace(sketch) == pytest.approx((rank + 1) * escaped, abs=small)


def test_the_tail_decays_by_beta2_and_not_by_its_root() -> None:
    """Observation 6: with beta2 the escaped mass dominates the error and stays below Omega, tightly.

    The other form in circulation multiplies the tail by sqrt(beta2). It is an upper bound on the error still, but its
    stationary value is 1 + sqrt(beta2) times ours, so it breaks the second half of the guarantee.
    """
    generator = np.random.default_rng(0)
    rank, dimension, beta2 = 3, 6, 0.99
    values, vectors = np.empty(0), np.empty((0, dimension))
    ours, other = 0.0, 0.0
    exact = np.zeros((dimension, dimension))
    tightest = 0.0
    violations = 0
    for t in range(2000):
        row = np.eye(dimension)[[t % dimension]] * (1.0 + 0.01 * generator.standard_normal())
        exact = beta2 * exact + row.T @ row
        values, vectors, lost = shrink(values, vectors, row, rank, beta2)
        ours = beta2 * ours + lost
        other = np.sqrt(beta2) * other + lost
        error = float(np.linalg.eigvalsh(exact - covariance(values, vectors))[-1])
        limit = omega(exact, rank)
        assert error <= ours * (1.0 + 1e-9) + 1e-12
        assert ours <= limit * (1.0 + 1e-9) + 1e-12
        tightest = max(tightest, ours / limit if limit > 0.0 else 0.0)
        violations += other > limit
    assert tightest > 0.9
    assert violations > 1000
    assert other / ours == pytest.approx(1.0 + np.sqrt(beta2), rel=0.02)


def test_one_batch_differs_from_its_rows_one_by_one_and_both_obey_lemma_1() -> None:
    rows = np.random.default_rng(1).standard_normal((6, 5))
    values, _, escaped = shrink(np.empty(0), np.empty((0, 5)), rows, 2)
    single, vectors, total = np.empty(0), np.empty((0, 5)), 0.0
    for row in rows:
        single, vectors, lost = shrink(single, vectors, row[None], 2)
        total += lost
    limit = omega(rows.T @ rows, 2)
    assert escaped != pytest.approx(total)
    assert escaped <= limit
    assert total <= limit
    assert np.linalg.eigvalsh(rows.T @ rows)[::-1][2] == pytest.approx(escaped)
    assert values.sum() == pytest.approx(np.linalg.eigvalsh(rows.T @ rows)[::-1][:2].sum() - 2 * escaped)


@pytest.mark.parametrize("buffer", [None, 1])
@pytest.mark.parametrize("rank", [1, 3, 8, 20])
@pytest.mark.parametrize("decay", [1.0, 0.9])
def test_batches_and_single_vectors_mix_in_the_public_sketch(rank: int, decay: float, buffer: int | None) -> None:
    generator = np.random.default_rng(4)
    sketch = FrequentDirections(8, rank, decay=decay, buffer=buffer)
    values, vectors, escaped = np.empty(0), np.empty((0, 8)), 0.0
    exact = np.zeros((8, 8))
    for t in range(30):
        rows = 1.3**t * generator.standard_normal((1 if t % 3 == 0 else 4, 8)) * np.arange(1, 9) ** -1.0
        (sketch.update if t % 3 == 0 else sketch.update_batch)(rows)
        values, vectors, lost = shrink(values, vectors, rows, rank, decay)
        escaped = decay * escaped + lost
        exact = decay * exact + rows.T @ rows
    np.testing.assert_allclose(sketch.covariance(), covariance(values, vectors), atol=1e-9 * values[0])
    assert sketch.escaped_mass == pytest.approx(escaped, rel=1e-9)
    small = 1e-9 * float(np.trace(exact))
    error = np.linalg.eigvalsh(exact - sketch.covariance())
    half = np.linalg.eigvalsh(exact - sketch.covariance("half"))
    full = np.linalg.eigvalsh(exact - sketch.covariance("full"))
    assert error[0] >= -small
    assert error[-1] <= escaped + small
    assert np.abs(half).max() <= 0.5 * escaped + small
    assert full[-1] <= small
    assert full[0] >= -escaped - small


def test_a_batch_that_is_not_finite_leaves_the_sketch_alone() -> None:
    sketch = FrequentDirections(3, 2)
    sketch.update_batch(np.eye(3))
    before = sketch.covariance()
    with pytest.raises(NumericsError):
        sketch.update_batch(np.array([[1.0, np.nan, 0.0]]))
    with pytest.raises(ProtocolError):
        sketch.update_batch(np.ones((2, 4)))
    np.testing.assert_array_equal(sketch.covariance(), before)
    sketch.update_batch(np.zeros((2, 3)))
    np.testing.assert_allclose(sketch.covariance(), before, atol=1e-15)
