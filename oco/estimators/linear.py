"""The base class of the estimators: what a classifier and a regressor share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval as Range
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from oco.domains import Ball, Domain, Unbounded
from oco.environments.base import Environment
from oco.estimators.players import Averaged, make_learner, play_on
from oco.estimators.rounds import Rounds
from oco.game import play
from oco.learners.base import Learner, Problem, require_feedback, require_memory, state_floats
from oco.losses import ScalarLoss
from oco.numbers import canonical_csr, from_dlpack
from oco.record import Record
from oco.regret import Interval
from oco.tracking.comparator import RECORDED_LOSSES
from oco.types import Array


class OnlineLinearModel(BaseEstimator, ABC):
    """A linear model that learners of this library fit; see `OnlineClassifier` for the parameters."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "learner": [str, Learner],
        "loss": [str, ScalarLoss],
        "rank": [Range(Integral, 1, None, closed="left"), None],
        "learning_rate": [Range(Real, 0, None, closed="neither"), StrOptions({"theorem"}), None],
        "radius": [Range(Real, 0, None, closed="neither"), None],
        "domain": [Domain, None],
        "fit_intercept": ["boolean"],
        "average": ["boolean"],
        "passes": [Range(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "track": ["boolean"],
        "random_state": ["random_state"],
    }

    _numeric_targets: ClassVar[bool]
    """Whether targets are numbers, not classes."""

    def __sklearn_tags__(self) -> Any:
        """Sparse rows are taken as they are."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Play ``passes`` passes over the rows, from the start.

        Parameters
        ----------
        X
            ``(n, d)`` features: an array or what becomes one, a frame, a SciPy sparse matrix.
        y
            ``(n,)`` classes or targets.
        sample_weight
            ``(n,)``, at least 0: a sample of weight w is played in w rounds, the last of them with a fraction of the
            loss if w is not whole. Fractions are played round by round.

        Returns
        -------
        self
            The fitted estimator.
        """
        rows, y, weights = self._validated(X, y, sample_weight, first=True)
        targets = self._targets(y, whole=True)
        drawn = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        if self.shuffle:
            rounds = Rounds.drawn(rows, targets, weights, self.passes, drawn)
        else:
            rounds = Rounds.in_given_order(rows.shape[0], weights, self.passes)
        games = self._games(rows, targets, rounds)
        for stale in ("records_", "regret_", "bound_"):
            self.__dict__.pop(stale, None)
        if self.track:
            if rounds.weights is not None and len(rounds) > RECORDED_LOSSES:
                raise ValueError(
                    f"track=True with a sample_weight that is not whole takes up to {RECORDED_LOSSES:,} rounds, whose "
                    f"losses are kept for the certificate, got {len(rounds):,}; round the weights"
                )
            self.records_: list[Record] = [play(game, self._learner(), learner_seed=drawn) for game in games]
            self.regret_ = _total(self.records_)
            self.bound_ = sum(_promise(record) for record in self.records_)
            self.learners_: list[Any] = [record.player for record in self.records_]
        else:
            self._start([Problem.of(game, drawn) for game in games])
            for learner, game in zip(self.learners_, games, strict=True):
                play_on(learner, game)
        return self._settled(len(rounds))

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> Self:
        first = not hasattr(self, "learners_")
        rows, y, weights = self._validated(X, y, sample_weight, first=first)
        rounds = Rounds.in_given_order(rows.shape[0], weights)
        games = self._games(rows, self._targets(y, whole=False, classes=classes), rounds)
        if first:
            # What the first rows say of the losses need not hold of those that come.
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
            self._start([Problem(game.domain, game.horizon, seed=seed, gives=game.gives) for game in games])
        for learner, game in zip(self.learners_, games, strict=True):
            play_on(learner, game)
        return self._settled(len(rounds) + (0 if first else self.rounds_))

    @abstractmethod
    def _targets(self, y: Any, *, whole: bool, classes: Any = None) -> Any:
        """``(n,)`` real targets, or the numbers of classes from 0; of a ``whole`` fit, y has every class."""

    @abstractmethod
    def _games(self, rows: Any, targets: Any, rounds: Rounds) -> list[Environment]:
        """The games to play, one for each learner."""

    def _validated(self, X: Any, y: Any, sample_weight: Any, *, first: bool) -> tuple[Any, Any, Array | None]:
        """Rows with an intercept, targets, and weights; samples of weight 0 are left out."""
        X, y = validate_data(
            self,
            from_dlpack(X),
            from_dlpack(y),
            accept_sparse="csr",
            dtype=np.float64,
            order="C",
            reset=first,
            y_numeric=self._numeric_targets,
        )
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(from_dlpack(sample_weight), X, dtype=np.float64, ensure_non_negative=True)
            if not weights.any():
                raise ValueError("Sample weights must contain at least one non-zero number.")
            kept = np.flatnonzero(weights)
            if kept.size < weights.size:
                X, y, weights = X[kept], y[kept], weights[kept]
        return self._with_intercept(X), y, weights

    def _with_intercept(self, X: Any) -> Any:
        if not self.fit_intercept:
            return canonical_csr(X, "X") if sparse.issparse(X) else X
        n, d = X.shape
        if not sparse.issparse(X):
            rows = np.empty((n, d + 1))
            rows[:, :d], rows[:, d] = X, 1.0
            return rows
        matrix = canonical_csr(X, "X")
        ends = matrix.indptr[1:]
        data, indices = np.insert(matrix.data, ends, 1.0), np.insert(matrix.indices, ends, d)
        indptr = matrix.indptr + np.arange(n + 1, dtype=matrix.indptr.dtype)
        return sparse.csr_array((data, indices, indptr), shape=(n, d + 1))

    def _learner(self) -> Learner:
        return make_learner(self.learner, self.rank, self.learning_rate, self.average)

    def _domain(self) -> Domain:
        if self.domain is not None:
            given: Domain = self.domain
            return given
        return Unbounded() if self.radius is None else Ball(radius=self.radius)

    def _start(self, problems: list[Problem]) -> None:
        self.learners_ = [self._learner() for _ in problems]
        for learner, problem in zip(self.learners_, problems, strict=True):
            require_memory(learner, problem)
            require_feedback(learner, problem)
            learner.start(problem)

    def _settled(self, rounds: int) -> Self:
        self.rounds_ = rounds
        self.state_floats_ = sum(state_floats(learner.state) for learner in self.learners_)
        points = [each.average if isinstance(each, Averaged) else each.prediction for each in self.learners_]
        weights = self._weights(np.vstack([np.atleast_2d(point) for point in points]))
        if self.fit_intercept:
            weights, self.intercept_ = weights[..., :-1].copy(), np.atleast_1d(weights[..., -1]).copy()
        else:
            self.intercept_ = np.zeros(len(np.atleast_2d(weights)))
        self.coef_ = weights
        return self

    @abstractmethod
    def _weights(self, points: Array) -> Array:
        """The weights of the model, intercept last, from a matrix with a row for each margin that was played."""

    def _margins(self, X: Any) -> Array:
        """``(n, margins)``: the rows times the coefficients, plus the intercepts."""
        check_is_fitted(self)
        X = validate_data(self, from_dlpack(X), accept_sparse="csr", dtype=np.float64, reset=False)
        margins: Array = safe_sparse_dot(X, np.atleast_2d(self.coef_).T, dense_output=True) + self.intercept_
        return margins


def _total(records: list[Record]) -> Interval:
    """The regret of all games together, against the best point of each."""
    ends = [record.regret for record in records]
    return Interval(sum(one.lower for one in ends), sum(one.upper for one in ends), min(one.within for one in ends))


def _promise(record: Record) -> float:
    """The theorem's bound, if one is stated and its assumptions hold; else NaN."""
    return math.nan if record.bound is None or record.violations else record.bound.value
