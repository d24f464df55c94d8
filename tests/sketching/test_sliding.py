"""Frequent Directions over a sliding window: the guarantee in every round, its limits, and its size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oco.errors import ConfigError, NumericsError, ProtocolError
from oco.sketching import FrequentDirections, SlidingFrequentDirections


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**16), size=st.integers(1, 6), rank=st.integers(1, 7), window=st.integers(1, 20),
    threshold=st.sampled_from([0.1, 2.0, 20.0]), drift=st.booleans(),
)  # fmt: skip
def test_the_guarantee(seed: int, size: int, rank: int, window: int, threshold: float, drift: bool) -> None:
    """``G - rho I <= Gbar <= G + theta I`` for the exact window, and the count of snapshots."""
    generator = np.random.default_rng(seed)
    vectors = generator.standard_normal((70, size)) * np.linspace(1.0, 0.1, size)
    if drift:
        vectors[20:40] *= 10.0
        vectors[40:50] = 0.0
    sketch = SlidingFrequentDirections(size, rank, window, threshold)
    for t, vector in enumerate(vectors, start=1):
        sketch.update(vector)
        kept = vectors[max(0, t - window) : t]
        gap = sketch.covariance() - kept.T @ kept
        small = 1e-9 * (1.0 + float(np.sum(vectors**2)))
        values = np.linalg.eigvalsh(gap)
        assert values[0] >= -sketch.escaped_mass - small
        assert values[-1] <= threshold + small
        recent = vectors[max(0, t - 2 * window) : t]
        assert len(sketch.rows) <= rank + float(np.sum(recent**2)) / threshold
        if rank >= size:
            assert sketch.escaped_mass == 0.0


def test_in_a_window_without_end_and_without_snapshots_it_is_frequent_directions() -> None:
    vectors = np.random.default_rng(0).standard_normal((40, 5))
    sketch, whole = SlidingFrequentDirections(5, 2, 100, 1e9), FrequentDirections(5, 2)
    for vector in vectors:
        sketch.update(vector)
    whole.update(vectors)
    np.testing.assert_allclose(sketch.covariance(), whole.covariance(), atol=1e-10)
    assert sketch.escaped_mass == pytest.approx(whole.escaped_mass)


def test_with_every_vector_a_snapshot_the_window_is_exact() -> None:
    vectors = np.random.default_rng(1).standard_normal((40, 3))
    sketch = SlidingFrequentDirections(3, 1, 7, 1e-12)
    for t, vector in enumerate(vectors, start=1):
        sketch.update(vector)
        kept = vectors[max(0, t - 7) : t]
        np.testing.assert_allclose(sketch.covariance(), kept.T @ kept, atol=1e-12)


@pytest.mark.parametrize("wrong", [{"rank": 0}, {"window": 0}, {"threshold": 0.0}, {"dimension": 0}])
def test_numbers_out_of_range_are_refused_by_name(wrong: dict[str, float]) -> None:
    keywords = {"dimension": 3, "rank": 1, "window": 5, "threshold": 1.0} | wrong
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        SlidingFrequentDirections(**keywords)  # type: ignore[arg-type]


def test_a_vector_that_cannot_be_taken_leaves_the_sketch_alone() -> None:
    sketch = SlidingFrequentDirections(2, 1, 5, 1.0)
    sketch.update([0.5, 0.0])
    with pytest.raises(ProtocolError, match="shape"):
        sketch.update([1.0])
    with pytest.raises(NumericsError, match="finite"):
        sketch.update([np.nan, 0.0])
    assert sketch.round == 1
    np.testing.assert_allclose(sketch.covariance(), [[0.25, 0.0], [0.0, 0.0]])
