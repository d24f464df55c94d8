"""The spectra piece of the paper: its random baselines, computed exactly, and what its tables are made of."""

from __future__ import annotations

import math

import numpy as np
import pytest

from paper_figures import network_spectra
from paper_figures.network_spectra import BASELINES, BETA2, baseline_table, random_baseline, stored_baselines


@pytest.mark.parametrize("columns", [1, 3])
def test_the_average_of_normal_matrices_is_summed_exactly(columns):
    found = random_baseline(columns, seed=4, dimension=24, steps=60)
    rows = np.random.default_rng(4).standard_normal((60 * columns, 24), dtype=np.float32).astype(float)
    covariance = sum(BETA2**step * part.T @ part for step, part in enumerate(rows.reshape(60, columns, 24)))
    values = np.linalg.eigvalsh(covariance)
    assert found[0] == pytest.approx(np.trace(covariance) / values[-1], rel=1e-5)
    assert found[1] == pytest.approx(values[-6:].sum() / values.sum(), rel=1e-5)


def test_trials_are_kept_and_only_missing_ones_computed(tmp_path, monkeypatch):
    computed = []

    def quick(columns: int, seed: int) -> tuple[float, float]:
        computed.append((columns, seed))
        return 100.0 + seed, 0.5

    monkeypatch.setattr(network_spectra, "random_baseline", quick)
    monkeypatch.setattr(network_spectra, "cores", lambda: 1)
    path = tmp_path / "trials.csv"
    stored_baselines(path, {1: 2})
    table = baseline_table(stored_baselines(path, {1: 3, 64: 1}))
    assert computed == [(1, 0), (1, 1), (1, 2), (64, 0)]
    assert table["trials"].tolist() == [3, 1]
    assert table["intrinsic_dimension"][0] == pytest.approx(101.0)
    assert table["standard_error"][0] == pytest.approx(1.0 / math.sqrt(3))


@pytest.mark.slow
def test_the_published_baseline_of_single_columns():
    """324.63 +- 0.52 over 20 trials; eight of ours have a standard error of about 0.8."""
    ours = [random_baseline(1, seed)[0] for seed in range(100, 108)]
    published, error = BASELINES[1]
    assert abs(np.mean(ours) - published) < 3.5 * math.hypot(error, np.std(ours, ddof=1) / math.sqrt(len(ours)))


@pytest.mark.slow
def test_the_published_baseline_of_64_columns():
    """862.13 +- 0.25 over 20 trials, so one trial spreads by 1.1."""
    published, error = BASELINES[64]
    assert abs(random_baseline(64, 100)[0] - published) < 3.5 * error * math.sqrt(20 + 1)
