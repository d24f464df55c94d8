"""Games on given rows, by their losses."""

from __future__ import annotations

from typing import ClassVar

from oco.environments.generalized_linear import GeneralizedLinearGame
from oco.losses import Absolute, Hinge, Linear, Logistic, ScalarLoss, Squared


class GeneralizedLinear(GeneralizedLinearGame):
    """Play against the rows of a data set: round t reveals ``phi(<a_t, x>, y_t)``.

    Parameters
    ----------
    rows
        ``(n, d)`` features: an array (or a memory map), a SciPy sparse matrix, a pandas frame of numbers, or a
        `RowSource`. Arrays are not copied.
    targets
        ``(n,)``; -1 or +1 if the loss is for classes. Must not be given with a `RowSource`.
    loss
        The loss phi of a margin and a target, or its name (``"squared"``); the named games (`LogisticRegression`, ...)
        have theirs.
    domain
        Where decisions must lie; unbounded by default.
    order
        With ``"shuffle"`` every seed draws its own permutation (a new one for each pass). With ``"file"`` rows are
        played in the given order, the same for every seed. A `RowSource` can only be played in the order of the file.
    passes
        Number of passes over the data.
    horizon
        Number of rounds, if fewer than ``passes * n``.
    description
        Plain values that identify the data in a record.

    Raises
    ------
    DataError
        If shapes disagree, a number is not finite, or a class label is not -1 or +1.

    Notes
    -----
    ``block(start, stop)`` returns consecutive rounds, so that a learner with a compiled loop can play them at once. No
    array of size horizon x d is ever made; numbers of another type are converted to float64 one block at a time.

    `gradient_bound` and `exp_concavity` are exact extrema over the rows and the margins ``|p| <= R |a_t|``, where R is
    the largest norm of a point. For a `RowSource` they are unknown, because computing them would take a pass over it.

    Examples
    --------
    >>> import numpy as np, oco
    >>> rows, targets = np.eye(3), np.array([1.0, 2.0, 3.0])
    >>> game = oco.environments.LeastSquares(rows, targets, domain=oco.Ball(radius=4.0))
    >>> game.horizon, game.domain.dimension
    (3, 3)
    >>> round(game.gradient_bound, 6)
    7.0
    """

    name: ClassVar[str] = "generalized_linear"
    default_loss: ClassVar[ScalarLoss | None] = None

    @classmethod
    def own_loss(cls) -> ScalarLoss | None:
        """``default_loss``, which a subclass may set."""
        return cls.default_loss


class LogisticRegression(GeneralizedLinearGame):
    """`GeneralizedLinear` with the logistic loss ``log(1 + exp(-y <a, x>))``, y = -1 or +1."""

    name = "logistic_regression"

    @classmethod
    def own_loss(cls) -> Logistic:
        """The loss of the game's name."""
        return Logistic()


class LeastSquares(GeneralizedLinearGame):
    """`GeneralizedLinear` with the squared loss ``(<a, x> - y)^2 / 2``."""

    name = "least_squares"

    @classmethod
    def own_loss(cls) -> Squared:
        """The loss of the game's name."""
        return Squared()


class AbsoluteRegression(GeneralizedLinearGame):
    """`GeneralizedLinear` with the absolute loss ``|<a, x> - y|``."""

    name = "absolute_regression"

    @classmethod
    def own_loss(cls) -> Absolute:
        """The loss of the game's name."""
        return Absolute()


class SupportVector(GeneralizedLinearGame):
    """`GeneralizedLinear` with the hinge loss ``max(0, 1 - y <a, x>)``, y = -1 or +1."""

    name = "support_vector"

    @classmethod
    def own_loss(cls) -> Hinge:
        """The loss of the game's name."""
        return Hinge()


class LinearLosses(GeneralizedLinearGame):
    """`GeneralizedLinear` with ``f_t(x) = <g_t, x>``: the rows are the gradients."""

    name = "linear_losses"

    @classmethod
    def own_loss(cls) -> Linear:
        """The loss of the game's name."""
        return Linear()
