"""A linear regressor that any learner of the library fits, as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from sklearn.base import RegressorMixin, _fit_context

from oco.domains import Domain
from oco.environments.base import Environment
from oco.estimators.games import linear_game
from oco.estimators.interchange import in_kind_of
from oco.estimators.linear import OnlineLinearModel
from oco.estimators.rounds import Rounds
from oco.learners.base import Learner
from oco.losses import ScalarLoss, scalar_loss
from oco.types import Array


class OnlineRegressor(RegressorMixin, OnlineLinearModel):
    r"""A linear regressor that a learner of this library fits in one pass.

    `fit` is a game: in round t the learner plays weights ``x_t``, the row ``a_t`` with its target ``y_t`` reveals the
    loss ``phi(<a_t, x_t>, y_t)``, and the learner is shown its gradient.

    Parameters
    ----------
    learner, rank, learning_rate, radius, domain, fit_intercept, average, passes, shuffle, track, random_state
        As in `OnlineClassifier`. Bring targets to the scale of 1 (`sklearn.compose.TransformedTargetRegressor`), or
        choose the rate for theirs.
    loss
        Name of a loss with real targets (``"squared"``, ``"absolute"``, ``"huber"``, ``"quantile"``), or an object such
        as ``oco.losses.Quantile(tau=0.9)``.

    Attributes
    ----------
    coef_, intercept_
        ``(n_features,)`` and ``(1,)``.
    learners_, state_floats_, rounds_, regret_, bound_, records_, n_features_in_, feature_names_in_
        As in `OnlineClassifier`; there is one learner.

    Notes
    -----
    Weights of samples, cost and state are those of `OnlineClassifier`.

    Examples
    --------
    >>> from sklearn.compose import TransformedTargetRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from oco.estimators import OnlineRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> one_pass = make_pipeline(StandardScaler(), OnlineRegressor("adagrad_norm", average=True, random_state=0))
    >>> model = TransformedTargetRegressor(one_pass, transformer=StandardScaler()).fit(X, y)
    >>> print(f"{model.score(X, y):.1f}")
    0.5
    """

    def __init__(
        self,
        learner: str | Learner = "diagonal_adagrad",
        *,
        loss: str | ScalarLoss = "squared",
        rank: int | None = None,
        learning_rate: float | Literal["theorem"] | None = None,
        radius: float | None = None,
        domain: Domain | None = None,
        fit_intercept: bool = True,
        average: bool = False,
        passes: int = 1,
        shuffle: bool = True,
        track: bool = False,
        random_state: Any = None,
    ) -> None:
        self.learner = learner
        self.loss = loss
        self.rank = rank
        self.learning_rate = learning_rate
        self.radius = radius
        self.domain = domain
        self.fit_intercept = fit_intercept
        self.average = average
        self.passes = passes
        self.shuffle = shuffle
        self.track = track
        self.random_state = random_state

    _numeric_targets = True

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Play the rows in the given order, continuing where the last call stopped.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        self
            The estimator.
        """
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: Any) -> Any:
        """The prediction ``<a, w> + b`` of every row, ``(n,)``."""
        return in_kind_of(X, self._margins(X)[:, 0])

    def _targets(self, y: Any, *, whole: bool, classes: Any = None) -> Array:
        return np.asarray(y, dtype=np.float64)

    def _games(self, rows: Any, targets: Any, rounds: Rounds) -> list[Environment]:
        loss = scalar_loss(self.loss)
        if loss.binary:
            raise ValueError(f"OnlineRegressor needs a loss of real targets, got {loss.name!r}, which is for classes")
        return [linear_game(rows, targets, rounds, loss, self._domain())]

    def _weights(self, points: Array) -> Array:
        weights: Array = points[0].copy()
        return weights
