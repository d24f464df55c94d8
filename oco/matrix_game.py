"""Two learners who play a matrix game against each other, with a certificate of how far they are from equilibrium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oco.domains import Simplex
from oco.errors import ConfigError
from oco.exchange import checked_point, lost_point
from oco.learners import Learner, Problem
from oco.learners._finite import is_finite
from oco.learners.base import require_feedback
from oco.needs import GRADIENT, PROMPT
from oco.regret import Interval
from oco.regret.checkpoints import checkpoint_rounds
from oco.types import Array


@dataclass(frozen=True)
class SelfPlay:
    """What two learners reached in a matrix game.

    Attributes
    ----------
    rounds
        ``(p,)``: the checkpoints, counted from 1.
    gaps
        ``(p,)``: the duality gap of the averaged strategies at each of them,
        ``max_j (A' xbar)_j - min_i (A ybar)_i >= 0``, which is also the sum of both regrets divided by the rounds.
    row_strategy, column_strategy
        ``xbar`` ``(n,)`` and ``ybar`` ``(m,)``, the averages over all rounds.
    row_regret, column_regret
        Regret of each player against the best fixed strategy.
    value
        Where the value of the game lies: between what the averaged column strategy secures against every row, and what
        the averaged row strategy secures against every column.
    """

    rounds: np.ndarray[Any, np.dtype[np.int64]]
    gaps: Array
    row_strategy: Array
    column_strategy: Array
    row_regret: float
    column_regret: float
    value: Interval

    @property
    def gap(self) -> float:
        """The duality gap after the last round; the averaged strategies are an equilibrium up to this number."""
        return self.value.width


def self_play(
    payoff: Any,
    row: Learner,
    column: Learner | None = None,
    *,
    rounds: int,
    seed: int = 0,
    checkpoints: int | Sequence[int] = 30,
) -> SelfPlay:
    r"""Play the zero-sum game in which row pays ``x' A y`` to column, both at the same time, round after round.

    .. math::
        \max_j (A^\top \bar x)_j - \min_i (A \bar y)_i = \frac{R_T^{row} + R_T^{column}}{T}

    Parameters
    ----------
    payoff
        A, ``(n, m)``.
    row
        The learner that picks a row from the simplex of n vertices; its gradient is ``A y_t``.
    column
        The learner that picks a column; its gradient is ``-A' x_t``. By default another copy of ``row``.
    rounds
        T, which both learners know, as they know ``max |A_ij|``.
    seed
        Seed of learners that draw random numbers; the column player gets ``seed + 1``.
    checkpoints
        A number of log-spaced rounds at which the gap is kept, or these rounds.

    Returns
    -------
    SelfPlay
        The averaged strategies, their duality gap and both regrets.

    Raises
    ------
    ConfigError
        If the payoff is not a finite matrix, or if a learner needs another feedback than gradients, or another set.

    Notes
    -----
    Cost O(n m) a round for the two products, and what the learners do. The gap needs no solver: the best answer to an
    averaged strategy is a vertex.

    References
    ----------
    Freund, Schapire, Games and Economic Behavior 29 (1999), for equilibria from regrets.

    Examples
    --------
    >>> import oco
    >>> rock_paper_scissors = [[0.0, 1.0, -1.0], [-1.0, 0.0, 2.0], [1.0, -1.0, 0.0]]
    >>> played = oco.self_play(rock_paper_scissors, oco.OptimisticHedge(learning_rate=0.25), rounds=1000)
    >>> played.gap < 0.01, 1 / 12 in played.value
    (True, True)
    """
    matrix = _checked_payoff(payoff)
    players = (row.fresh(), (row if column is None else column).fresh())
    for player, size, own_seed in zip(players, matrix.shape, (seed, seed + 1), strict=True):
        _start(player, size, matrix, rounds, own_seed)
    kept = checkpoint_rounds(checkpoints, rounds)
    row_sum, column_sum = np.zeros(matrix.shape[0]), np.zeros(matrix.shape[1])
    paid, gaps = 0.0, []
    for round_index in range(1, rounds + 1):
        x, y = (
            checked_point(player, player.prediction, round_index, (size,)).copy()
            for player, size in zip(players, matrix.shape, strict=True)
        )
        losses, gains = matrix @ y, matrix.T @ x
        paid += float(x @ losses)
        row_sum += x
        column_sum += y
        players[0].update(losses)
        players[1].update(-gains)
        if round_index in kept:
            gaps.append(_value(matrix, row_sum, column_sum, round_index).width)
    for player in players:
        if not is_finite(player.prediction):
            raise lost_point(rounds, player)
    value = _value(matrix, row_sum, column_sum, rounds)
    return SelfPlay(
        rounds=np.array(kept, dtype=np.int64),
        gaps=np.array(gaps),
        row_strategy=row_sum / rounds,
        column_strategy=column_sum / rounds,
        row_regret=paid - rounds * value.lower,
        column_regret=rounds * value.upper - paid,
        value=value,
    )


def _checked_payoff(payoff: Any) -> Array:
    try:
        matrix = np.array(payoff, dtype=np.float64)
    except (TypeError, ValueError):
        matrix = np.zeros(0)
    if matrix.ndim != 2 or matrix.size == 0 or not np.isfinite(matrix).all():
        raise ConfigError(f"payoff must be a matrix (n, m) of finite numbers, got {payoff!r}")
    return matrix


def _start(player: Learner, size: int, matrix: Array, rounds: int, seed: int) -> None:
    """Tell a player what both know of the game."""
    largest = float(np.abs(matrix).max())
    problem = Problem(
        Simplex(dimension=size),
        rounds,
        gradient_bound=largest * float(np.sqrt(size)),
        gradient_entry_bound=largest,
        seed=seed,
        gives=(GRADIENT, PROMPT),
    )
    require_feedback(player, problem)
    player.start(problem)


def _value(matrix: Array, row_sum: Array, column_sum: Array, rounds: int) -> Interval:
    """What each averaged strategy secures."""
    return Interval(float((matrix @ column_sum).min()) / rounds, float((matrix.T @ row_sum).max()) / rounds)
