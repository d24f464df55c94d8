"""A linear classifier that any learner of the library fits, as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
from scipy.special import expit, log_expit, softmax
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.preprocessing import LabelEncoder
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, check_classification_targets

from oco.domains import Domain
from oco.environments.base import Environment
from oco.estimators.games import linear_game, multinomial_game
from oco.estimators.interchange import in_kind_of
from oco.estimators.linear import OnlineLinearModel
from oco.estimators.rounds import Rounds
from oco.learners.base import Learner
from oco.losses import ScalarLoss, scalar_loss
from oco.types import Array


def _is_logistic(estimator: OnlineClassifier) -> bool:
    return getattr(estimator.loss, "name", estimator.loss) == "logistic"


class OnlineClassifier(ClassifierMixin, OnlineLinearModel):
    r"""A linear classifier that a learner of this library fits in one pass.

    `fit` is a game: in round t the learner plays weights ``x_t``, the row ``a_t`` with its class ``y_t = -1`` or ``+1``
    reveals the loss ``phi(<a_t, x_t>, y_t)``, and the learner is shown its gradient. With more than two classes there
    is one game for each class against the rest, or one game of a matrix with a row for each class.

    Parameters
    ----------
    learner
        Name of a learner (``oco learners`` lists them), or a learner with its hyper-parameters. It is not changed.
    loss
        Name of a loss of a margin (``"logistic"``, ``"hinge"``, ``"squared_hinge"``, ...), or an object such as
        ``oco.losses.Huber(delta=0.5)``.
    multi_class
        With more than two classes: ``"one_vs_rest"``, or ``"multinomial"`` for the multinomial logistic loss of a
        matrix of weights, which is played round by round (for learners of matrices such as `Shampoo` too).
    rank
        The learner's ``rank``, for learners with a sketch; None for that of the learner.
    learning_rate
        The learner's ``learning_rate``; ``"theorem"`` for the rate of its theorem. With None a learner object keeps its
        own, and a learner given by its name has its own default, or 0.5 where that is the theorem's rate.
    radius
        Weights, intercept included, stay in the Euclidean ball of this radius; None for no constraint. Theorems and
        their rates need one. `DiagonalAdaGrad` then projects in O(d) a round, which is slow for long sparse rows.
    domain
        A domain instead of the ball, without a shape or of shape ``(d,)`` (``(classes, d)`` if multinomial), where d
        counts the intercept.
    fit_intercept
        Whether rows get a last column of ones.
    average
        Whether the model is the average of all points played instead of the last one. For convex losses of independent
        rows its expected excess loss is at most the expected regret divided by T. Rounds are then played one by one.
    passes
        Number of passes over the rows; one by default, and never fewer or more because of a stopping rule.
    shuffle
        Whether each pass of `fit` plays the rows in a random order. The order depends on ``random_state`` and on the
        contents of the rows, not on the order in which they are given. `partial_fit` plays rows as they are given.
    track
        Whether `fit` also finds the best fixed point and the theorem's bound (``regret_``, ``bound_``, ``records_``),
        which usually takes longer than the game. Sample weights must then be whole.
    random_state
        Seed of the order, and of learners that draw random numbers.

    Attributes
    ----------
    classes_
        ``(classes,)`` labels.
    coef_, intercept_
        ``(1, n_features)`` and ``(1,)`` for two classes; else one row and one number for each class.
    learners_
        The learners that played, with their states: one, or one for each class against the rest.
    state_floats_
        Numbers in the states of all of them.
    rounds_
        Rounds played since the start, in each game.
    regret_
        `oco.regret.Interval` that contains the regret of `fit`, summed over the games (with ``track``).
    bound_
        The sum of the theorems' bounds; NaN where there is no theorem, or an assumption does not hold (with ``track``).
    records_
        The `oco.Record` of each game of `fit` (with ``track``).
    n_features_in_, feature_names_in_
        As in every estimator of scikit-learn.

    Notes
    -----
    A sample of weight w is played in w rounds, so a whole weight is the same as repeating the sample; the last round of
    another weight has a fraction of the loss. Weights cost time in proportion to their sum.

    Tensors of PyTorch on the CPU and other arrays that offer DLPack are taken as they are, and predictions for them are
    arrays of the same library, in double precision.

    *Cost*: that of `oco.play` without tracking, for each game. *State*: that of the learners; `partial_fit` keeps
    nothing else, and no bound on gradients is known to it, so a learner whose rate follows from one needs a rate.

    Examples
    --------
    The rank and the rate of FD-AdaGrad, chosen by cross-validation on two dense data sets and a sparse one:

    >>> from scipy.sparse import csr_array
    >>> from sklearn.datasets import load_breast_cancer, load_digits, load_wine
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import MaxAbsScaler, StandardScaler
    >>> from oco.estimators import OnlineClassifier
    >>> grid = {"onlineclassifier__rank": [1, 5], "onlineclassifier__learning_rate": [0.1, 0.5]}
    >>> for load, scaler in ((load_breast_cancer, StandardScaler()), (load_wine, StandardScaler()),
    ...                      (load_digits, MaxAbsScaler())):
    ...     X, y = load(return_X_y=True)
    ...     rows = csr_array(X) if load is load_digits else X
    ...     model = make_pipeline(scaler, OnlineClassifier("fd_adagrad", random_state=0))
    ...     search = GridSearchCV(model, grid, cv=4).fit(rows, y)
    ...     print(load.__name__[5:], bool(search.best_score_ > 0.9))
    breast_cancer True
    wine True
    digits True

    What regret means for a fit, and what the theorem promises:

    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = OnlineClassifier(radius=5.0, learning_rate="theorem", track=True, random_state=0)
    >>> model = model.fit(X / X.max(axis=0), y)
    >>> bool(0.0 < model.regret_.upper < model.bound_), model.state_floats_
    (True, 64)
    """

    def __init__(
        self,
        learner: str | Learner = "diagonal_adagrad",
        *,
        loss: str | ScalarLoss = "logistic",
        multi_class: Literal["one_vs_rest", "multinomial"] = "one_vs_rest",
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
        self.multi_class = multi_class
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

    _parameter_constraints: ClassVar[dict[str, Any]] = OnlineLinearModel._parameter_constraints | {
        "multi_class": [StrOptions({"one_vs_rest", "multinomial"})]
    }

    _numeric_targets = False

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Play the rows in the given order, continuing where the last call stopped.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes
            Every class that will ever occur; needed in the first call.

        Returns
        -------
        self
            The estimator.
        """
        return self._partial_fit(X, y, sample_weight, classes=classes)

    def decision_function(self, X: Any) -> Any:
        """Margins ``<a, w> + b``: ``(n, classes)``, or ``(n,)`` for two classes, the second of which is above 0."""
        margins = self._margins(X)
        return in_kind_of(X, margins[:, 0] if margins.shape[1] == 1 else margins)

    def predict(self, X: Any) -> Any:
        """The class of every row, ``(n,)``."""
        margins = self._margins(X)
        best = (margins[:, 0] > 0.0).astype(np.intp) if margins.shape[1] == 1 else margins.argmax(axis=1)
        return in_kind_of(X, self.classes_[best])

    @available_if(_is_logistic)
    def predict_proba(self, X: Any) -> Any:
        """Probabilities ``(n, classes)``, only for the logistic loss; of one-vs-rest, normalized."""
        margins = self._margins(X)
        if margins.shape[1] == 1:
            return in_kind_of(X, expit(margins * np.array([-1.0, 1.0])))
        return in_kind_of(X, softmax(margins if self.multi_class == "multinomial" else log_expit(margins), axis=1))

    def _targets(self, y: Any, *, whole: bool, classes: Any = None) -> Any:
        check_classification_targets(y)
        if whole:
            self.classes_ = np.unique(y)
            self._refuse_single_class()
            return np.searchsorted(self.classes_, y)
        if _check_partial_fit_first_call(self, classes):
            self._refuse_single_class()
        encoder = LabelEncoder()
        encoder.classes_ = self.classes_
        return encoder.transform(y)

    def _refuse_single_class(self) -> None:
        if self.classes_.size < 2:
            raise ValueError("The number of classes has to be greater than one; got 1 class")

    def _games(self, rows: Any, targets: Any, rounds: Rounds) -> list[Environment]:
        classes, loss, domain = len(self.classes_), scalar_loss(self.loss), self._domain()
        if self.multi_class == "multinomial":
            if not _is_logistic(self):
                raise ValueError(f"multi_class='multinomial' needs the logistic loss, got {loss.name!r}")
            return [multinomial_game(rows, targets, classes, rounds, domain)]
        positive = range(1, 2) if classes == 2 else range(classes)
        return [linear_game(rows, np.where(targets == c, 1.0, -1.0), rounds, loss, domain) for c in positive]

    def _weights(self, points: Array) -> Array:
        return points[1:] - points[:1] if len(points) == 2 else points.copy()
