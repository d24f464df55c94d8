"""Learners as models of river: `RiverClassifier` and `RiverRegressor`. Needs river (the extra ``river``)."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from typing import Any, Literal

from river import base
from scipy.special import expit

from oco.domains import Ball, Domain, Unbounded
from oco.errors import ConfigError
from oco.estimators.growing import Growing
from oco.estimators.players import make_learner
from oco.learners.base import Learner, state_floats
from oco.losses import ScalarLoss, scalar_loss

__all__ = ["RiverClassifier", "RiverRegressor"]

_INTERCEPT = ("intercept",)
"""A name that no feature has: names of features are not tuples."""


class _OnlineModel(ABC):
    """What both models do with a dictionary."""

    learner: str | Learner
    loss: str | ScalarLoss
    rank: int | None
    learning_rate: float | Literal["theorem"] | None
    radius: float | None
    domain: Domain | None
    fit_intercept: bool

    def _set_up(self) -> None:
        self._loss = scalar_loss(self.loss)
        self._growing: Growing | None = None

    @property
    def state_floats(self) -> int:
        """Numbers in the learner's state."""
        return 0 if self._growing is None else state_floats(self._growing.learner.state)

    def _margin(self, x: Mapping[Any, float]) -> float:
        if self._growing is None:
            return 0.0
        return float(self._growing.row(self._numbers(x), grow=False) @ self._growing.learner.prediction)

    def _learn(self, x: Mapping[Any, float], target: float, weight: float) -> None:
        if self._growing is None:
            domain = self.domain or (Unbounded() if self.radius is None else Ball(radius=self.radius))
            self._growing = Growing(self._make, domain, self.rank or getattr(self.learner, "rank", None))
        row = self._growing.row(self._numbers(x), grow=True)
        learner = self._growing.learner
        slope = self._loss.at(float(row @ learner.prediction), target)[1]
        learner.update(weight * slope * row)

    def _make(self) -> Learner:
        return make_learner(self.learner, self.rank, self.learning_rate, average=False)

    def _numbers(self, x: Mapping[Any, float]) -> dict[Any, float]:
        return {**x, _INTERCEPT: 1.0} if self.fit_intercept else dict(x)


class RiverClassifier(_OnlineModel, base.Classifier):
    """A linear classifier of two classes that a learner of this library trains, one dictionary at a time.

    Features are numbers by name; names may come and go. Wrap it in ``river.multiclass.OneVsRestClassifier`` for more
    classes, and put ``river.preprocessing.StandardScaler`` before it.

    Parameters
    ----------
    learner
        Name of a learner that plays vectors (``oco learners`` lists them), or a learner with its hyper-parameters.
    loss
        Name of a loss of a margin, or an object.
    rank
        The learner's ``rank``, for learners with a sketch; None for that of the learner.
    learning_rate
        The learner's ``learning_rate``; ``"theorem"`` for the rate of its theorem. With None a learner object keeps its
        own, and a learner given by its name has its own default, or 0.5 where that is the theorem's rate.
    radius
        Weights, intercept included, stay in the Euclidean ball of this radius; None for no constraint. Theorems and
        their rates need one. `DiagonalAdaGrad` then projects in O(d) a round, which is slow for long sparse rows.
    domain
        A domain without a shape instead of the ball.
    fit_intercept
        Whether there is an intercept.

    Notes
    -----
    The learner has 64 coordinates at the start, and twice as many whenever there are more names. Its state is that of a
    learner that knew all names from the beginning, except that random projections are drawn as names appear. A name
    that was never learned counts as 0. A step costs O(d) where the library's loops over sparse rows cost O(nnz).

    Examples
    --------
    >>> from river import datasets, evaluate, metrics, preprocessing
    >>> from oco.estimators.river import RiverClassifier
    >>> model = preprocessing.StandardScaler() | RiverClassifier("fd_adagrad", rank=3)
    >>> metric = evaluate.progressive_val_score(datasets.Phishing(), model, metrics.Accuracy())
    >>> bool(metric.get() > 0.88)
    True
    """

    def __init__(
        self,
        learner: str | Learner = "diagonal_adagrad",
        loss: str | ScalarLoss = "logistic",
        rank: int | None = None,
        learning_rate: float | Literal["theorem"] | None = None,
        radius: float | None = None,
        domain: Domain | None = None,
        fit_intercept: bool = True,
    ) -> None:
        self.learner = learner
        self.loss = loss
        self.rank = rank
        self.learning_rate = learning_rate
        self.radius = radius
        self.domain = domain
        self.fit_intercept = fit_intercept
        self._set_up()

    def learn_one(self, x: Mapping[Any, float], y: Any, w: float = 1.0) -> None:
        """Play one round with the features ``x`` and the class ``y``, which is true or false; ``w`` scales the loss."""
        self._learn(x, 1.0 if y else -1.0, w)

    def predict_one(self, x: Mapping[Any, float], **kwargs: Any) -> bool:
        """Whether the margin is above 0."""
        return self._margin(x) > 0.0

    def predict_proba_one(self, x: Mapping[Any, float], **kwargs: Any) -> dict[bool | str | int, float]:
        """Probabilities of both classes; `NotImplementedError` for losses other than the logistic one."""
        if self._loss.name != "logistic":
            raise NotImplementedError(f"there are probabilities for the logistic loss only, not for {self._loss.name}")
        probability = float(expit(self._margin(x)))
        return {False: 1.0 - probability, True: probability}


class RiverRegressor(_OnlineModel, base.Regressor):
    """A linear regressor that a learner of this library trains, one dictionary at a time.

    Features are numbers by name; names may come and go.

    Parameters
    ----------
    learner, rank, learning_rate, radius, domain, fit_intercept
        As in `RiverClassifier`. Bring targets to the scale of 1 (``river.preprocessing.TargetStandardScaler``), or
        choose the rate for theirs.
    loss
        Name of a loss with real targets (``"squared"``, ``"absolute"``, ``"huber"``, ``"quantile"``), or an object.

    Examples
    --------
    >>> from river import datasets, evaluate, metrics, preprocessing
    >>> from oco.estimators.river import RiverRegressor
    >>> model = preprocessing.StandardScaler() | preprocessing.TargetStandardScaler(RiverRegressor("adagrad_norm"))
    >>> metric = evaluate.progressive_val_score(datasets.TrumpApproval(), model, metrics.MAE())
    >>> bool(metric.get() < 1.0)
    True
    """

    def __init__(
        self,
        learner: str | Learner = "diagonal_adagrad",
        loss: str | ScalarLoss = "squared",
        rank: int | None = None,
        learning_rate: float | Literal["theorem"] | None = None,
        radius: float | None = None,
        domain: Domain | None = None,
        fit_intercept: bool = True,
    ) -> None:
        self.learner = learner
        self.loss = loss
        self.rank = rank
        self.learning_rate = learning_rate
        self.radius = radius
        self.domain = domain
        self.fit_intercept = fit_intercept
        self._set_up()
        if self._loss.binary:
            raise ConfigError(
                f"RiverRegressor needs a loss of real targets, got {self._loss.name!r}, which is for classes"
            )

    def learn_one(self, x: Mapping[Any, float], y: float, w: float = 1.0) -> None:
        """Play one round with the features ``x`` and the target ``y``; ``w`` scales the loss."""
        self._learn(x, float(y), w)

    def predict_one(self, x: Mapping[Any, float], **kwargs: Any) -> float:
        """The prediction ``<x, w> + b``."""
        return self._margin(x)
