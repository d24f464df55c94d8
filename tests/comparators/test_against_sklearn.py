"""Comparators agree with scikit-learn's penalized estimators, through the Lagrange multiplier of the ball."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import Lasso, LogisticRegression, QuantileRegressor, Ridge
from sklearn.svm import LinearSVC

from oco.comparators import best_fixed_point, certify
from oco.domains import Ball, FrobeniusBall, L1Ball
from oco.losses import MultinomialBlock, RowBlock, scalar_loss


def data() -> tuple[np.ndarray, np.ndarray]:
    rows, labels = load_breast_cancer(return_X_y=True)
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    return np.ascontiguousarray(rows), np.where(labels == 1, 1.0, -1.0)


def value(name: str, rows: np.ndarray, targets: np.ndarray, point: np.ndarray) -> float:
    return float(scalar_loss(name).values_and_derivatives(rows @ point, targets)[0].sum())


@pytest.mark.parametrize(
    ("name", "estimator"),
    [
        ("logistic", LogisticRegression(C=0.1, fit_intercept=False, tol=1e-10, max_iter=10_000)),
        ("squared_hinge", LinearSVC(C=0.01, loss="squared_hinge", fit_intercept=False, tol=1e-10, max_iter=200_000)),
        ("hinge", LinearSVC(C=0.01, loss="hinge", fit_intercept=False, tol=1e-8, max_iter=2_000_000, random_state=0)),
        ("squared", Ridge(alpha=10.0, fit_intercept=False, tol=1e-12)),
    ],
)
def test_a_penalized_minimizer_is_the_best_point_of_the_ball_through_it(name: str, estimator) -> None:
    rows, targets = data()
    fitted = np.ravel(estimator.fit(rows, targets).coef_)
    radius = float(np.linalg.norm(fitted))
    best = best_fixed_point(RowBlock(scalar_loss(name), rows, targets), Ball(radius, dimension=rows.shape[1]))
    reached = value(name, rows, targets, fitted)
    assert best.tight
    assert best.value.lower <= reached * (1.0 + 1e-9)
    assert best.value.upper == pytest.approx(reached, rel=1e-4 if name == "hinge" else 1e-6)


def test_the_lasso_is_the_best_point_of_the_l1_ball_through_it() -> None:
    rows, targets = data()
    fitted = Lasso(alpha=0.05, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(rows, targets).coef_
    domain = L1Ball(float(np.abs(fitted).sum()), dimension=rows.shape[1])
    best = best_fixed_point(RowBlock(scalar_loss("squared"), rows, targets), domain)
    assert best.tight
    assert best.value.upper == pytest.approx(value("squared", rows, targets, fitted), rel=1e-6)
    np.testing.assert_allclose(best.point, fitted, atol=1e-3)


def test_a_quantile_regression_is_the_best_point_of_the_l1_ball_through_it() -> None:
    rows, targets = data()
    rows = rows[:150, :8]
    targets = targets[:150] + np.sin(np.arange(150.0))
    fitted = QuantileRegressor(quantile=0.8, alpha=0.02, fit_intercept=False, solver="highs").fit(rows, targets).coef_
    domain = L1Ball(float(np.abs(fitted).sum()), dimension=8)
    loss = scalar_loss("quantile", tau=0.8)
    best = best_fixed_point(RowBlock(loss, rows, targets), domain)
    reached = float(loss.values_and_derivatives(rows @ fitted, targets)[0].sum())
    assert best.tight
    assert best.value.lower <= reached * (1.0 + 1e-9)
    assert best.value.upper == pytest.approx(reached, rel=1e-4)


def test_a_multinomial_regression_is_the_best_point_of_the_frobenius_ball_through_it() -> None:
    rows, labels = load_iris(return_X_y=True)
    rows = np.ascontiguousarray(rows - rows.mean(axis=0))
    fitted = LogisticRegression(C=0.5, fit_intercept=False, tol=1e-10, max_iter=10_000).fit(rows, labels).coef_
    domain = FrobeniusBall(float(np.linalg.norm(fitted)))
    block = MultinomialBlock(rows, labels, 3)
    best, theirs = best_fixed_point(block, domain), certify(block, domain, fitted)
    assert best.tight
    assert theirs.tight
    assert best.value.upper == pytest.approx(theirs.value.upper, rel=1e-6)
    np.testing.assert_allclose(best.point, fitted, atol=1e-3)
