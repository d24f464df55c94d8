"""river's own test suite for models, growing features, and river's streams as games."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import oco
from oco.environments import from_river
from oco.errors import ConfigError, DataError
from oco.estimators.growing import FIRST_COORDINATES, Growing
from oco.estimators.players import make_learner
from oco.learners import Problem

river = pytest.importorskip("river", reason="needs the extra: river")

from river import checks, datasets, evaluate, metrics, multiclass, preprocessing  # noqa: E402

from oco.estimators.river import RiverClassifier, RiverRegressor  # noqa: E402

MODELS = [
    RiverClassifier(),
    RiverClassifier("fd_adagrad", rank=3, radius=10.0),
    RiverClassifier(oco.AdaGradNorm(learning_rate=0.2), loss="hinge"),
    RiverRegressor(),
    RiverRegressor("fd_adagrad", rank=2, fit_intercept=False),
]
CHECKS = [(model, check) for model in MODELS for check in checks.yield_checks(model)]


@pytest.mark.parametrize(("model", "check"), CHECKS, ids=[f"{type(m).__name__}-{c.__name__}" for m, c in CHECKS])
def test_every_check_of_river(model: Any, check: Callable[[Any], None]) -> None:
    assert model._unit_test_skips() == set()
    check(model.clone())


GROWING = [
    *("ogd", "adagrad_norm", "adam", "amsgrad", "diagonal_adagrad", "full_matrix_adagrad", "son"),
    *(oco.learners.LEARNERS[name](rank=3) for name in ("rfd_son", "fd_son")),
    *(oco.learners.LEARNERS[name](rank=3, learning_rate=0.3) for name in ("fd_adagrad", "ada_fd", "ada_ffd")),
    *(oco.learners.LEARNERS[name](rank=3, learning_rate=0.3, ridge=1.0) for name in ("ftsl", "ftfsl")),
    oco.PrimalDualAdaFD(rank=3, learning_rate=0.3),
    oco.PrimalDualFullMatrixAdaGrad(learning_rate=0.3, ridge=1.0),
]


@pytest.mark.parametrize("learner", GROWING, ids=str)
def test_a_learner_that_grew_is_one_that_knew_all_names(learner: Any) -> None:
    def make() -> Any:
        return make_learner(learner, None, None, average=False)

    domain, generator = oco.Ball(radius=2.0), np.random.default_rng(0)
    growing = Growing(make, domain, 3)
    whole = make()
    whole.start(Problem(domain.with_shape((4 * FIRST_COORDINATES,)), 1))
    for t in range(40):
        known = 20 + 4 * t  # passes 64 and 128
        numbers = {i: float(generator.standard_normal()) for i in generator.choice(known, 12, replace=False).tolist()}
        row = growing.row(numbers, grow=True)
        growing.learner.update(row)
        same = np.zeros(4 * FIRST_COORDINATES)
        same[: row.size] = row
        whole.update(same)
    point = growing.learner.prediction
    assert point.size == 4 * FIRST_COORDINATES
    np.testing.assert_allclose(point, whole.prediction, rtol=1e-8, atol=1e-11)


def test_a_river_model_is_the_estimator_of_scikit_learn_one_row_at_a_time() -> None:
    from oco.estimators import OnlineClassifier

    rows = np.random.default_rng(0).standard_normal((50, 3))
    classes = rows @ [1.0, -1.0, 0.5] > 0.2
    model = RiverClassifier("adagrad_norm")
    for row, y in zip(rows, classes, strict=True):
        model.learn_one(dict(zip("abc", row, strict=True)), y)
    fitted = OnlineClassifier("adagrad_norm", shuffle=False).fit(rows, classes)
    for row in rows:
        shown = model.predict_proba_one(dict(zip("abc", row, strict=True)))
        np.testing.assert_allclose([shown[False], shown[True]], fitted.predict_proba(row[None])[0], rtol=1e-9)
    assert model.state_floats == FIRST_COORDINATES + 3


def test_more_classes_by_the_wrapper_of_river() -> None:
    model = preprocessing.StandardScaler() | multiclass.OneVsRestClassifier(RiverClassifier("adagrad_norm"))
    metric = evaluate.progressive_val_score(datasets.ImageSegments().take(800), model, metrics.Accuracy())
    assert metric.get() > 0.7


def test_a_drift_of_river_is_a_game() -> None:
    stream = datasets.synth.ConceptDriftStream(
        stream=datasets.synth.SEA(seed=1, variant=0), drift_stream=datasets.synth.SEA(seed=1, variant=3),
        seed=1, position=200, width=20,
    )  # fmt: skip
    with pytest.raises(ConfigError, match="has no end; say how many samples to read with n_samples"):
        from_river(stream)
    game = from_river(stream, n_samples=400, domain=oco.Ball(radius=1.0), intercept=True)
    first = next(iter(stream))
    np.testing.assert_array_equal(game.block(0, 1).rows[0], [*(first[0][i] for i in range(3)), 1.0])
    assert game.block(0, 1).targets[0] == (1.0 if first[1] else -1.0)
    record = oco.play(game, oco.AdaGradNorm())
    assert record.scalars["rounds"] == 400
    assert 0.0 < record.regret.upper <= record.bound.value  # type: ignore[union-attr]


def test_targets_choose_the_loss_and_are_checked() -> None:
    assert from_river(datasets.TrumpApproval().take(20)).loss.name == "squared"
    assert from_river(datasets.Phishing().take(20)).loss.name == "logistic"
    words = [({"a": 1.0, "b": "x"}, "spam"), ({"a": 2.0}, "ham")]
    game = from_river(words)
    assert game.block(0, 2).targets.tolist() == [1.0, -1.0]
    with pytest.raises(DataError, match="needs targets of two classes, got 3: 1, 2, 3"):
        from_river([({"a": 1.0}, y) for y in (1, 2, 3)], loss="hinge")
    with pytest.raises(DataError, match="the stream has no samples"):
        from_river([])


def test_a_loss_of_classes_is_not_for_regression() -> None:
    with pytest.raises(ConfigError, match="RiverRegressor needs a loss of real targets, got 'hinge'"):
        RiverRegressor(loss="hinge")
    with pytest.raises(NotImplementedError, match="for the logistic loss only, not for hinge"):
        RiverClassifier(loss="hinge").predict_proba_one({})


def test_the_page_for_users_of_river_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(__file__).parents[2] / "docs" / "from_river.md"
    (block,) = re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)
    exec(compile(block, page.name, "exec"), {"__name__": "page"})
    assert capsys.readouterr().out.startswith("[")
