"""The game that an attack plays over and over: a learner against given rows, scored."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from oco.domains.base import Domain
from oco.environments import GeneralizedLinear
from oco.errors import ConfigError, DomainError, OcoError
from oco.exchange import only_gradients
from oco.game import play
from oco.learners.base import Learner, Problem, require_feedback
from oco.losses.scalar import Linear, ScalarLoss
from oco.record import Record
from oco.types import Array

Objective = Literal["regret", "ratio"]
Norm = Literal["l2", "linf"]

_CHORDS, _OUTSIDE = 200, 1e-9
"""Random chords on which a loss is tried for convexity, and by how much, relative to its values, it may miss."""


@dataclass(frozen=True)
class Arena:
    """A learner, a domain and a class of streams, with what a stream is judged by.

    Attributes
    ----------
    learner
        Who is attacked.
    domain, horizon
        K and T.
    loss
        phi of the losses ``phi(<a_t, x>, 0)``, or with targets of 1 where the loss is for classes; linear by default.
    norm
        Rows a_t have norm at most 1 in it, ``"l2"`` or ``"linf"``.
    objective
        ``"regret"``, or ``"ratio"``: regret over the learner's own bound, where its assumptions hold.
    seed
        Of a learner that draws random numbers.
    """

    learner: Learner
    domain: Domain
    horizon: int
    loss: ScalarLoss
    norm: Norm
    objective: Objective
    seed: int

    @property
    def shape(self) -> tuple[int, int]:
        """``(T, d)``."""
        return self.horizon, self.domain.dimension

    def inside(self, rows: Array) -> Array:
        """Rows scaled into the class: none is longer than 1, and the longest is of length 1."""
        sizes = np.abs(rows).max(axis=1) if self.norm == "linf" else np.sqrt(np.einsum("ij,ij->i", rows, rows))
        clipped = rows / np.maximum(sizes, 1.0)[:, None]
        longest = min(float(sizes.max(initial=0.0)), 1.0)
        scaled: Array = clipped / longest if longest > 0.0 else clipped
        return scaled

    def score(self, rows: Array) -> float:
        """What is maximized; minus infinity for a stream that the learner cannot be played on."""
        if not np.any(rows):
            return -math.inf
        try:
            if self.objective == "ratio" or not self.loss.linear:
                return self.judged(self.record(rows))
            return self._linear_regret(rows)
        except OcoError:
            return -math.inf

    def judged(self, record: Record) -> float:
        """The objective of a record."""
        regret = record.regret.lower
        if self.objective == "regret" or not math.isfinite(regret):
            return regret if math.isfinite(regret) else -math.inf
        bound = record.bound
        if bound is None or not bound.valid or record.violations or not 0.0 < bound.value < math.inf:
            return -math.inf
        return regret / bound.value

    def record(self, rows: Array) -> Record:
        """The game on ``rows``, with certificate and bound."""
        return play(self.game(rows), self.learner, seed=self.seed, checkpoints=[self.horizon])

    def game(self, rows: Array) -> GeneralizedLinear:
        """The environment."""
        targets = np.ones(len(rows)) if self.loss.takes_target else None
        return GeneralizedLinear(rows, targets, loss=self.loss, domain=self.domain, order="file")

    def _linear_regret(self, rows: Array) -> float:
        """``sum <g_t, x_t> + h_K(-sum g_t)``: nothing but the learner's rounds."""
        game = self.game(rows)
        player = self.learner.fresh()
        player.start(Problem.of(game, self.seed))
        outcome = player.play_block(game.block(0, self.horizon))
        if outcome is not None:
            played = float(outcome.losses.sum()) if outcome.stopped < 0 else -math.inf
        else:
            played = 0.0
            for row in rows:
                played += float(row @ player.prediction)
                player.update(row)
        regret = played + self.domain.support(-rows.sum(axis=0))
        return regret if math.isfinite(regret) else -math.inf

    def follow(self, choose: Callable[[int, Array, Array], Array]) -> Array:
        """The rows of an adversary that sees the point: ``choose(t, point, sum of the rows so far)``."""
        rows = np.zeros(self.shape)
        first = np.zeros(self.domain.dimension)
        first[0] = 1.0
        player = self.learner.fresh()
        player.start(Problem.of(self.game(np.tile(first, (self.horizon, 1))), self.seed))
        total = np.zeros(self.domain.dimension)
        for t in range(self.horizon):
            row = choose(t, player.prediction, total)
            rows[t] = row / max(1.0, float(np.abs(row).max() if self.norm == "linf" else np.linalg.norm(row)))
            player.update(rows[t])
            total += rows[t]
        return rows


def arena_of(learner: Any, domain: Any, horizon: int, loss: ScalarLoss, norm: str, objective: str, seed: int) -> Arena:
    """The arena, after checks that say in one sentence what cannot be attacked."""
    if not isinstance(learner, Learner):
        raise ConfigError(f"an attack needs a learner of oco.Learner, got {type(learner).__name__}")
    if norm not in ("l2", "linf") or objective not in ("regret", "ratio"):
        raise ConfigError(f"norm must be l2 or linf and objective regret or ratio, got {norm!r} and {objective!r}")
    if isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 1:
        raise ConfigError(f"the horizon of an attack must be an integer of at least 1, got {horizon!r}")
    _check_domain(domain)
    _check_convex(loss, domain.radius("l2"), seed)
    arena = Arena(learner, domain, horizon, loss, norm, objective, seed)  # type: ignore[arg-type]
    rows = np.zeros(arena.shape)
    rows[:, 0] = 1.0
    _check_learner(arena, rows)
    return arena


def _check_domain(domain: Any) -> None:
    try:
        vectors = len(domain.shape) == 1
    except (AttributeError, DomainError):
        vectors = False
    if not vectors:
        raise ConfigError(f"an attack needs a domain of vectors of a given dimension, got {domain!r}")
    direction = np.ones(domain.shape)
    try:
        reach = float(np.vdot(direction, domain.maximizer(direction)))
        support = domain.support(direction)
    except (NotImplementedError, OcoError):
        raise ConfigError(
            f"an attack needs a bounded domain with a linear oracle, support and maximizer, and {domain!r} has none"
        ) from None
    if not abs(reach - support) <= 1e-6 * max(1.0, abs(support)):
        raise ConfigError(f"the linear oracle of {domain!r} is wrong: support says {support:g}, maximizer {reach:g}")


def _check_convex(loss: ScalarLoss, radius: float, seed: int) -> None:
    """Try the loss on random chords of the margins that rows of length 1 can have."""
    generator = np.random.default_rng([seed, 0xC0])
    left, right = generator.uniform(-radius, radius, (2, _CHORDS))
    share = generator.uniform(0.0, 1.0, _CHORDS)
    targets = np.ones(_CHORDS) if loss.takes_target else np.zeros(_CHORDS)
    middle = share * left + (1.0 - share) * right
    at_left, at_right, at_middle = (loss.values_and_derivatives(at, targets)[0] for at in (left, right, middle))
    chord = share * at_left + (1.0 - share) * at_right
    above = at_middle - chord > _OUTSIDE * (np.abs(at_left) + np.abs(at_right) + 1.0)
    if above.any():
        at = int(np.argmax(above))
        raise ConfigError(
            f"an attack needs a convex loss, and {loss.name} is not: between the margins {left[at]:.4g} and "
            f"{right[at]:.4g} it is above its chord"
        )


def _check_learner(arena: Arena, rows: Array) -> None:
    game = arena.game(rows)
    player = arena.learner.fresh()
    problem = Problem.of(game, arena.seed)
    require_feedback(player, problem)
    if not only_gradients(game, player):
        raise ConfigError(f"an attack shows gradients, and {arena.learner!r} needs other feedback")
    player.start(problem)
    if "state" not in vars(player):
        raise ConfigError(
            f"an attack plays a learner many times, and {arena.learner!r} has no state to reset: start must set state"
        )
    if arena.objective == "ratio" and arena.record(rows).bound is None:
        raise ConfigError(
            f"an attack on a bound needs one, and on {arena.domain!r} {arena.learner!r} states no bound, or the "
            "bound's conditions exclude these losses"
        )


def scores(arena: Arena, candidates: Sequence[Array], pool: Any = None) -> list[float]:
    """The scores of several streams, in their order, by the workers of ``pool`` if there are any."""
    return [float(value) for value in (map if pool is None else pool.map)(arena.score, candidates)]


def linear() -> ScalarLoss:
    """The loss of an attack by default."""
    return Linear()
