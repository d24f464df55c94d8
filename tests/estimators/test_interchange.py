"""Arrays of other libraries in, the same kind out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score

import oco
from oco.estimators import OnlineClassifier, OnlineRegressor

X, y = load_iris(return_X_y=True)


class Exchanged:
    """An array that offers DLPack and its namespace, and nothing else of an array."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    def __dlpack__(self, **given: Any) -> Any:
        return self.values.__dlpack__(**given)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.values.__dlpack_device__()

    def __array_namespace__(self) -> type[Exchanged]:
        return Exchanged

    @classmethod
    def from_dlpack(cls, other: Any) -> Exchanged:
        return cls(np.from_dlpack(other))


def torch_tensor(values: Any) -> Any:
    torch = pytest.importorskip("torch", reason="needs the extra: torch")
    return torch.tensor(values)


@pytest.mark.parametrize("make", [torch_tensor, Exchanged], ids=["torch", "DLPack"])
@pytest.mark.parametrize("multi_class", ["one_vs_rest", "multinomial"])
def test_predictions_are_of_the_kind_of_the_rows(make: Any, multi_class: str) -> None:
    rows, classes = make(X), make(y)
    ours = OnlineClassifier(multi_class=multi_class, random_state=0).fit(rows, classes)
    theirs = OnlineClassifier(multi_class=multi_class, random_state=0).fit(X, y)
    for method in ("predict", "predict_proba", "decision_function"):
        shown = getattr(ours, method)(rows)
        assert type(shown) is type(rows)
        np.testing.assert_array_equal(np.from_dlpack(shown), getattr(theirs, method)(X))
    regressor = OnlineRegressor(random_state=0).fit(rows, classes)
    assert type(regressor.predict(rows)) is type(rows)
    assert type(ours.predict(X)) is np.ndarray


def test_tensors_are_scored_and_weighted() -> None:
    rows, classes, weights = torch_tensor(X), torch_tensor(y), torch_tensor(np.arange(150) % 3)
    model = OnlineClassifier(random_state=0).fit(rows, classes, sample_weight=weights)
    assert model.rounds_ == 150
    assert model.score(rows, classes) == model.score(X, y)
    assert cross_val_score(OnlineClassifier(random_state=0), rows, classes, cv=3).mean() > 0.6


def test_words_stay_words() -> None:
    words = np.array(["setosa", "versicolor", "virginica"])[y]
    predicted = OnlineClassifier(random_state=0).fit(torch_tensor(X), words).predict(torch_tensor(X))
    assert set(predicted) <= set(words)


def test_a_game_takes_what_offers_dlpack() -> None:
    game = oco.environments.LeastSquares(Exchanged(X), Exchanged(y.astype(float)), order="file")
    np.testing.assert_array_equal(game.block(0, 150).rows, X)
    np.testing.assert_array_equal(game.block(0, 150).targets, y)
