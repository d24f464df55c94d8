"""Multinomial logistic comparators: certificates, known optima, matrix domains."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, sparse
from scipy.special import logsumexp
from sklearn.datasets import load_digits

from oco.comparators import anytime, best_fixed_point
from oco.domains import FrobeniusBall, Unbounded
from oco.losses import MultinomialBlock


def rounds(count: int = 120, seed: int = 0) -> MultinomialBlock:
    generator = np.random.default_rng(seed)
    return MultinomialBlock(generator.standard_normal((count, 3)), generator.integers(0, 4, count), 4)


def total(block: MultinomialBlock, point: np.ndarray) -> float:
    margins = block.rows @ point.T
    return float((logsumexp(margins, axis=1) - margins[np.arange(len(block)), block.labels]).sum())


@pytest.mark.parametrize("radius", [0.1, 1.0, 50.0])
def test_certificate_on_a_frobenius_ball(radius: float) -> None:
    block = rounds()
    best = best_fixed_point(block, FrobeniusBall(radius))
    assert best.tight
    assert best.point.shape == (4, 3)
    assert np.linalg.norm(best.point) <= radius * (1.0 + 1e-14)
    assert total(block, best.point) <= best.value.upper
    generator = np.random.default_rng(1)
    for scale in (1.0, 1e-2, 1e-5):
        for _ in range(50):
            other = best.point + scale * radius * generator.standard_normal((4, 3))
            other *= min(1.0, radius / float(np.linalg.norm(other)))
            assert total(block, other) >= best.value.lower


def test_whole_space_agrees_with_a_general_purpose_minimizer() -> None:
    block = rounds()
    best = best_fixed_point(block, Unbounded())
    found = optimize.minimize(lambda flat: total(block, flat.reshape(4, 3)), np.zeros(12), method="BFGS", tol=1e-6)
    assert best.tight
    assert best.value.lower <= found.fun
    assert best.value.upper == pytest.approx(found.fun, rel=1e-6)


def test_sparse_rows_and_products_without_a_formed_hessian(monkeypatch: pytest.MonkeyPatch) -> None:
    block = rounds()
    formed = best_fixed_point(block, FrobeniusBall(1.0))
    monkeypatch.setattr("oco.comparators.newton.FORMED_DIMENSION", 0)
    compact = MultinomialBlock(sparse.csr_array(block.rows), block.labels, block.n_classes)
    same = best_fixed_point(compact, FrobeniusBall(1.0))
    assert same.tight
    assert same.value.upper == pytest.approx(formed.value.upper, rel=1e-6)


def test_curve_on_digits() -> None:
    rows, labels = load_digits(return_X_y=True)
    block = MultinomialBlock(np.ascontiguousarray(rows / 16.0), labels, 10)
    curve = anytime(block, FrobeniusBall(2.0), [10, 100, 1797])
    assert curve.tight
    assert np.all(np.diff(curve.lower) >= 0.0)


def test_separable_classes_have_no_minimizer_on_the_whole_space() -> None:
    generator = np.random.default_rng(0)
    rows = generator.standard_normal((200, 3))
    labels = np.argmax(rows @ generator.standard_normal((4, 3)).T, axis=1)
    best = best_fixed_point(MultinomialBlock(rows, labels, 4), Unbounded())
    assert "no minimizer exists: the rows are separable" in best.note
    assert best.tight
    assert best.value.lower == 0.0
    assert np.linalg.norm(best.point) < 5e3
    assert best_fixed_point(MultinomialBlock(rows, labels, 4), FrobeniusBall(3.0)).note == ""
    assert best_fixed_point(rounds(), Unbounded()).note == ""


def test_one_class_that_is_separable_from_the_rest_has_no_minimizer_either() -> None:
    generator = np.random.default_rng(0)
    rows = np.hstack([generator.standard_normal((300, 2)), np.zeros((300, 1))])
    labels = generator.integers(0, 2, 300)
    rows[:100], labels[:100] = [0.0, 0.0, 1.0], 2
    best = best_fixed_point(MultinomialBlock(rows, labels, 3), Unbounded())
    assert best.tight
    assert "no minimizer" in best.note
    assert np.linalg.norm(best.point) < 5e3
