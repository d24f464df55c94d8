"""scikit-learn's own test suite for estimators, with no check excused."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from sklearn.utils.estimator_checks import check_param_validation, parametrize_with_checks

import oco
from oco.domains import Box
from oco.estimators import OnlineClassifier, OnlineRegressor

ESTIMATORS = [
    OnlineClassifier(),
    OnlineClassifier("fd_adagrad", rank=3, radius=10.0),
    OnlineClassifier("adagrad_norm", loss="hinge", fit_intercept=False),
    OnlineClassifier(oco.OGD(learning_rate=2.0), loss="squared_hinge", domain=Box(-2.0, 2.0)),
    OnlineClassifier("full_matrix_adagrad", multi_class="multinomial"),
    OnlineClassifier("rfd_son", rank=2, passes=3),
    OnlineRegressor(),
    OnlineRegressor("fd_adagrad", rank=3, radius=10.0, average=True),
    OnlineRegressor(oco.AdaGradNorm(), learning_rate=0.4, loss="huber"),
    OnlineRegressor("ogd", loss="absolute", passes=2),
]


@parametrize_with_checks(ESTIMATORS)
def test_every_check_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS[:1] + ESTIMATORS[6:7], ids=["classifier", "regressor"])
def test_wrong_parameters_get_the_sentence_of_scikit_learn(estimator: Any) -> None:
    check_param_validation(type(estimator).__name__, estimator)


def test_nothing_is_skipped_where_scipy_takes_arrays_of_other_libraries() -> None:
    """One check is skipped above because it asks for this environment variable."""
    code = (
        "from sklearn.utils.estimator_checks import check_estimator\n"
        "from oco.estimators import OnlineClassifier, OnlineRegressor\n"
        "for estimator in (OnlineClassifier(), OnlineRegressor()):\n"
        "    done = check_estimator(estimator, on_skip=None)\n"
        "    print({each['status'] for each in done}, len(done) > 50)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"SCIPY_ARRAY_API": "1"}, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["{'passed'} True"] * 2, done.stdout + done.stderr
