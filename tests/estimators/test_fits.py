"""What a fit is: a game of the library, a closed form, a certified regret; and what it does not depend on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import load_iris

import oco
from oco.environments import LeastSquares, LogisticRegression
from oco.estimators import OnlineClassifier, OnlineRegressor
from oco.estimators.rounds import Rounds
from oco.learners import Problem


@pytest.fixture
def rows() -> Any:
    return np.random.default_rng(0).standard_normal((60, 4))


@pytest.fixture
def labels(rows: Any) -> Any:
    return np.where(rows @ [1.0, -2.0, 0.5, 0.0] + 0.3 > 0.0, "yes", "no")


@pytest.mark.parametrize("learner", [oco.FDAdaGrad(rank=2, learning_rate=0.7), oco.DiagonalAdaGrad()])
def test_a_fit_in_the_given_order_is_the_game_of_the_library(learner: Any, rows: Any, labels: Any) -> None:
    model = OnlineClassifier(learner, shuffle=False, radius=2.0, fit_intercept=False).fit(rows, labels)
    targets = np.where(labels == "yes", 1.0, -1.0)
    game = LogisticRegression(rows, targets, order="file", domain=oco.Ball(radius=2.0))
    played = oco.play(game, learner).player
    assert played is not None
    np.testing.assert_array_equal(model.coef_[0], played.prediction)
    assert not hasattr(learner, "state")


@pytest.mark.parametrize("learner", ["fd_adagrad", "adagrad_norm", "adam"])
def test_partial_fits_of_pieces_are_one_fit(learner: str, rows: Any, labels: Any) -> None:
    rank = 2 if learner == "fd_adagrad" else None
    whole = OnlineClassifier(learner, rank=rank, shuffle=False).fit(rows, labels)
    pieces = OnlineClassifier(learner, rank=rank)
    for start in range(0, 60, 7):
        pieces.partial_fit(rows[start : start + 7], labels[start : start + 7], classes=["no", "yes"])
    np.testing.assert_allclose(pieces.coef_, whole.coef_, rtol=1e-9)
    assert pieces.rounds_ == whole.rounds_ == 60


def test_a_partial_fit_continues_a_fit(rows: Any, labels: Any) -> None:
    both = OnlineClassifier(shuffle=False).fit(rows, labels)
    continued = OnlineClassifier(shuffle=False).fit(rows[:40], labels[:40]).partial_fit(rows[40:], labels[40:])
    np.testing.assert_allclose(continued.coef_, both.coef_, rtol=1e-12)


def test_the_order_of_the_rows_does_not_matter_and_that_of_the_seed_does(rows: Any, labels: Any) -> None:
    rows, labels = np.vstack([rows, rows[:10]]), np.append(labels, labels[:10])
    model = OnlineClassifier(random_state=3)
    fitted = model.fit(rows, labels).coef_
    mixed = np.random.default_rng(1).permutation(70)
    np.testing.assert_array_equal(model.fit(rows[mixed], labels[mixed]).coef_, fitted)
    np.testing.assert_allclose(model.fit(csr_array(rows[mixed]), labels[mixed]).coef_, fitted, rtol=1e-12)
    assert not np.array_equal(OnlineClassifier(random_state=4).fit(rows, labels).coef_, fitted)


def test_a_dense_row_a_sparse_row_and_one_with_written_zeros_have_one_place(rows: Any) -> None:
    rows[rows < 0.5] = -0.0
    zeros = csr_array((np.append(csr_array(rows).data, 0.0), np.append(csr_array(rows).indices, 3),
                       np.append(csr_array(rows).indptr[:-1], csr_array(rows).nnz + 1)), shape=rows.shape)  # fmt: skip
    orders = [Rounds.drawn(given, np.zeros(60), None, 1, 5).order for given in (rows, csr_array(rows), zeros)]
    assert len({tuple(order) for order in orders}) == 1
    assert sorted(orders[0]) == list(range(60))


def test_copies_of_a_row_are_spread_and_every_pass_has_its_order() -> None:
    rows = np.repeat(np.eye(2), 200, axis=0)
    order = Rounds.drawn(rows, np.zeros(400), None, 2, 0).order
    first, second = (rows[order[at : at + 400], 0] for at in (0, 400))
    assert sorted(first) == sorted(second) == sorted(rows[:, 0])
    assert not np.array_equal(first, second)
    changes = np.count_nonzero(np.diff(first))  # of 399 fair coins; six deviations are 60
    assert abs(changes - 200) < 60


def test_every_place_of_the_order_is_equally_likely() -> None:
    rows = np.ones((8, 1)) * np.arange(1.0, 9.0)[:, None]
    places = np.zeros((8, 8))
    for seed in range(2000):
        places[Rounds.drawn(rows, np.zeros(8), None, 1, seed).order, np.arange(8)] += 1
    expected = 250.0  # 49 degrees of freedom: a chi-square above 112 has probability 1e-6
    assert np.sum((places - expected) ** 2 / expected) < 112.0


def test_a_fraction_of_a_sample_is_a_fraction_of_its_gradient() -> None:
    """Gradient descent from 0 with a constant step on a row a and target y moves by ``eta w y a``."""
    learner = oco.OGD(learning_rate=0.5, schedule="constant")
    model = OnlineRegressor(learner, radius=None, fit_intercept=False)
    row, target = np.array([[1.0, 2.0]]), [3.0]
    np.testing.assert_allclose(model.fit(row, target, sample_weight=[0.25]).coef_, 0.5 * 0.25 * 3.0 * row[0])
    assert model.rounds_ == 1
    once = 0.5 * 3.0 * row[0]
    twice = once + 0.5 * 0.5 * (3.0 - once @ row[0]) * row[0]
    np.testing.assert_allclose(model.fit(row, target, sample_weight=[1.5]).coef_, twice)
    thrice = twice + 0.5 * 0.5 * (3.0 - twice @ row[0]) * row[0]
    np.testing.assert_allclose(model.partial_fit(row, target, sample_weight=0.5).coef_, thrice)
    assert model.rounds_ == 3


def test_the_regret_of_fractions_of_samples_is_certified(rows: Any) -> None:
    """``w (a x - y)^2 / 2`` is the squared loss of ``sqrt(w) a`` and ``sqrt(w) y``, which has a solver of its own."""
    targets = rows @ [1.0, 0.0, -1.0, 2.0] + 1.0
    weights = np.random.default_rng(2).uniform(0.1, 0.9, 60)
    model = OnlineRegressor(radius=1.0, shuffle=False, fit_intercept=False, track=True)
    model.fit(rows, targets, sample_weight=weights)
    root = np.sqrt(weights)
    best = oco.comparators.best_fixed_point(
        oco.losses.RowBlock(oco.losses.Squared(), root[:, None] * rows, root * targets), oco.Ball(1.0, dimension=4)
    )
    (record,) = model.records_
    exact = record.cumulative_loss - best.value.middle
    assert model.regret_.lower - best.gap <= exact <= model.regret_.upper + best.gap
    assert model.regret_.width <= 2e-3 * best.value.upper
    assert model.regret_.upper <= model.bound_


def test_the_average_is_of_the_points_that_were_played(rows: Any) -> None:
    targets = rows @ [1.0, 0.0, -1.0, 2.0]
    learner = oco.OGD(learning_rate=0.05, schedule="constant")
    given = {"radius": None, "fit_intercept": False, "shuffle": False}
    model = OnlineRegressor(learner, average=True, **given).fit(rows[:40], targets[:40])
    model.partial_fit(rows[40:], targets[40:])
    point, points = np.zeros(4), []
    for row, target in zip(rows, targets, strict=True):
        points.append(point)
        point = point - 0.05 * (row @ point - target) * row
    np.testing.assert_allclose(model.coef_, np.mean(points, axis=0), rtol=1e-12)
    np.testing.assert_allclose(OnlineRegressor(learner, **given).fit(rows, targets).coef_, point, rtol=1e-12)


def test_one_against_the_rest_is_one_classifier_for_each_class() -> None:
    X, y = load_iris(return_X_y=True)
    model = OnlineClassifier(shuffle=False).fit(X, y)
    for c in range(3):
        alone = OnlineClassifier(shuffle=False).fit(X, y == c)
        np.testing.assert_array_equal(model.coef_[c], alone.coef_[0])
        assert model.intercept_[c] == alone.intercept_[0]
    odds = 1.0 / (1.0 + np.exp(-model.decision_function(X)))
    np.testing.assert_allclose(model.predict_proba(X), odds / odds.sum(axis=1, keepdims=True), rtol=1e-12)


def test_the_multinomial_model_descends_the_multinomial_loss() -> None:
    """One step of gradient descent from 0: all classes are equally likely, so W = eta (e_y - 1/3) a'."""
    X, y = load_iris(return_X_y=True)
    learner = oco.OGD(learning_rate=0.1, schedule="constant")
    given = {"multi_class": "multinomial", "radius": None, "fit_intercept": False}
    model = OnlineClassifier(learner, **given).partial_fit(X[60:61], y[60:61], classes=[0, 1, 2])
    np.testing.assert_allclose(model.coef_, 0.1 * np.outer(np.eye(3)[1] - 1.0 / 3.0, X[60]), rtol=1e-12)
    np.testing.assert_allclose(model.predict_proba(X), softmax(X @ model.coef_.T, axis=1), rtol=1e-12)
    two = OnlineClassifier(learner, **given).fit(X[:100], y[:100])
    shown = two.learners_[0].prediction
    np.testing.assert_allclose(two.predict_proba(X), softmax(X @ shown.T, axis=1), rtol=1e-9)


def test_the_regret_is_against_the_least_squares_solution(rows: Any) -> None:
    targets = rows @ [1.0, 0.0, -1.0, 2.0] + np.random.default_rng(1).standard_normal(60)
    given = {"radius": None, "fit_intercept": False, "shuffle": False}
    model = OnlineRegressor(oco.AdaGradNorm(learning_rate=0.5), track=True, **given).fit(rows, targets)
    least = 0.5 * np.linalg.lstsq(rows, targets, rcond=None)[1][0]
    paid, learner = 0.0, oco.AdaGradNorm(learning_rate=0.5)
    learner.start(Problem(oco.Unbounded(4), 60))
    for row, target in zip(rows, targets, strict=True):
        error = row @ learner.prediction - target
        paid += 0.5 * error**2
        learner.update(error * row)
    assert model.regret_.lower - 1e-9 <= paid - least <= model.regret_.upper + 1e-9
    assert model.regret_.width < 1e-3 * (paid - least)


@pytest.mark.parametrize("multi_class", ["one_vs_rest", "multinomial"])
@pytest.mark.parametrize("weights", [None, 2.0], ids=["once", "twice"])
def test_the_regret_is_below_the_bound_of_the_theorem(multi_class: str, weights: float | None) -> None:
    X, y = load_iris(return_X_y=True)
    untracked = OnlineClassifier("adagrad_norm", learning_rate="theorem", radius=10.0, random_state=0)
    untracked.set_params(multi_class=multi_class)
    model = clone(untracked).set_params(track=True).fit(X, y, sample_weight=weights)
    assert 0.0 < model.regret_.upper < model.bound_
    assert len(model.records_) == len(model.learners_) == (1 if multi_class == "multinomial" else 3)
    untracked.fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(model.coef_, untracked.coef_, rtol=1e-9)
    assert not hasattr(untracked, "regret_")


def test_without_a_theorem_the_bound_is_not_a_number(rows: Any, labels: Any) -> None:
    assert np.isnan(OnlineClassifier("adam", radius=10.0, track=True).fit(rows, labels).bound_)


def test_the_state_is_that_of_the_learners_formula(rows: Any, labels: Any) -> None:
    model = OnlineClassifier(oco.FDAdaGrad(rank=2), radius=10.0).fit(rows, labels)
    memory = oco.FDAdaGrad(rank=2).memory(Problem(oco.Ball(radius=10.0, dimension=5), 60))
    assert memory is not None
    assert model.state_floats_ == memory.floats
    average = OnlineClassifier(oco.FDAdaGrad(rank=2), radius=10.0, average=True).fit(rows, labels)
    assert average.state_floats_ == memory.floats + 5 + 1


@pytest.mark.parametrize("order", range(5))
def test_weights_stay_in_the_domain(rows: Any, order: int) -> None:
    targets = rows @ [5.0, 0.0, -1.0, 2.0]
    ball = OnlineRegressor(radius=0.7, random_state=order).fit(rows, targets)
    assert np.hypot(np.linalg.norm(ball.coef_), ball.intercept_[0]) <= 0.7 * (1.0 + 1e-12)
    unbounded = OnlineRegressor(oco.AdaGradNorm(learning_rate=1.0), radius=None, random_state=order)
    assert np.linalg.norm(unbounded.fit(rows, targets).coef_) > 0.7
    simplex = OnlineRegressor(domain=oco.Simplex(), fit_intercept=False, random_state=order).fit(rows, targets)
    assert simplex.coef_.sum() == pytest.approx(1.0)
    assert simplex.coef_.min() >= 0.0


def test_the_intercept_is_a_last_column_of_ones(rows: Any) -> None:
    targets = rows @ [1.0, 0.0, -1.0, 2.0]
    game = LeastSquares(np.column_stack([rows, np.ones(60)]), targets, order="file")
    played = oco.play(game, oco.AdaGradNorm(learning_rate=0.5), comparator=False).player
    assert played is not None
    for given in (rows, csr_array(rows)):
        model = OnlineRegressor("adagrad_norm", radius=None, shuffle=False).fit(given, targets)
        np.testing.assert_allclose(np.append(model.coef_, model.intercept_), played.prediction, rtol=1e-12)


@pytest.mark.parametrize("learner", [oco.ImplicitOGD(learning_rate=0.1), oco.VovkAzouryWarmuth()], ids=["loss", "row"])
@pytest.mark.parametrize("average", [False, True], ids=["last", "average"])
def test_a_learner_is_shown_what_it_needs(learner: Any, average: bool, rows: Any) -> None:
    targets = rows @ [1.0, 0.0, -1.0, 2.0]
    model = OnlineRegressor(learner, shuffle=False, fit_intercept=False, average=average).fit(rows, targets)
    record = oco.play(LeastSquares(rows, targets, order="file"), learner, comparator=False, keep_iterates=True)
    played = record.player
    assert played is not None
    if not average:
        np.testing.assert_allclose(model.coef_, played.prediction, rtol=1e-12)
    assert model.score(rows, targets) > 0.5
