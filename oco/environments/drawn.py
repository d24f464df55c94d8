"""Streams drawn from a seed, in which any round can be computed without the rounds before it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from oco.domains.base import Domain
from oco.environments.base import Environment, Rounds
from oco.environments.leading_space import Fixed, LeadingSpace
from oco.environments.row_data import exp_concavity, float_rows, largest_gradient, stacked
from oco.environments.row_stream import RowStream
from oco.errors import ConfigError, ProtocolError
from oco.losses.base import Loss
from oco.losses.rows import RowBlock, Rows
from oco.losses.scalar import ScalarLoss
from oco.types import Array

if TYPE_CHECKING:
    from oco.comparators import Losses

CHUNK = 256
"""Rounds that are drawn together. A chunk depends only on the seeds and its number, so any round is reachable."""

KEPT_BYTES = 1 << 24
"""Most bytes of rows that are kept for the next game of the same stream; all of them in short games."""

Draws = Literal["signs", "normal"]

_OF_PLAY = ("_seed", "_next", "_drawn", "_parameters", "_shared")
"""Attributes of a stream that say where its game is; all others may decide what is drawn."""


class _Chunks:
    """The chunks of one stream, which an environment shares with its copies, up to `KEPT_BYTES`."""

    def __init__(self) -> None:
        self._kept: tuple[int | None, dict[str, Any], dict[int, RowBlock]] = None, {}, {}

    def of(self, seed: int, parameters: dict[str, Any]) -> dict[int, RowBlock]:
        """What is kept of the stream of ``seed``, by number; forgets another stream.

        A copy of which an attribute was replaced has other ``parameters``, and so another stream.
        """
        kept = self._kept  # looked at once and replaced at once: threads may play different streams
        same = kept[0] == seed and kept[1].keys() == parameters.keys()
        if not same or any(kept[1][name] is not parameters[name] for name in parameters):
            kept = self._kept = seed, parameters, {}
        return kept[2]

    def __reduce__(self) -> tuple[type[_Chunks], tuple[()]]:
        """Without the rows, which can be drawn again."""
        return _Chunks, ()


class DrawnRows(RowStream):
    """Rows and targets that are drawn one chunk at a time by a subclass.

    ``problem_seed`` draws the fixed parameters (a rotation, the true weights); `restart`'s seed draws the rounds.

    Parameters
    ----------
    dimension, horizon
        d and T.
    domain
        Where decisions must lie.
    loss
        The loss phi of a margin and a target.
    problem_seed
        Draws the parameters shared by all streams.
    """

    draws: Draws | None = None
    """Distribution of the coordinates of a row, if there is a choice."""

    def __init__(self, *, dimension: int, horizon: int, domain: Domain, loss: ScalarLoss, problem_seed: int) -> None:
        if dimension < 1 or horizon < 1:
            raise ConfigError(f"dimension and horizon must be at least 1, got {dimension} and {horizon}")
        self.dimension = int(dimension)
        self.horizon = int(horizon)
        self.domain = domain.with_shape((self.dimension,))
        self.loss = loss
        self.problem_seed = problem_seed
        self._shared = _Chunks()
        self.restart(0)

    def restart(self, seed: int) -> None:
        """Go back before round 1 of the stream of ``seed``."""
        super().restart(seed)
        self._seed = seed
        self._drawn: tuple[int, RowBlock] | None = None
        self._parameters = {name: value for name, value in vars(self).items() if name not in _OF_PLAY}

    @abstractmethod
    def _draw(self, generator: np.random.Generator, rounds: Rounds) -> tuple[Rows, Array]:
        """Rows ``(n, d)``, dense or CSR, and targets ``(n,)`` of consecutive ``rounds`` (counted from 0)."""

    def block(self, start: int, stop: int) -> RowBlock:
        """Rounds ``start`` to ``stop - 1``; draws only the chunks of 256 rounds that hold them."""
        self._check_range(start, stop)
        first, last = start // CHUNK, (stop - 1) // CHUNK
        chunks = [self._chunk(number) for number in range(first, last + 1)]
        inside = slice(start - first * CHUNK, stop - first * CHUNK)
        rows = stacked([chunk.rows for chunk in chunks])[inside]
        targets = np.concatenate([chunk.targets for chunk in chunks])
        # Whoever writes to the rows of a block must not write to what other games get.
        return RowBlock(self.loss, rows.copy() if len(chunks) == 1 else rows, targets[inside])

    def _chunk(self, number: int) -> RowBlock:
        kept = self._shared.of(self._seed, self._parameters)
        if number in kept:
            return kept[number]
        if self._drawn is None or self._drawn[0] != number:
            generator = np.random.default_rng([self.problem_seed, self._seed, number])
            rows, targets = self._draw(generator, np.arange(number * CHUNK, (number + 1) * CHUNK))
            chunk = RowBlock(self.loss, float_rows(rows), targets)
            self._drawn = number, chunk
            if isinstance(chunk.rows, np.ndarray) and (len(kept) + 1) * chunk.rows.nbytes <= KEPT_BYTES:
                kept[number] = chunk
        return self._drawn[1]

    def describe(self) -> dict[str, Any]:
        """Name and parameters."""
        drawn: dict[str, Any] = {"dimension": self.dimension, "problem_seed": self.problem_seed}
        return super().describe() | drawn | ({"draws": self.draws} if self.draws else {})


class RotatedRows(DrawnRows):
    """Rows ``a_t = Q diag(scales) xi_t`` with a random rotation Q and i.i.d. coordinates xi of mean 0 and variance 1.

    The covariance of the rows is ``Q diag(scales^2) Q'``. With ``draws="signs"`` the xi are fair coins, so that every
    row has the length ``|scales|_2`` exactly and constants can be stated; with ``"normal"`` nothing is bounded.
    """

    largest_target: float = 0.0
    """A bound on ``|y_t|`` when the rows are drawn as signs."""
    drift: LeadingSpace = Fixed()
    """What moves the rows from round to round, before the fixed rotation."""

    def __init__(self, *, scales: Array, draws: Draws, **keywords: Any) -> None:
        if draws not in ("signs", "normal"):
            raise ConfigError(f'draws must be "signs" or "normal", got {draws!r}')
        super().__init__(dimension=int(scales.size), **keywords)
        self.scales = scales
        self.draws = draws
        self.rotation = random_rotation(self.dimension, self.problem_seed)

    def _draw(self, generator: np.random.Generator, rounds: Rounds) -> tuple[Array, Array]:
        shape = (rounds.size, self.dimension)
        signs = self.draws == "signs"
        coordinates = generator.integers(0, 2, shape) * 2.0 - 1.0 if signs else generator.standard_normal(shape)
        rows = self.drift.turn(coordinates * self.scales, rounds) @ self.rotation.T
        return rows, self._draw_targets(rows, rounds, generator)

    @abstractmethod
    def _draw_targets(self, rows: Array, rounds: Rounds, generator: np.random.Generator) -> Array:
        """``(n,)``: the targets of ``rows`` ``(n, d)``."""

    def _extremes(self) -> tuple[ScalarLoss, Array, Array, float]:
        lengths = np.full(2, float(np.linalg.norm(self.scales)))
        targets = np.ones(2) if self.loss.binary else np.full(2, self.largest_target)
        return self.loss, lengths, targets * (-1.0, 1.0), self.domain.radius("l2")

    @property
    def gradient_bound(self) -> float | None:
        """Largest ``|phi'| |a_t|_2`` over the domain if rows are drawn as signs; normal rows have no bound."""
        largest = np.inf if self.draws == "normal" else largest_gradient(*self._extremes())
        return largest if np.isfinite(largest) else None

    @property
    def exp_concavity(self) -> float | None:
        """Least ``phi'' / phi'^2`` over the domain if rows are drawn as signs and it is positive; else None."""
        alpha = 0.0 if self.draws == "normal" else exp_concavity(*self._extremes())
        return alpha if 0.0 < alpha < np.inf else None

    @property
    def gradient_eigenvalues(self) -> Array | None:
        """Prescribed eigenvalues ``(d,)`` of the covariance of a round's gradient, if there are any."""
        return self.scales**2 if self.loss.linear else None

    def gradient_eigenvectors(self, round_index: int) -> Array:
        """``(d, d)``: the corresponding eigenvectors, as columns, in round ``round_index`` (counted from 0)."""
        directions = self.drift.turn(np.eye(self.dimension), np.full(self.dimension, round_index))
        eigenvectors: Array = self.rotation @ directions.T
        return eigenvectors


class DrawnLosses(Environment):
    """A stream in which the loss of any round can be computed, by the subclass's `loss_at`."""

    problem_seed: int
    _seed: int = 0
    _next: int = 0

    @abstractmethod
    def loss_at(self, round_index: int) -> Loss:
        """The loss of round ``round_index`` (counted from 0) of the stream that `restart` drew."""

    def restart(self, seed: int) -> None:
        """Go back before round 1 of the stream of ``seed``."""
        self._seed = seed
        self._next = 0

    def reveal(self, point: Array) -> Loss:
        """The loss of this round."""
        if self._next >= self.horizon:
            raise ProtocolError(f"{type(self).__name__} has {self.horizon} rounds and all of them were played")
        self._next += 1
        return self.loss_at(self._next - 1)

    def declared_losses(self, start: int, stop: int) -> Losses:
        """The losses one by one."""
        return [self.loss_at(i) for i in range(start, stop)]

    def _generator(self, round_index: int) -> np.random.Generator:
        return np.random.default_rng([self.problem_seed, self._seed, round_index])

    def describe(self) -> dict[str, Any]:
        """Name and parameters."""
        return super().describe() | {"problem_seed": self.problem_seed}


def random_rotation(dimension: int, *key: int) -> Array:
    """An orthogonal matrix ``(d, d)`` from the uniform (Haar) distribution, fixed by ``key``."""
    normal = np.random.default_rng([*key, 0x407A]).standard_normal((dimension, dimension))
    basis, triangle = np.linalg.qr(normal)
    rotation: Array = basis * np.where(np.diag(triangle) < 0.0, -1.0, 1.0)
    return rotation


def random_direction(dimension: int, *key: int) -> Array:
    """A unit vector ``(d,)`` from the uniform distribution, fixed by ``key``."""
    normal = np.random.default_rng(list(key)).standard_normal(dimension)
    direction: Array = normal / np.linalg.norm(normal)
    return direction
