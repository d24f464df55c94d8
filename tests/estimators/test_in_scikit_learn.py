"""Estimators inside scikit-learn's machinery, and its sentences for what is wrong."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sklearn
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import AdaBoostClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import oco
from oco.estimators import OnlineClassifier, OnlineRegressor

X, y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(X)


@pytest.fixture
def routed() -> Iterator[None]:
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.parametrize("learner", ["fd_adagrad", oco.FDAdaGrad(rank=2, learning_rate=0.3)], ids=["name", "object"])
def test_a_search_over_rank_and_rate(learner: Any) -> None:
    grid = {"rank": [1, 3], "learning_rate": ["theorem", 0.1, 0.5]}
    search = GridSearchCV(OnlineClassifier(learner, radius=10.0, random_state=0), grid, cv=3).fit(X, y)
    best = search.best_estimator_
    assert search.best_score_ > 0.95
    assert search.best_params_["learning_rate"] != "theorem"  # its first steps are as long as the ball is wide
    assert best.learners_[0].rank == search.best_params_["rank"]
    assert best.learners_[0].learning_rate == search.best_params_["learning_rate"]


def test_a_clone_shares_nothing_and_a_pickle_goes_on_alike() -> None:
    learner = oco.FDAdaGrad(rank=2, learning_rate=0.3)
    model = OnlineClassifier(learner, random_state=0).fit(X[:300], y[:300])
    other = clone(model)
    assert not hasattr(other, "learners_")
    assert other.learner is not learner
    assert other.learner.hyperparameters() == learner.hyperparameters()
    copy = pickle.loads(pickle.dumps(model))
    for each in (model, copy):
        each.partial_fit(X[300:], y[300:])
    np.testing.assert_array_equal(copy.coef_, model.coef_)


def test_names_of_columns_pass_through_a_pipeline_of_frames() -> None:
    frame, classes = load_iris(return_X_y=True, as_frame=True)
    pipe = make_pipeline(StandardScaler().set_output(transform="pandas"), OnlineClassifier(random_state=0))
    pipe.fit(frame, classes)
    assert list(pipe[-1].feature_names_in_) == list(frame.columns)
    with pytest.raises(ValueError, match="feature names"):
        pipe[-1].predict(frame.rename(columns=str.upper))


@pytest.mark.usefixtures("routed")
def test_weights_are_routed_to_where_they_were_requested() -> None:
    weights = np.where(y == 1, 3.0, 0.0) + (np.arange(y.size) % 2)
    asked = OnlineClassifier(random_state=0).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    pipe = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), asked)
    direct = OnlineClassifier(random_state=0).fit(StandardScaler().fit_transform(X), y, sample_weight=weights)
    np.testing.assert_array_equal(pipe.fit(X, y, sample_weight=weights)[-1].coef_, direct.coef_)
    scores = cross_validate(pipe, X, y, params={"sample_weight": weights}, cv=3)["test_score"]
    assert scores.min() > 0.9


def test_boosting_gives_weights_that_are_not_whole() -> None:
    boosted = AdaBoostClassifier(OnlineClassifier(learning_rate=5.0, random_state=0), n_estimators=3, random_state=0)
    assert boosted.fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.9


def test_probabilities_are_there_for_the_logistic_loss_alone() -> None:
    assert hasattr(OnlineClassifier(), "predict_proba")
    assert hasattr(OnlineClassifier(loss=oco.losses.Logistic()), "predict_proba")
    assert not hasattr(OnlineClassifier(loss="hinge"), "predict_proba")
    assert not hasattr(OnlineRegressor(), "predict_proba")


FAULTS = [
    (lambda: OnlineClassifier().predict(X), NotFittedError, "This OnlineClassifier instance is not fitted yet"),
    (lambda: OnlineClassifier().partial_fit(X, y), ValueError, "classes must be passed on the first call to"),
    (lambda: OnlineClassifier().fit(X, y).partial_fit(X, y + 1), ValueError, "y contains previously unseen labels"),
    (lambda: OnlineClassifier().fit(X, y).partial_fit(X, y, classes=[0, 2]), ValueError, "is not the same as on last"),
    (lambda: OnlineClassifier().fit(X, y * 0), ValueError, "number of classes has to be greater than one; got 1 class"),
    (lambda: OnlineClassifier().partial_fit(X, y * 0, classes=[0]), ValueError, "greater than one; got 1 class"),
    (lambda: OnlineClassifier().fit(X, X[:, 0]), ValueError, "Unknown label type: continuous"),
    (lambda: OnlineClassifier().fit(X * np.nan, y), ValueError, "Input X contains NaN"),
    (lambda: OnlineClassifier().fit(X, y, sample_weight=-1.0 * y), ValueError, "Negative values in data passed to"),
    (lambda: OnlineClassifier().fit(X, y, sample_weight=1e9 + y), ValueError, "divide sample_weight by a constant"),
    (
        lambda: OnlineClassifier(track=True, passes=20_001).fit(X, y, sample_weight=y + 0.5), ValueError,
        r"track=True with a sample_weight that is not whole takes up to 20,000 rounds",
    ),
    (lambda: OnlineClassifier(radius=-1.0).fit(X, y), ValueError, "The 'radius' parameter of OnlineClassifier must be"),
    (lambda: OnlineClassifier(multi_class="all").fit(X, y), ValueError, "The 'multi_class' parameter of OnlineClass"),
    (lambda: OnlineClassifier("fd_adagard").fit(X, y), ValueError, "did you mean 'fd_adagrad'"),
    (lambda: OnlineClassifier("fd_adagrad").fit(X, y), ValueError, "learner 'fd_adagrad' needs rank"),
    (lambda: OnlineClassifier("ogd", rank=2).fit(X, y), ValueError, "learner ogd takes learning_rate, schedule, got"),
    (lambda: OnlineClassifier(oco.OGD(), rank=2).fit(X, y), ValueError, "learner ogd takes learning_rate, schedule, "),
    (lambda: OnlineClassifier(loss="hing").fit(X, y), ValueError, "loss must be one of absolute, hinge"),
    (lambda: OnlineClassifier(loss="hinge", multi_class="multinomial").fit(X, y), ValueError, "needs the logistic"),
    (lambda: OnlineRegressor(loss="hinge").fit(X, y), ValueError, "needs a loss of real targets, got 'hinge'"),
    (lambda: OnlineRegressor(radius=None, learning_rate="theorem").fit(X, y), ValueError, "which is infinite for U"),
    (lambda: OnlineClassifier(oco.OGD(), radius=1.0).partial_fit(X, y, [0, 1]), ValueError, "environment states none"),
    (lambda: OnlineRegressor().fit(csr_array(X).tocsc(), y[:5]), ValueError, "inconsistent numbers of samples"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_a_fault_is_one_sentence(number: int) -> None:
    fault, kind, sentence = FAULTS[number]
    with pytest.raises(kind, match=sentence.replace("(", r"\(")):
        fault()


def test_a_failed_first_partial_fit_leaves_no_classes() -> None:
    model = OnlineClassifier()
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(X * np.nan, y, classes=[0, 1, 2])
    assert model.partial_fit(X, y, classes=[0, 1]).rounds_ == y.size
