"""Frequent Directions from first principles: sandwich, trace identity, monotone growth, merge, numerics policy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oco.errors import ConfigError, NumericsError, ProtocolError
from oco.learners.base import state_floats
from oco.learners.plain import FrequentDirections as PlainFrequentDirections
from oco.sketching import FrequentDirections
from oco.sketching.state import SketchState


@st.composite
def streams(draw):
    """Integer vectors, so that repeats, zeros and rank deficiency are common; in all sizes of unit."""
    dimension = draw(st.integers(1, 8))
    rounds = draw(st.integers(1, 20))
    entries = draw(
        st.lists(st.lists(st.integers(-3, 3), min_size=dimension, max_size=dimension), min_size=rounds, max_size=rounds)
    )
    return np.array(entries, dtype=float) * draw(st.sampled_from([1.0, 1e-3, 1e4]))


def smallest_eigenvalue(matrix):
    return np.linalg.eigvalsh(matrix)[0]


@settings(max_examples=150, deadline=None)
@given(rows=streams(), rank=st.integers(1, 9), buffer=st.integers(1, 4))
def test_sandwich_trace_and_monotone_growth_at_every_round(rows, rank, buffer):
    dimension = rows.shape[1]
    sketch = FrequentDirections(dimension, rank, buffer=buffer)
    covariance = np.zeros((dimension, dimension))
    before = np.zeros((dimension, dimension))
    for row in rows:
        sketch.update(row)
        covariance += np.outer(row, row)
        slack = 1e-12 * max(np.trace(covariance), 1e-300)
        low = sketch.covariance()
        high = low + sketch.escaped_mass * np.eye(dimension)
        assert smallest_eigenvalue(covariance - low) >= -slack
        assert smallest_eigenvalue(high - covariance) >= -slack
        assert smallest_eigenvalue(high - before) >= -slack
        assert abs((rank + 1) * sketch.escaped_mass - (np.trace(covariance) - np.trace(low))) <= slack * (rank + 1)
        assert np.all(np.diff(sketch.eigenvalues) <= 0.0)
        assert sketch.eigenvalues.size <= min(rank, dimension)
        before = high


@settings(max_examples=80, deadline=None)
@given(rows=streams(), rank=st.integers(1, 6))
def test_escaped_mass_obeys_lemma_1(rows, rank):
    sketch = FrequentDirections(rows.shape[1], rank)
    sketch.update(rows)
    values = np.linalg.eigvalsh(rows.T @ rows)[::-1]
    omega = min(values[j:].sum() / (rank + 1 - j) for j in range(rank + 1))
    assert sketch.escaped_mass <= omega + 1e-12 * values.sum()


@settings(max_examples=80, deadline=None)
@given(first=streams(), second=streams(), ranks=st.tuples(st.integers(1, 5), st.integers(1, 5)))
def test_merge_is_a_sketch_of_both_streams(first, second, ranks):
    dimension = min(first.shape[1], second.shape[1])
    first, second = first[:, :dimension].copy(), second[:, :dimension].copy()
    left, right = FrequentDirections(dimension, ranks[0]), FrequentDirections(dimension, ranks[1])
    left.update(first)
    right.update(second)
    kept = right.covariance()
    left.merge(right)
    covariance = first.T @ first + second.T @ second
    slack = 1e-12 * max(np.trace(covariance), 1e-300)
    low = left.covariance()
    assert smallest_eigenvalue(covariance - low) >= -slack
    assert smallest_eigenvalue(low + left.escaped_mass * np.eye(dimension) - covariance) >= -slack
    assert np.array_equal(right.covariance(), kept)
    if ranks[0] == ranks[1]:
        assert (ranks[0] + 1) * left.escaped_mass <= np.trace(covariance) - np.trace(low) + slack * ranks[0]


@settings(max_examples=80, deadline=None)
@given(rows=streams(), rank=st.integers(1, 6), decay=st.sampled_from([0.5, 0.9, 0.999]))
def test_exponential_weights_obey_observation_6(rows, rank, decay):
    """|Gbar - G|_2 <= rho <= Omega of the weighted covariance, with the escaped mass decayed by the same factor."""
    dimension = rows.shape[1]
    sketch = FrequentDirections(dimension, rank, decay=decay)
    covariance = np.zeros((dimension, dimension))
    for row in rows:
        sketch.update(row)
        covariance = decay * covariance + np.outer(row, row)
    values = np.linalg.eigvalsh(covariance)[::-1]
    slack = 1e-12 * max(values.sum(), 1e-300)
    omega = min(values[j:].sum() / (rank + 1 - j) for j in range(min(rank, dimension) + 1))
    assert np.linalg.norm(sketch.covariance() - covariance, 2) <= sketch.escaped_mass + slack
    assert sketch.escaped_mass <= omega + slack


@pytest.mark.parametrize(
    ("dimension", "rank", "buffer"), [(40, 7, 1), (40, 7, 5), (40, 30, 3), (40, 39, 1), (12, 4, 20)]
)
def test_every_form_is_an_svd_every_round(dimension, rank, buffer):
    rng = np.random.default_rng(0)
    sketch, plain = FrequentDirections(dimension, rank, buffer=buffer), PlainFrequentDirections(dimension, rank)
    for _ in range(500):
        vector = rng.standard_normal(dimension) * np.logspace(0, -3, dimension)
        sketch.update(vector)
        plain.update(vector)
    assert np.allclose(sketch.covariance(), plain.covariance(), rtol=0, atol=1e-11 * plain.values[0])
    assert sketch.escaped_mass == pytest.approx(plain.escaped_mass, rel=1e-11)
    assert np.abs(sketch.directions @ sketch.directions.T - np.eye(len(sketch.directions))).max() < 1e-13


def test_hand_computed_rounds():
    """diag(9, 4) with k = 1: 4 escapes. Then (0, 3): diag(5, 9), 5 escapes and the direction changes."""
    sketch = FrequentDirections(2, 1)
    sketch.update([3.0, 0.0])
    sketch.update([0.0, 2.0])
    assert sketch.escaped_mass == pytest.approx(4.0)
    assert sketch.covariance() == pytest.approx(np.diag([5.0, 0.0]))
    sketch.update([0.0, 3.0])
    assert sketch.escaped_mass == pytest.approx(9.0)
    assert sketch.covariance() == pytest.approx(np.diag([0.0, 4.0]))


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1.0, 1e30, 1e150])
@pytest.mark.parametrize("buffer", [1, 100])
def test_results_scale_with_the_vectors(scale, buffer):
    rows = np.random.default_rng(1).standard_normal((60, 12))
    plain, scaled = FrequentDirections(12, 3, buffer=buffer), FrequentDirections(12, 3, buffer=buffer)
    plain.update(rows)
    scaled.update(scale * rows)
    assert scaled.eigenvalues / scale / scale == pytest.approx(plain.eigenvalues, rel=1e-12)
    assert scaled.escaped_mass / scale / scale == pytest.approx(plain.escaped_mass, rel=1e-12)


def test_vectors_that_grow_by_300_decades():
    sketch = FrequentDirections(6, 2)
    sizes = 10.0 ** np.arange(-150, 151, 10)
    rows = np.random.default_rng(2).standard_normal((sizes.size, 6)) * sizes[:, None]
    sketch.update(rows)
    last = FrequentDirections(6, 2)
    last.update(rows[-3:])
    assert sketch.eigenvalues == pytest.approx(last.eigenvalues, rel=1e-12)
    sketch.update(rows[0])  # 300 decades below: nothing changes
    assert sketch.eigenvalues == pytest.approx(last.eigenvalues, rel=1e-12)


def test_zero_vectors_change_nothing():
    sketch = FrequentDirections(5, 2)
    sketch.update(np.zeros((3, 5)))
    assert sketch.eigenvalues.size == 0
    assert sketch.escaped_mass == 0.0
    sketch.update(np.eye(5)[:3])
    before = sketch.state.numbers[:7].copy()
    sketch.update(np.zeros(5))
    assert np.array_equal(np.delete(before, [4, 5]), np.delete(sketch.state.numbers[:7], [4, 5]))


def test_round_off_never_escapes_from_a_low_rank_stream():
    """1,000 vectors of a 3-dimensional subspace, rank 3 to 6: nothing escapes, exactly."""
    rng = np.random.default_rng(3)
    subspace = rng.standard_normal((3, 20))
    for rank in (3, 4, 6):
        sketch = FrequentDirections(20, rank)
        sketch.update(rng.standard_normal((1000, 3)) @ subspace)
        assert sketch.escaped_mass == 0.0
        assert sketch.eigenvalues.size == 3


def test_a_repeated_vector_is_one_direction():
    sketch = FrequentDirections(20, 4)
    vector = np.random.default_rng(4).standard_normal(20)
    sketch.update(np.tile(vector, (500, 1)))
    assert sketch.eigenvalues == pytest.approx([500 * vector @ vector], rel=1e-12)
    assert sketch.escaped_mass == 0.0


def test_equal_eigenvalues_all_escape_together():
    """The identity, twice: rho = 1 after the (k + 1)-th vector, all eigenvalues zero again, and so on."""
    sketch = FrequentDirections(4, 3)
    sketch.update(np.eye(4))
    assert sketch.escaped_mass == pytest.approx(1.0)
    assert sketch.eigenvalues.max(initial=0.0) < 1e-14
    sketch.update(np.eye(4)[:2])
    assert sketch.eigenvalues[:2] == pytest.approx([1.0, 1.0])
    assert sketch.eigenvalues[2:].max(initial=0.0) < 1e-14


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_leaves_the_sketch_as_it_was(bad):
    for buffer in (1, 10):
        sketch = FrequentDirections(6, 2, buffer=buffer)
        sketch.update(np.random.default_rng(5).standard_normal((9, 6)))
        before = sketch.copy()
        with pytest.raises(NumericsError, match="vector 0 has an entry that is not finite"):
            sketch.update([1.0, bad, 0.0, 0.0, 0.0, 0.0])
        for name in ("basis", "directions", "numbers"):
            assert np.array_equal(getattr(sketch.state, name), getattr(before.state, name))


def test_wrong_input_is_refused_in_one_sentence():
    with pytest.raises(ProtocolError, match=r"vectors must have shape \(3,\) or \(n, 3\), got \(4,\)"):
        FrequentDirections(3, 1).update(np.zeros(4))
    for keywords in ({"rank": 0}, {"rank": 1, "decay": 0.0}, {"rank": 1, "buffer": 0}):
        with pytest.raises(ConfigError, match="must"):
            FrequentDirections(3, **keywords)
    with pytest.raises(ConfigError, match="dimensions 3 and 4"):
        FrequentDirections(3, 1).merge(FrequentDirections(4, 1))


@pytest.mark.parametrize(("dimension", "rank", "buffer"), [(10, 3, 2), (10, 3, 7), (10, 10, 1), (10, 20, 1), (1, 1, 1)])
@pytest.mark.parametrize("coordinates", [False, True])
def test_the_formula_counts_the_floats(dimension, rank, buffer, coordinates):
    state = SketchState.empty(dimension, rank, buffer, coordinates)
    assert state_floats(state) == SketchState.floats(dimension, rank, buffer, coordinates)
