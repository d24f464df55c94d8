"""The games that a fit plays: the losses of given rows, in the order and with the weights of `Rounds`."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Any, final

import numpy as np

from oco.domains.base import Domain
from oco.environments.base import Environment
from oco.environments.given_rows import GeneralizedLinear
from oco.environments.row_data import ROUNDING, float_rows, row_lengths
from oco.environments.row_stream import RowStream
from oco.estimators.rounds import Rounds
from oco.losses.base import Loss
from oco.losses.margin import ScalarLoss
from oco.losses.multinomial import MultinomialBlock, MultinomialLogistic
from oco.losses.rows import RowBlock, dense_row
from oco.types import Array

if TYPE_CHECKING:
    from oco.comparators import Losses


def linear_game(rows: Any, targets: Array, rounds: Rounds, loss: ScalarLoss, domain: Domain) -> Environment:
    """Losses of a margin on the rows of ``rounds``."""
    game = MarginRounds(GeneralizedLinear(rows, targets, loss=loss, domain=domain, order="file"), rows, targets, rounds)
    return game if rounds.weights is None else WeightedRounds(game, rounds.weights)


def multinomial_game(rows: Any, codes: Any, classes: int, rounds: Rounds, domain: Domain) -> Environment:
    """Multinomial logistic losses on the rows of ``rounds``, for labels ``0 .. classes - 1``."""
    game = MultinomialRounds(rows, codes, classes, rounds, domain)
    return game if rounds.weights is None else WeightedRounds(game, rounds.weights)


@final
class MarginRounds(RowStream):
    """``phi(<a_t, x>, y_t)`` on the rows of a game in another order, with the constants of that game."""

    def __init__(self, game: GeneralizedLinear, rows: Any, targets: Array, rounds: Rounds) -> None:
        self._game, self._data, self._targets, self._order = game, rows, targets, rounds.order
        self.loss, self.domain, self.horizon = game.loss, game.domain, len(rounds)

    def block(self, start: int, stop: int) -> RowBlock:
        """Rounds ``start`` to ``stop - 1``, copied out of the rows."""
        self._check_range(start, stop)
        chosen = self._order[start:stop]
        return RowBlock(self.loss, float_rows(self._data[chosen]), self._targets[chosen])

    @property
    def gradient_bound(self) -> float | None:
        """That of the game on the rows."""
        return self._game.gradient_bound

    @property
    def gradient_entry_bound(self) -> float | None:
        """That of the game on the rows."""
        return self._game.gradient_entry_bound

    @property
    def exp_concavity(self) -> float | None:
        """That of the game on the rows."""
        return self._game.exp_concavity


class _Revealing(Environment, ABC):
    """An environment that counts its rounds."""

    _next = 0

    def restart(self, seed: int) -> None:
        """Go back before round 1; the order is fixed."""
        self._next = 0

    def _count(self) -> int:
        self._next += 1
        return self._next - 1


@final
class MultinomialRounds(_Revealing):
    """``log sum_c exp(<w_c, a_t>) - <w_{y_t}, a_t>`` for W ``(classes, d)``; some classes may have no row."""

    def __init__(self, rows: Any, codes: Any, classes: int, rounds: Rounds, domain: Domain) -> None:
        self._data, self._codes, self._classes, self._order = rows, codes, classes, rounds.order
        self.horizon = len(rounds)
        self.domain = domain.with_shape((classes, rows.shape[1]))

    @property
    def gradient_bound(self) -> float:
        """``sqrt(2) max_t |a_t|_2``, because the gradient is ``(p - e_y) a'``."""
        return float(np.sqrt(2.0) * row_lengths(float_rows(self._data)).max()) * ROUNDING

    def reveal(self, point: Array) -> MultinomialLogistic:
        """The loss of this round."""
        block = self._block(self._count(), self._next)
        return MultinomialLogistic(dense_row(block.rows, 0), int(block.labels[0]), self._classes)

    def declared_losses(self, start: int, stop: int) -> Losses:
        """A block of rows and classes."""
        return self._block(start, stop)

    def _block(self, start: int, stop: int) -> MultinomialBlock:
        chosen = self._order[start:stop]
        return MultinomialBlock(float_rows(self._data[chosen]), self._codes[chosen], self._classes)


@final
class WeightedRounds(_Revealing):
    """Losses of a game, each multiplied by a weight in (0, 1]."""

    def __init__(self, game: Environment, weights: Array) -> None:
        self._game, self._weights = game.fresh(0), weights
        self.domain, self.horizon = game.domain, game.horizon

    def fresh(self, seed: int) -> WeightedRounds:
        """Before round 1 again."""
        return WeightedRounds(self._game, self._weights)

    @property
    def gradient_bound(self) -> float | None:
        """That of the game, because no weight is above 1."""
        return self._game.gradient_bound

    @property
    def gradient_entry_bound(self) -> float | None:
        """That of the game, because no weight is above 1."""
        return self._game.gradient_entry_bound

    @property
    def exp_concavity(self) -> float | None:
        """That of the game: ``exp(-alpha w f)`` is a concave power of ``exp(-alpha f)``."""
        return self._game.exp_concavity

    def reveal(self, point: Array) -> _Scaled:
        """The loss of this round, scaled."""
        return _Scaled(self._game.reveal(point), float(self._weights[self._count()]))


@final
class _Scaled(Loss):
    def __init__(self, loss: Loss, weight: float) -> None:
        self._loss, self._weight = loss, weight

    def value(self, point: Array) -> float:
        return self._weight * self._loss.value(point)

    def gradient(self, point: Array) -> Array:
        return self._weight * self._loss.gradient(point)
