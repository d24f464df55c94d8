"""The game: the learner plays a point, the environment reveals a loss, and the learner receives a gradient."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oco.arguments import budgets_of, check_players, description, fresh_stream, shortest_length
from oco.continuing import Part, advance, declares
from oco.environments.held_out import HeldOutLoss
from oco.environments.row_stream import RowStream
from oco.environments.wrapper import innermost
from oco.errors import NumericsError
from oco.exchange import Exchange, checked_gradient, checked_point, lost_point, only_gradients, require_finite
from oco.learners._finite import count_rounds, is_finite
from oco.learners.base import Learner, Problem, require_feedback, require_memory
from oco.losses.rows import BlockOutcome, RowBlock, dense_row, rows_at_once
from oco.progress import GameProgress
from oco.record import Record
from oco.snapshot import Keeper
from oco.tracking import Tracker
from oco.tracking.tracker import learner_description

if TYPE_CHECKING:
    from oco.comparators import ComparatorCurve, PathCurve
    from oco.snapshot import Snapshots

BLOCK_ROUNDS = 4096
"""Most rounds passed to a compiled loop at once, which bounds the memory of a game for any horizon."""


def play(
    environment: Any,
    learner: Learner,
    *,
    seed: int = 0,
    checkpoints: int | Sequence[int] = 30,
    comparator: bool | ComparatorCurve = True,
    comparator_tolerance: float | None = None,
    comparator_time: float | None = None,
    spectrum: bool = True,
    learner_seed: int | None = None,
    shortest_interval: int | None = None,
    path_budgets: Sequence[float] | PathCurve | None = None,
    switching_cost: bool = False,
    average: bool = False,
    keep_iterates: bool = False,
    evaluate: Any = None,
    until: int | None = None,
    start: Record | None = None,
    snapshots: Snapshots | None = None,
    progress: bool = False,
    intervals: int | None = None,
) -> Record:
    """Play one game and record it: losses, certified regret, the theorem's bound, spectrum and memory.

    In round t the learner fixes its ``prediction`` x_t, the environment reveals f_t, and the learner's ``update``
    receives a subgradient of f_t at x_t, or the feedback that its ``needs`` name (docs/game.md). Neither argument is
    changed, because the game runs on fresh copies.

    Parameters
    ----------
    environment
        An `Environment`, or any object with ``domain``, ``horizon`` and ``reveal(point) -> Loss``.
    learner
        A `Learner`.
    seed
        Seed of the stream (the order of the rows, the adversary's coins).
    checkpoints
        Number of log-spaced rounds at which curves are recorded, or the rounds themselves (counted from 1); the last
        round is always one of them.
    comparator
        Whether to find the best fixed point in hindsight, or a curve computed before (see
        `oco.environments.comparator_curve`).
    comparator_tolerance, comparator_time
        Relative gap at which the search for it stops, and the seconds after which it stops in any case; the record has
        the interval reached. By default it stops at a gap that depends on the loss (docs/comparators.md).
    spectrum
        Whether to track the spectrum of the gradient covariance, needed for tail masses and most bounds.
    learner_seed
        Seed of a learner that draws random numbers; ``seed`` by default.
    shortest_interval
        Length of the shortest dyadic interval of rounds whose regret is recorded (``record.intervals``); none by
        default. About ``2 T / shortest_interval`` best fixed points are found for it.
    path_budgets
        Bounds P on the path ``sum_t |u_{t+1} - u_t|_2`` of a sequence of points, rising, from 0 (the best fixed point)
        to infinity (the minimum of every loss), for each of which the regret against the best sequence is recorded
        (``record.path_regret``). Or the sequences, from `oco.comparators.best_paths`. None by default.
    switching_cost
        Whether to record ``sum |x_t - x_{t-1}|_2``. The learner is then played round by round.
    average
        Whether to record the mean of the points x_1, ..., x_T (``record.averaged_point``). The learner is then played
        round by round, also where it has a compiled loop over rows.
    keep_iterates
        Whether to record the point after each checkpoint (``record.iterates``), d numbers for every one.
    evaluate
        An environment whose losses are held out: the curves ``held_out_average`` and ``held_out_last`` are the mean of
        its losses at the averaged and at the last point. Implies ``average``. Costs a pass over it at each checkpoint.
    until
        Round at which to stop, the environment's horizon by default. The record can be given as ``start`` later.
    start
        Record of the game up to an earlier round, which is continued. The environment, the learner, the seeds and the
        options must be those of that game.
    snapshots
        Storage of snapshots, from which an interrupted game continues, bit for bit. Games against a stream of rows use
        it, and games with other feedback whose losses do not depend on the points played; others start again.
    progress
        Whether to show a bar with the rounds played, on a terminal or in a notebook, and then one with the best fixed
        points found and the time that is left, if that takes more than a second; in a pipe there is none.
    intervals
        Deprecated name of ``shortest_interval``, to be removed in the next release.

    Returns
    -------
    Record
        Curves at the checkpoints, final numbers, and timings by part.

    Raises
    ------
    ConfigError
        If the learner does not suit the game, needs what the environment does not give or has played already, its state
        is larger than the memory this process may use, or ``start`` is the record of another game.
    NumericsError
        If a loss or a gradient is not finite; the message names the round, the learner and the cause.
    ProtocolError
        If a learner's point or a loss's gradient has the wrong shape.

    Notes
    -----
    If the losses are rows of a data set and the learner has a compiled loop over rows, the game runs in blocks
    (see ``record.scalars["form"]``), with the same trajectory as round by round.

    A game that was continued has the record of a game played at once with the same checkpoints, bit for bit, except
    that each part keeps its own spectra. The learner's state, the sums of the losses, the gradient covariance and the
    curves are carried over. The best fixed points are those of all rounds, found anew.

    Examples
    --------
    >>> import numpy as np, oco
    >>> rows = np.random.default_rng(0).standard_normal((200, 3))
    >>> game = oco.environments.LinearLosses(rows, domain=oco.Ball(radius=1.0))
    >>> record = oco.play(game, oco.AdaGradNorm())
    >>> record.regret.upper <= record.bound.value
    True
    >>> first = oco.play(game, oco.AdaGradNorm(), until=100)
    >>> oco.play(game, oco.AdaGradNorm(), start=first).scalars["rounds"]
    200
    """
    check_players(environment, learner)
    shortest = shortest_length(shortest_interval, intervals, int(environment.horizon))
    stream = fresh_stream(environment, seed)
    problem = Problem.of(stream, seed if learner_seed is None else learner_seed)
    player = learner.fresh()
    held_out = None if evaluate is None else HeldOutLoss(evaluate, problem.domain)
    tracked: dict[str, Any] = {
        "switching_cost": switching_cost,
        "average": average,
        "keep_iterates": keep_iterates,
        "spectrum": spectrum,
        "shortest_interval": shortest,
    }
    part = Part.of(
        stream, checkpoints, until, start, environment=description(stream), learner=learner_description(player),
        seed=seed, learner_seed=problem.seed, evaluate=None if evaluate is None else description(evaluate),
        path_budgets=budgets_of(path_budgets), **tracked,
    )  # fmt: skip
    require_memory(player, problem)
    require_feedback(player, problem)
    described = description(stream)
    exchange = None if only_gradients(stream, player) else Exchange(stream, player)
    if exchange is None:  # wrappers change nothing then
        stream = innermost(stream)
    began = time.perf_counter()
    player.start(problem)
    tracker = Tracker(
        stream, player, problem, part.rounds, comparator=comparator, comparator_tolerance=comparator_tolerance,
        comparator_time=comparator_time, progress=progress, held_out=held_out, path_budgets=path_budgets, **tracked,
    )  # fmt: skip
    tracker.timings["play"] += time.perf_counter() - began
    moves = _play_rows if isinstance(stream, RowStream) else _play_rounds
    kept = isinstance(stream, RowStream) if exchange is None else declares(stream)
    with GameProgress(int(part.rounds[-1]), progress) as bar:
        keeper = Keeper(snapshots if kept else None, player, tracker, part.earlier, exchange, bar)
        before, recorded = keeper.go_on()
        count_rounds(player, before)
        if exchange is None:
            advance(stream, before)
        for checkpoint in part.rounds[recorded:]:
            began = time.perf_counter()
            observing = tracker.timings["observe"]
            with np.errstate(over="ignore", invalid="ignore"):  # overflow raises NumericsError instead
                if exchange is None:
                    moves(stream, player, tracker, before, int(checkpoint), keeper)
                else:
                    exchange.play(tracker, before, int(checkpoint), keeper)
            tracker.timings["play"] += time.perf_counter() - began - (tracker.timings["observe"] - observing)
            tracker.checkpoint(int(checkpoint))
            before = int(checkpoint)
            bar.to(before)
    snapshot = part.snapshot(stream, player, tracker, exchange)
    return tracker.record(environment=described, seed=seed, snapshot=snapshot)


def _play_rows(stream: RowStream, player: Learner, tracker: Tracker, start: int, stop: int, keeper: Keeper) -> None:
    """Play rounds ``start`` to ``stop - 1`` of a stream of rows, in the learner's compiled loop or one by one."""
    for first, last in _pieces(stream, start, stop):
        block = stream.block(first, last)
        in_block = block.scalar.code >= 0 and not tracker.needs_every_point
        outcome = player.play_block(block) if in_block else None
        if outcome is None:
            _play_block_by_rounds(block, player, tracker, first)
        else:
            if outcome.stopped >= 0:
                _refuse_stopped(first, player, outcome)
            elif not is_finite(player.prediction):  # in any earlier round the next margin shows it
                raise lost_point(last, player)
            tracker.observe_block(block, outcome.margins, outcome.losses, outcome.slopes, outcome.form)
        keeper.after(last)


def _play_block_by_rounds(block: RowBlock, player: Learner, tracker: Tracker, first: int) -> None:
    margins, losses, slopes = (np.empty(len(block)) for _ in range(3))
    for i in range(len(block)):
        row = dense_row(block.rows, i)
        point = checked_point(player, player.prediction, first + i + 1, row.shape)
        margins[i] = row @ point
        losses[i], slopes[i] = block.scalar.at(margins[i], block.targets[i])
        require_finite(first + i + 1, player, losses[i], slopes[i])
        tracker.observe_point(point)
        player.update(slopes[i] * row)
    if not is_finite(player.prediction):
        raise lost_point(first + len(block), player)
    tracker.observe_block(block, margins, losses, slopes, "round by round")


def _play_rounds(stream: Any, player: Learner, tracker: Tracker, start: int, stop: int, _: Keeper) -> None:
    """Play rounds ``start`` to ``stop - 1`` against an environment that reveals one loss at a time."""
    for round_index in range(start + 1, stop + 1):
        point = checked_point(player, player.prediction, round_index, stream.domain.shape)
        loss = stream.reveal(point)
        value = float(loss.value(point))
        gradient = checked_gradient(loss, point, round_index)
        require_finite(round_index, player, value, gradient)
        tracker.observe_round(loss, value, gradient)
        player.update(gradient)
    if not is_finite(player.prediction):
        raise lost_point(stop, player)


def _pieces(stream: RowStream, start: int, stop: int) -> Iterator[tuple[int, int]]:
    dimension, rounds = stream.domain.dimension, BLOCK_ROUNDS
    if rows_at_once(dimension, sparse=False) < BLOCK_ROUNDS and not stream.block(start, start + 1).sparse:
        rounds = rows_at_once(dimension, sparse=False)
    for first in range(start, stop, rounds):
        yield first, min(first + rounds, stop)


def _refuse_stopped(first: int, player: Learner, outcome: BlockOutcome) -> None:
    """Raise the error for a block whose round ``stopped``, counted from ``first``, could not be completed."""
    at = outcome.stopped
    played = np.isfinite([outcome.margins[at], outcome.losses[at], outcome.slopes[at]]).all()
    if not is_finite(player.prediction) and (played or first + at > 0):
        raise lost_point(first + at + int(played), player)
    require_finite(first + at + 1, player, float(outcome.losses[at]), outcome.slopes[at])
    if not np.isfinite(outcome.margins[at]):
        raise NumericsError(
            f"round {first + at + 1}: the margin <row, point> overflows at the point that {player!r} played"
        )
    raise NumericsError(f"round {first + at + 1}: the gradient overflows at the point that {player!r} played")
