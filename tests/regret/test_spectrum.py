"""The spectrum of the gradient covariance: exact, by operator and by sketch, against the full matrix."""

from __future__ import annotations

import itertools
from decimal import Decimal, localcontext

import numpy as np
import pytest
from exact_minimum import exact
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import sparse

import oco
from oco.errors import NumericsError
from oco.regret import GradientCovariance, Spectrum, gradient_spectrum


def decaying_rows(count: int, dimension: int, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.standard_normal((count, dimension)) / np.arange(1, dimension + 1)


def eigenvalues(rows: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    return np.linalg.eigvalsh((rows * slopes[:, None]).T @ (rows * slopes[:, None]))[::-1]


def singular_sum(matrix: np.ndarray) -> Decimal:
    """Sum of the singular values to 40 digits: Jacobi rotations of pairs of columns until all are orthogonal."""
    columns = [exact(column) for column in (matrix if matrix.shape[0] < matrix.shape[1] else matrix.T)]
    for _ in range(30):
        turned = False
        for i, j in itertools.combinations(range(len(columns)), 2):
            a, b = columns[i], columns[j]
            own, other, shared = a @ a, b @ b, a @ b
            if abs(shared) <= Decimal("1e-45") * (own * other).sqrt() or not shared:
                continue
            ratio = (other - own) / (2 * shared)
            tangent = (1 if ratio >= 0 else -1) / (abs(ratio) + (1 + ratio * ratio).sqrt())
            cosine = 1 / (1 + tangent * tangent).sqrt()
            columns[i], columns[j] = cosine * (a - tangent * b), cosine * (tangent * a + b)
            turned = True
        if not turned:
            break
    return sum(((column @ column).sqrt() for column in columns), Decimal(0))


def held(found: Spectrum, gradients: np.ndarray, width: float = 1e-6) -> None:
    """The interval of tr G^(1/2) holds the sum of the gradients' singular values, and is narrow."""
    with localcontext() as context:
        context.prec = 60
        truth, root = singular_sum(gradients), found.trace_root()
        assert Decimal(root.lower) <= truth <= Decimal(root.upper)
        assert root.width <= width * float(truth)


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
    held(found, (rows * slopes[:, None]))


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


def test_blocks_of_any_length_share_memory_that_no_snapshot_has() -> None:
    rows, slopes = decaying_rows(200, 6), np.random.default_rng(1).standard_normal(200)
    slopes[20:60] = 0.0
    accumulated = GradientCovariance(6)
    for start, stop in ((0, 30), (30, 150), (150, 155), (155, 200)):
        accumulated.add_rows(rows[start:stop], slopes[start:stop])
    found = accumulated.spectrum()
    assert found is not None
    np.testing.assert_allclose(found.top, eigenvalues(rows, slopes), atol=1e-10)
    arrays = [value for value in accumulated.snapshot().values() if isinstance(value, np.ndarray)]
    assert max(array.size for array in arrays) == 64 * 6  # gradients that wait to be added one by one


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


@pytest.mark.parametrize("scale", [1e-150, 1e-8, 1.0, 1e8, 1e150])
@pytest.mark.parametrize(("count", "dimension"), [(1, 12), (3, 12), (12, 3), (6, 6)])
def test_the_trace_of_the_root_holds_the_sum_of_singular_values(count: int, dimension: int, scale: float) -> None:
    rows = scale * decaying_rows(count, dimension)
    accumulated = GradientCovariance(dimension)
    for row in rows:
        accumulated.add(row)
    found = accumulated.spectrum()
    assert found is not None
    held(found, rows, 1e-9)
    held(gradient_spectrum(rows, np.ones(count)), rows, 1e-9)


@pytest.mark.parametrize("compact", [False, True])
def test_repeated_directions_leave_an_interval_and_no_false_number(compact: bool) -> None:
    """More gradients than dimensions, of rank 3: the other eigenvalues are rounding, whose roots are not small."""
    generator = np.random.default_rng(0)
    rows = generator.standard_normal((40, 3)) @ generator.standard_normal((3, 9))
    accumulated = GradientCovariance(9)
    accumulated.add_rows(sparse.csr_array(rows) if compact else rows, np.ones(40))
    found = accumulated.spectrum()
    assert found is not None
    held(found, rows, 1e-5)
    assert found.trace_root().width > 0.0


def test_gradients_too_long_to_be_squared_are_refused_in_a_sentence() -> None:
    for add in (lambda c: c.add(np.array([1e160, 1.0])), lambda c: c.add_rows(np.array([[1e160, 1.0]]), np.ones(1))):
        with pytest.raises(NumericsError, match="squares of the gradients"):
            add(GradientCovariance(2))


@pytest.mark.parametrize("known", [0, 100])
def test_the_sum_of_squares_is_refused_in_the_round_that_it_overflows_in(known: int) -> None:
    """Squares of 1e306: 179 of them are a number of float64, 180 are not, whether they come as rows or one by one."""
    gradient = np.array([1e153, 0.0])
    accumulated = GradientCovariance(2, spectrum=False)
    if known:
        accumulated.add_rows(np.array([gradient] * known), np.ones(known))
        kept = accumulated.snapshot()
        accumulated = GradientCovariance(2, spectrum=False)
        accumulated.restore(kept)
    for _ in range(179 - known):
        accumulated.add(gradient)
    assert accumulated.trace == pytest.approx(1.79e308, rel=1e-12)
    assert accumulated.largest_gradient == 1e153
    with pytest.raises(NumericsError, match="squares of the gradients"):
        accumulated.add(gradient)


@pytest.mark.parametrize(("scale", "valid"), [(1.0, True), (1e-150, True), (1e-158, False), (1e-163, False)])
def test_a_bound_of_squares_that_vanish_is_not_valid(scale: float, valid: bool) -> None:
    rows = scale * np.random.default_rng(0).standard_normal((20, 3))
    record = oco.play(oco.environments.LinearLosses(rows, domain=oco.Ball(1.0)), oco.AdaGradNorm())
    assert record.bound is not None
    assert record.bound.valid == valid == record.scalars["bound_valid"]
    assert not valid or record.regret.upper <= record.bound.value


@pytest.mark.parametrize("one_by_one", [False, True], ids=["rows", "gradients"])
@pytest.mark.parametrize("rounds", [1, 7, 29, 30, 31, 60])
def test_eigenvalues_of_few_gradients_are_the_squares_of_their_singular_values(rounds: int, one_by_one: bool) -> None:
    """Few gradients (30 in 40 dimensions) go another way than many; some are zero, and do not count."""
    rng = np.random.default_rng(rounds)
    rows, slopes = rng.standard_normal((rounds, 40)) * np.logspace(0, -2, 40), rng.standard_normal(rounds)
    slopes[2::3] = 0.0
    covariance = GradientCovariance(40)
    for part in np.array_split(np.arange(rounds), min(rounds, 3)):
        if one_by_one:
            for index in part:
                covariance.add(slopes[index] * rows[index])
        else:
            covariance.add_rows(rows[part], slopes[part])
        again = GradientCovariance(40)
        again.restore(covariance.snapshot())
        until = part[-1] + 1
        singular = np.linalg.svd(slopes[:until, None] * rows[:until], compute_uv=False)
        expected = np.zeros(40)
        expected[: singular.size] = singular**2
        for one in (covariance.spectrum(), again.spectrum()):
            assert one is not None
            assert one.top.shape == (40,)
            assert np.abs(one.top - expected).max() <= one.rounding <= 1e-12 * expected[0]
            root = one.trace_root()
            assert root.lower <= singular.sum() <= root.upper
