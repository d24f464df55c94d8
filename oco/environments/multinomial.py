"""Play a multiclass problem, with one matrix decision or with one game per class."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from oco.domains import Unbounded
from oco.domains import from_config as domain_from_config
from oco.domains.base import Domain
from oco.environments.base import Environment
from oco.environments.generalized_linear import Order
from oco.environments.given_rows import LinearLosses, LogisticRegression
from oco.environments.row_data import ROUNDING, float_rows, row_lengths
from oco.errors import ConfigError, DataError, ProtocolError
from oco.losses.multinomial import MultinomialBlock, MultinomialLogistic
from oco.losses.rows import dense_row
from oco.numbers import real_numbers
from oco.types import Array

if TYPE_CHECKING:
    from oco.comparators import Losses


class MultinomialRegression(Environment):
    """Multinomial logistic regression: ``f_t(W) = log sum_c exp(<w_c, a_t>) - <w_{y_t}, a_t>`` for W ``(classes, d)``.

    Parameters
    ----------
    rows
        ``(n, d)`` features, as in `GeneralizedLinear`; held in memory.
    labels
        ``(n,)`` numbers, at least two different ones; row c of W belongs to the c-th smallest.
    domain
        Feasible set of W; unbounded by default.
    order, passes, horizon, description
        As in `GeneralizedLinear`.

    Notes
    -----
    The gradient ``(softmax(W a) - e_y) a'`` has rank one and length at most ``sqrt(2) |a|_2``, hence
    ``G = sqrt(2) max_t |a_t|_2``. The seed of a stream draws the order of the rows.

    Examples
    --------
    >>> import numpy as np, oco
    >>> game = oco.environments.MultinomialRegression(np.eye(3), [5, 7, 9])
    >>> game.domain.shape, game.classes.tolist(), round(game.gradient_bound, 3)
    ((3, 3), [5.0, 7.0, 9.0], 1.414)
    """

    name: ClassVar[str] = "multinomial_regression"

    def __init__(
        self,
        rows: Any,
        labels: Any,
        *,
        domain: Domain | None = None,
        order: Order = "shuffle",
        passes: int = 1,
        horizon: int | None = None,
        description: dict[str, Any] | None = None,
    ) -> None:
        self._use(
            LinearLosses(rows, labels, order=order, passes=passes, horizon=horizon, description=description), domain
        )

    def _use(self, rows: LinearLosses, domain: Domain | None) -> None:
        # A game on the rows, with the labels as targets, takes care of their order and description.
        self._rows = rows
        self.classes: Array = np.unique(rows._targets)
        if self.classes.size < 2:
            raise DataError(f"labels must have at least two classes, got only {self.classes[0]:g}")
        self.horizon = rows.horizon
        self.domain = (domain or Unbounded()).with_shape((self.classes.size, rows.domain.dimension))
        lengths = row_lengths(float_rows(rows._rows))
        self._gradient_bound = float(np.sqrt(2.0) * lengths.max()) * ROUNDING
        self.restart(0)

    def restart(self, seed: int) -> None:
        """Go back before round 1; with ``order="shuffle"``, draw the order of the rows from ``seed``."""
        self._rows = self._rows.fresh(seed)
        self._next = 0

    def split(self, test_fraction: float = 0.2, seed: int = 0) -> tuple[Self, Self]:
        """Two games on disjoint rows, as ``split`` of `GeneralizedLinear` makes them; both keep all classes."""
        train, test = self._rows.split(test_fraction, seed)
        return self._on(train), self._on(test)

    def shortened(self, horizon: int) -> Self:
        """The same game with fewer rounds, ``horizon`` of them."""
        return self._on(self._rows.shortened(horizon))

    def _on(self, rows: LinearLosses) -> Self:
        """The game on some of the rows; the gradient bound of all of them holds there too."""
        clone = copy.copy(self)
        clone._rows, clone.horizon = rows, rows.horizon
        clone.restart(0)
        return clone

    def block(self, start: int, stop: int) -> MultinomialBlock:
        """Rounds ``start`` to ``stop - 1`` (from 0) of the stream, with labels as class indices."""
        block = self._rows.block(start, stop)
        return MultinomialBlock(block.rows, np.searchsorted(self.classes, block.targets), self.classes.size)

    def reveal(self, point: Array) -> MultinomialLogistic:
        """The loss of this round."""
        if self._next >= self.horizon:
            raise ProtocolError(f"{type(self).__name__} has {self.horizon} rounds and all of them were played")
        self._next += 1
        return self.loss_at(self._next - 1)

    def loss_at(self, round_index: int) -> MultinomialLogistic:
        """The loss of round ``round_index`` (counted from 0)."""
        block = self.block(round_index, round_index + 1)
        return MultinomialLogistic(dense_row(block.rows, 0), int(block.labels[0]), block.n_classes)

    @property
    def gradient_bound(self) -> float:
        """``sqrt(2) max_t |a_t|_2``."""
        return self._gradient_bound

    def declared_losses(self, start: int, stop: int) -> Losses:
        """A block of rows and classes."""
        return self.block(start, stop)

    def keywords(self) -> dict[str, Any]:
        """The constructor's keywords, or those of `load` if it loaded the rows."""
        found = {key: value for key, value in self._rows.keywords().items() if key != "loss"}
        if "targets" in found:
            found["labels"] = found.pop("targets")
        return found | {"domain": self.domain}

    def describe(self) -> dict[str, Any]:
        """Name and parameters."""
        rows = self._rows.describe()
        own = {"kind": self.name, "domain": self.domain.describe(), "classes": int(self.classes.size)}
        return {key: value for key, value in rows.items() if key != "loss"} | own

    @classmethod
    def load(cls, data: str, *, domain: Domain | None = None, **options: Any) -> Self:
        """Play against a data set, by name or path, with the options of ``LogisticRegression.load``."""
        environment = cls.__new__(cls)
        environment._use(LinearLosses.load(data, **options), domain)
        return environment

    @classmethod
    def from_config(cls, *, data: str = "", domain: dict[str, Any] | None = None, **options: Any) -> Self:
        """Build from the plain values of a config."""
        if "rows" in options:
            return super().from_config(domain=domain, **options)
        if not data:
            raise ConfigError(f"environment {cls.name} needs data: the name of a data set, or a path")
        return cls.load(data, domain=domain_from_config(domain) if domain else None, **options)


def one_vs_rest(rows: Any, labels: Any, **options: Any) -> dict[float, LogisticRegression]:
    """One logistic game per class, in which that class is +1 and all others are -1.

    Parameters
    ----------
    rows, labels
        As in `MultinomialRegression`.
    options
        Those of `GeneralizedLinear`, the same for every game.

    Examples
    --------
    >>> import numpy as np
    >>> games = one_vs_rest(np.eye(3), [5, 7, 9], order="file")
    >>> games[7.0].block(0, 3).targets
    array([-1.,  1., -1.])
    """
    numbers = real_numbers(labels, "labels")
    classes = np.unique(numbers)
    if classes.size < 2:
        raise DataError(f"labels must have at least two classes, got {classes.size}")
    return {float(c): LogisticRegression(rows, np.where(numbers == c, 1.0, -1.0), **options) for c in classes}
