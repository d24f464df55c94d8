"""The regret tracker, which runs all observers of a game and composes their results into a record."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from oco.learners.base import Learner, Problem
from oco.losses.rows import RowBlock
from oco.plugins import registered_name
from oco.record import Record
from oco.snapshot import capture, restore
from oco.tracking.bound import BoundObserver
from oco.tracking.comparator import ComparatorObserver
from oco.tracking.feedback import FeedbackObserver
from oco.tracking.gradients import GradientObserver
from oco.tracking.intervals import IntervalObserver
from oco.tracking.losses import LossObserver
from oco.tracking.memory import MemoryObserver
from oco.tracking.observer import Clock, Curves, Game, Observer, Scalars
from oco.tracking.paths import PathObserver
from oco.tracking.points import PointObserver
from oco.types import Array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oco.comparators import ComparatorCurve, PathCurve
    from oco.environments.held_out import HeldOutLoss


@dataclass
class Columns:
    """The numbers of every checkpoint so far, by column, and the forms of the algorithm that played the rounds."""

    rows: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    forms: dict[str, None] = field(default_factory=dict)

    def add(self, row: dict[str, float]) -> None:
        """Append the numbers of one checkpoint; a column that some checkpoints do not have is NaN there."""
        before = len(self.rows["round"])
        for name in row:
            if name not in self.rows:
                self.rows[name] = [math.nan] * before
        for name, column in self.rows.items():
            column.append(float(row.get(name, math.nan)))


def learner_description(player: Learner) -> dict[str, Any]:
    """Name and hyper-parameters, for a record."""
    return {"name": registered_name(type(player))} | player.hyperparameters()


class Tracker:
    """Observes one game and records it at the given rounds.

    Observers do the work, one for each aspect of a game; the tracker passes rounds on to them, collects their columns,
    and makes the record. Costs O(d) a round (O(nnz) for sparse rows) plus the covariance.
    """

    def __init__(
        self,
        stream: Any,
        player: Learner,
        problem: Problem,
        rounds: Any,
        *,
        spectrum: bool,
        comparator: bool | ComparatorCurve,
        comparator_tolerance: float | None = None,
        comparator_time: float | None = None,
        progress: bool = False,
        shortest_interval: int | None = None,
        path_budgets: Sequence[float] | PathCurve | None = None,
        switching_cost: bool = False,
        average: bool = False,
        keep_iterates: bool = False,
        held_out: HeldOutLoss | None = None,
    ) -> None:
        self._clock = Clock()
        game = self._game = Game(stream, player, problem, rounds, self._clock)
        self._columns = Columns()
        self._gradients = GradientObserver(game, spectrum)
        losses = LossObserver(game, self._gradients)
        found = ComparatorObserver(game, comparator, comparator_tolerance, comparator_time, progress)
        self._comparator = found
        self._feedback = FeedbackObserver(game, switching_cost)
        self._bound = BoundObserver(game, losses, self._gradients, found, self._feedback)
        self._intervals = None
        if shortest_interval is not None:
            self._intervals = IntervalObserver(game, losses, found, shortest_interval)
        self._paths = None if path_budgets is None else PathObserver(game, losses, found, path_budgets)
        self._points = PointObserver(game, average, keep_iterates, held_out)
        memory = MemoryObserver(game)
        feedback = self._feedback if self._feedback.active else None
        certified = (self._intervals, self._paths)
        observers = (losses, self._gradients, found, feedback, self._bound, memory, self._points, *certified)
        # The order matters: the bound at a checkpoint uses quantities that the earlier observers have computed there.
        self._observers: list[Observer] = [each for each in observers if each is not None]

    @property
    def timings(self) -> defaultdict[str, float]:
        """Seconds spent so far, by part of the game."""
        return self._clock.seconds

    @property
    def needs_every_point(self) -> bool:
        """Whether `observe_point` must be given the point of every round of a stream of rows."""
        return self._points.averages or self._feedback.switches

    def observe_point(self, point: Array) -> None:
        """Process the point of one round of a stream of rows, before `observe_block` has its loss."""
        self._points.add(point)
        self._feedback.add(point)

    def observe_block(self, block: RowBlock, margins: Array, losses: Array, slopes: Array, form: str) -> None:
        """Process consecutive rounds of a stream of rows."""
        with self._clock.timed("observe"):
            for observer in self._observers:
                observer.observe_block(block, margins, losses, slopes)
            self._columns.forms[form] = None

    def observe_round(self, loss: Any, value: float, gradient: Array) -> None:
        """Process one round."""
        with self._clock.timed("observe"):
            point = self._game.player.prediction
            for observer in self._observers:
                observer.observe_round(loss, value, gradient, point)
            self._columns.forms["round by round"] = None

    def observe_constraint(self, value: float, slope: float) -> None:
        """Process the constraint's value at the point played in this round, and what its gradient adds to it there."""
        self._feedback.observe_constraint(value, slope)

    def checkpoint(self, round_index: int) -> None:
        """Record the observers' columns after ``round_index`` rounds."""
        row: dict[str, float] = {"round": round_index}
        for observer in self._observers:
            row |= observer.checkpoint(round_index)
        self._columns.add(row)

    def snapshot(self) -> dict[str, Any]:
        """All observers' states, as plain values."""
        return {
            "columns": capture(self._columns),
            "clock": capture(self._clock),
            "observers": [observer.snapshot() for observer in self._observers],
        }

    def restore(self, snapshot: dict[str, Any]) -> int:
        """Restore the states from `snapshot`; returns the number of checkpoints in it."""
        restore(self._columns, snapshot["columns"])
        restore(self._clock, snapshot["clock"])
        for observer, kept in zip(self._observers, snapshot["observers"], strict=True):
            observer.restore(kept)
        return len(self._columns.rows["round"])

    def record(self, *, environment: dict[str, Any], seed: int, snapshot: dict[str, Any] | None = None) -> Record:
        """Compute the regret against the comparator, the final numbers and the timings.

        ``snapshot`` is what a later game continues from, if this one stopped before the horizon.
        """
        player, problem = self._game.player, self._game.problem
        curves: Curves = {name: np.asarray(values) for name, values in self._columns.rows.items()}
        scalars: Scalars = {
            "rounds": int(curves["round"][-1]),
            "horizon": problem.horizon,
            "dimension": problem.domain.dimension,
            "form": ", ".join(self._columns.forms),
        }
        for observer in self._observers:
            more, final = observer.finish(curves)
            curves |= more
            scalars |= final
        spectrum_rounds, spectra = self._gradients.kept_spectra()
        return Record(
            environment=environment,
            learner=learner_description(player),
            seed=seed,
            curves=curves,
            scalars=scalars,
            timings=dict(self.timings),
            spectrum_rounds=spectrum_rounds,
            spectra=spectra,
            bound=self._bound.bound,
            violations=self._bound.violations(),
            player=player,
            intervals=() if self._intervals is None else self._intervals.regret,
            path_regret=() if self._paths is None else self._paths.regret,
            last_point=self._points.last,
            averaged_point=self._points.average,
            best_point=self._comparator.point,
            iterates=self._points.iterates,
            snapshot=snapshot,
        )
