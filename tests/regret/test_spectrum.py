"""The spectrum of the gradient covariance: exact, by operator and by sketch, against the full matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import sparse

from oco.errors import NumericsError
from oco.regret import GradientCovariance, Spectrum, gradient_spectrum


def decaying_rows(count: int, dimension: int, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.standard_normal((count, dimension)) / np.arange(1, dimension + 1)


def eigenvalues(rows: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    return np.linalg.eigvalsh((rows * slopes[:, None]).T @ (rows * slopes[:, None]))[::-1]


@pytest.mark.parametrize(("count", "dimension"), [(40, 7), (7, 40), (1, 5), (5, 1), (1, 1)])
@pytest.mark.parametrize("compact", [False, True])
def test_small_spectra_are_exact(count: int, dimension: int, compact: bool) -> None:
    rows = decaying_rows(count, dimension)
    slopes = np.random.default_rng(1).standard_normal(count)
    found = gradient_spectrum(sparse.csr_array(rows) if compact else rows, slopes)
    truth = eigenvalues(rows, slopes)
    assert found.complete
    assert found.slack == 0.0
    np.testing.assert_allclose(found.top, np.maximum(truth, 0.0), atol=1e-12 * truth[0])
    assert found.trace == pytest.approx(truth.sum(), rel=1e-12)
    assert found.trace_root().width == 0.0


@pytest.mark.parametrize("compact", [False, True])
def test_spectra_by_operator_bracket_the_truth(compact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oco.regret.row_spectrum.EXACT_SIZE", 10)
    rows, slopes = decaying_rows(300, 120), np.random.default_rng(1).standard_normal(300)
    found = gradient_spectrum(sparse.csr_array(rows) if compact else rows, slopes, top=12)
    truth = np.maximum(eigenvalues(rows, slopes), 0.0)
    assert found.top.size == 12
    assert 0.0 < found.slack <= 1e-7 * truth[0]
    assert np.all(found.top <= truth[:12] * (1.0 + 1e-12))
    assert np.all(truth[:12] <= found.top + found.slack)
    for rank in range(13):
        bracket = found.tail_bracket(rank)
        assert bracket.lower - 1e-10 <= truth[rank:].sum() <= bracket.upper + 1e-10
    assert np.sqrt(truth).sum() in found.trace_root()


def test_no_matrix_of_size_d_squared_is_made_for_wide_sparse_rows() -> None:
    generator = np.random.default_rng(0)
    rows = sparse.random_array((2000, 200_000), density=1e-4, rng=generator, format="csr")
    found = gradient_spectrum(rows, np.ones(2000), top=5)
    assert found.top.size == 5
    assert found.trace == pytest.approx(float((rows.data**2).sum()))


def test_zero_gradients_have_a_zero_spectrum() -> None:
    found = gradient_spectrum(np.zeros((3, 2)), np.zeros(3))
    assert found.trace == 0.0
    assert found.intrinsic_dimension() == 0.0
    assert found.trace_root().upper == 0.0
    with pytest.raises(NumericsError, match="not finite"):
        gradient_spectrum(np.ones((1, 2)), np.array([np.nan]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=12), st.integers(0, 12), st.floats(0.0, 0.5))
@example([1.0] * 9 + [48567.0, 1e6, 1e-10], 11, 0.0)
def test_brackets_hold_for_any_spectrum(values: list[float], known: int, share: float) -> None:
    truth = np.sort(np.array(values))[::-1]
    slack = share * float(truth[0])
    top = np.maximum(truth[:known] - share * slack, 0.0)
    partial = Spectrum(truth.size, top, float(truth.sum()), slack if known else 0.0)
    root, exact = partial.trace_root(), float(np.sqrt(truth).sum())
    assert root.lower <= exact * (1.0 + 1e-9) + 1e-9
    assert exact <= root.upper * (1.0 + 1e-9) + 1e-9
    for rank in range(min(known, truth.size) + 1):
        bracket = partial.tail_bracket(rank)
        tail = float(truth[rank:].sum())
        assert bracket.lower - 1e-9 * truth.sum() <= tail <= bracket.upper + 1e-9 * truth.sum()


def test_omega_is_its_definition_for_every_sketch_size() -> None:
    truth = np.array([9.0, 4.0, 1.0, 1.0, 0.5])
    whole = Spectrum(5, truth, 15.5)
    for ell, omega in enumerate(whole.omegas(6), start=1):
        expected = min(truth[k:].sum() / (ell - k) for k in range(min(ell, 6)))
        assert omega == pytest.approx(expected)
        assert omega == pytest.approx(whole.omega(ell))
    assert np.all(np.diff(whole.omegas(6)) <= 0.0)


def test_known_numbers_of_a_power_law() -> None:
    whole = Spectrum(3, np.array([16.0, 4.0, 1.0]), 21.0)
    assert whole.trace_root().lower == 7.0
    assert whole.intrinsic_dimension() == 21.0 / 16.0
    assert whole.tail_mass(1) == 5.0
    with pytest.raises(ValueError, match="needs 2 eigenvalues"):
        Spectrum(3, np.array([16.0]), 21.0).tail_mass(2)


@pytest.mark.parametrize("dimension", [3, 30])
def test_accumulated_covariance_is_that_of_the_rows(dimension: int) -> None:
    rows, slopes = decaying_rows(200, dimension), np.random.default_rng(1).standard_normal(200)
    accumulated = GradientCovariance(dimension)
    accumulated.add_rows(rows[:100], slopes[:100])
    accumulated.add_rows(sparse.csr_array(rows[100:150]), slopes[100:150])
    for row, slope in zip(rows[150:], slopes[150:], strict=True):
        accumulated.add(slope * row)
    found = accumulated.spectrum()
    assert found is not None
    np.testing.assert_allclose(found.top, gradient_spectrum(rows, slopes).top, atol=1e-10)


def test_sketched_covariance_brackets_every_eigenvalue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oco.regret.covariance.DENSE_DIMENSION", 10)
    rows, slopes = decaying_rows(300, 40), np.random.default_rng(1).standard_normal(300)
    accumulated = GradientCovariance(40, sketch_rank=8)
    accumulated.add_rows(sparse.csr_array(rows[:150]), slopes[:150])
    for row, slope in zip(rows[150:], slopes[150:], strict=True):
        accumulated.add(slope * row)
    found = accumulated.spectrum()
    assert found is not None
    truth = eigenvalues(rows, slopes)
    size = found.top.size
    assert size == 8
    assert np.all(found.top <= truth[:size] * (1.0 + 1e-9))
    assert np.all(truth[:size] <= (found.top + found.slack) * (1.0 + 1e-9))
    assert np.sqrt(np.maximum(truth, 0.0)).sum() in found.trace_root()
    assert GradientCovariance(40).spectrum() is None
