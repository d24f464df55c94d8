"""The record of a game: curves at the checkpoints, final numbers, timings, and descriptions of the players."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from oco.learners.base import Learner
from oco.regret.bounds import Bound
from oco.regret.interval import Interval
from oco.regret.quantities import IntervalRegret
from oco.regret.verdict import Verdict, verdict
from oco.types import Array


@dataclass(frozen=True)
class Record:
    """The recorded results of one game.

    Attributes
    ----------
    environment, learner
        Descriptions as plain values.
    seed
        Seed of the stream.
    curves
        Arrays of equal length, with one entry per checkpoint: ``round``; ``cumulative_loss``; ``comparator_lower`` and
        ``comparator_upper``, certified bounds on ``min_x sum_{s<=t} f_s(x)`` over the points x with ``|x|_2`` at most
        ``comparator_within`` (infinite if over the whole domain); ``regret_lower`` and ``regret_upper``, bounds on the
        regret against the best point for each prefix (u_t), with an allowance for rounding of the losses' sum
        (``loss_rounding``); ``regret_final``, against the best point found for the whole game (u_T);
        ``regret_dynamic``, against the environment's moving comparator, if it has one; ``regret_linearised``, the
        regret of the losses ``<g_t, x>`` (infinite if these are unbounded below on the domain); ``bound``, and whether
        its assumptions held (``bound_holds``), with ``bound: NAME`` for a theorem's other right-hand sides;
        ``gradient_squares``; ``tail_mass`` and ``escaped_mass`` if there is a sketch; ``mistakes`` if targets are
        classes. Values that were not tracked are NaN.
    scalars
        Final numbers and facts, by name.
    spectrum_rounds, spectra
        Up to five checkpoints, including the last, and the top eigenvalues (at most 256, in decreasing order) of the
        gradient covariance at each, ``(len(spectrum_rounds), m)``; empty if the spectrum was not tracked.
    intervals
        Certified regret on dyadic intervals of rounds, each against the best fixed point of its own rounds, shortest
        first (strongly adaptive regret); empty unless `oco.play` was given ``shortest_interval``.
    timings
        Seconds spent in ``play``, ``observe`` (sums for the covariance), ``spectrum``, ``bound``, ``comparator``.
    bound
        The theorem's bound at the last round, or None.
    violations
        Violated assumptions of the bound, with the round at which each violation was first seen.
    player
        The learner after the game, with its state.
    """

    environment: dict[str, Any]
    learner: dict[str, Any]
    seed: int
    curves: dict[str, Array]
    scalars: dict[str, float | int | str | bool | None]
    timings: dict[str, float]
    spectrum_rounds: Array
    spectra: Array
    bound: Bound | None = None
    violations: tuple[str, ...] = ()
    player: Learner | None = field(default=None, repr=False)
    intervals: tuple[IntervalRegret, ...] = ()

    @property
    def regret(self) -> Interval:
        """Certified interval of the regret against the best fixed point of the whole game, see ``Interval.within``."""
        ends = (float(self.curves[name][-1]) for name in ("regret_lower", "regret_upper", "comparator_within"))
        return Interval(*ends)

    @property
    def verdict(self) -> Verdict:
        """Verdict on the theorem's bound, whose assumptions must have held at every checkpoint."""
        held = self.bound is not None and not self.violations
        return verdict(self.regret.lower, self.regret.upper, None if self.bound is None else self.bound.value, held)

    @property
    def cumulative_loss(self) -> float:
        """Loss summed over all rounds."""
        return float(self.curves["cumulative_loss"][-1])

    @property
    def state_floats(self) -> int:
        """Number of floats in the learner's state at the end."""
        return int(self.scalars["state_floats"] or 0)

    def __str__(self) -> str:
        """The main results in a few aligned lines."""
        lines = [f"{self.learner['name']} on {self.environment['kind']}, {self.scalars['horizon']} rounds"]
        lines.append(f"  cumulative loss  {self.cumulative_loss:.6g}")
        if np.isfinite(self.regret.upper):
            lines.append(f"  regret           {self.regret}")
        if self.bound is not None:
            state = "" if self.bound.valid else f"  (assumption violated: {'; '.join(self.bound.violations)})"
            lines.append(f"  bound            {self.bound.value:.6g}  {self.bound.theorem}{state}")
        lines.append(f"  state            {self.state_floats} floats  {self.scalars['memory_formula'] or ''}".rstrip())
        return "\n".join(lines)
