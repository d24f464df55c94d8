"""The record of a game: curves at the checkpoints, final numbers, timings, and descriptions of the players."""

from __future__ import annotations

import dataclasses
import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from oco import plain_file
from oco._version import __version__
from oco.errors import StoreError
from oco.learners.base import Learner
from oco.record import drawing, notebook, storing
from oco.regret.bounds import Bound
from oco.regret.interval import Interval
from oco.regret.quantities import IntervalRegret, PathRegret
from oco.regret.verdict import Verdict, verdict
from oco.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame


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
        classes; ``held_out_average`` and ``held_out_last``, the mean held-out loss of the averaged and of the last
        point, if `oco.play` was given ``evaluate``; ``violation``, ``positive_violation`` and ``violation_rounding`` in
        a game with a constraint; ``total_delay``; ``switching_cost``. Values that were not tracked are NaN.
    scalars
        Final numbers and facts, by name.
    spectrum_rounds, spectra
        Up to five checkpoints, including the last, and the top eigenvalues (at most 256, in decreasing order) of the
        gradient covariance at each, ``(len(spectrum_rounds), m)``; empty if the spectrum was not tracked.
    intervals
        Certified regret on dyadic intervals of rounds, each against the best fixed point of its own rounds, shortest
        first (strongly adaptive regret); empty unless `oco.play` was given ``shortest_interval``.
    path_regret
        Certified regret against the best sequence of points for every path budget, in rising order (dynamic regret);
        empty unless `oco.play` was given ``path_budgets``.
    timings
        Seconds spent in ``play``, ``observe`` (sums for the covariance), ``spectrum``, ``bound``, ``comparator``,
        ``evaluate``.
    bound
        The theorem's bound at the last round, or None.
    violations
        Violated assumptions of the bound, with the round at which each violation was first seen.
    player
        The learner after the game, with its state; None in a record that was loaded from a file.
    last_point
        ``x_{T+1}``, the point that the learner would play next.
    averaged_point
        ``(x_1 + ... + x_T) / T``; None unless `oco.play` was given ``average`` or ``evaluate``.
    best_point
        The best fixed point in hindsight that was found; None without a comparator.
    iterates
        ``(checkpoints, *shape)``, ``x_{t+1}`` for every checkpoint t; None unless `oco.play` was given
        ``keep_iterates``.
    snapshot
        What `oco.play` needs to continue a game that was stopped with ``until``, as plain values; else None. It holds
        the learner's state and, if the spectrum is tracked and d is at most 1024, d^2 numbers.
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
    path_regret: tuple[PathRegret, ...] = ()
    last_point: Array | None = None
    averaged_point: Array | None = None
    best_point: Array | None = None
    iterates: Array | None = None
    snapshot: dict[str, Any] | None = None

    @property
    def regret(self) -> Interval:
        """Certified interval of the regret against the best fixed point of the whole game, see ``Interval.within``."""
        ends = (float(self.curves[name][-1]) for name in ("regret_lower", "regret_upper", "comparator_within"))
        return Interval(*ends)

    @property
    def violation(self) -> Interval | None:
        """``sum_t c_t(x_t)`` with the rounding of its terms and of the sum; None in a game without a constraint."""
        return self._with_rounding("violation")

    @property
    def positive_violation(self) -> Interval | None:
        """``sum_t max(0, c_t(x_t))``, likewise."""
        return self._with_rounding("positive_violation")

    def _with_rounding(self, name: str) -> Interval | None:
        if name not in self.curves:
            return None
        value = float(self.curves[name][-1])
        rounding = float(self.curves["violation_rounding"][-1]) if "violation_rounding" in self.curves else math.nan
        return Interval(value - rounding, value + rounding)

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

    @property
    def _rounds(self) -> str:
        rounds, horizon = self.scalars["rounds"], self.scalars["horizon"]
        return f"{rounds} rounds" if rounds == horizon else f"{rounds} of {horizon} rounds"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the record to a file, whole or not at all: a compressed ``.npz`` without pickles, with a checksum.

        Everything is kept but ``player``; a game that was stopped can be continued from the file. What is no number,
        string, array, list or mapping in a description or in a hyper-parameter is kept as its ``repr``.

        Parameters
        ----------
        path
            A file; one that exists is replaced.

        Raises
        ------
        ConfigError
            If ``path`` is no path.
        StoreError
            If the file cannot be written.

        Examples
        --------
        >>> import oco, tempfile, pathlib
        >>> game = oco.environments.SpectrumLinear(3, 20)
        >>> record = oco.play(game, oco.AdaGradNorm())
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = pathlib.Path(directory) / "record.npz"
        ...     record.save(path)
        ...     oco.Record.load(path).regret == record.regret
        True
        """
        fields = {each.name: getattr(self, each.name) for each in dataclasses.fields(self) if each.name != "player"}
        plain_file.save(path, storing.to_plain(fields), "record", storing.VERSION)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a record that `save` wrote.

        Raises
        ------
        StoreError
            If there is no such file, it is no record or one of another version, or it is damaged.
        """
        tree = plain_file.load(path, "record", storing.VERSION)
        try:
            return cls(**storing.from_plain(tree))
        except (TypeError, KeyError, AttributeError) as error:
            raise StoreError(f"{path} has other entries than the records of oco {__version__}") from error

    def to_frame(self) -> DataFrame:
        """The curves as a pandas frame: a row for every checkpoint, by its ``round``, and a column for every curve.

        Examples
        --------
        >>> import oco
        >>> record = oco.play(oco.environments.SpectrumLinear(3, 20), oco.AdaGradNorm(), checkpoints=[5, 10, 20])
        >>> record.to_frame().index.tolist()
        [5, 10, 20]
        """
        from pandas import DataFrame

        frame = DataFrame(self.curves).astype({"round": int}).set_index("round")
        frame.attrs = {"environment": self.environment, "learner": self.learner, "seed": self.seed}
        return frame

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the regret as a band, its certificate, with the bound; the cumulative loss if the regret is not known.

        Parameters
        ----------
        ax
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
            With axes that say what they show, a legend and a title.

        Raises
        ------
        ConfigError
            If ``ax`` is no Axes.

        Examples
        --------
        >>> import oco
        >>> axes = oco.play(oco.environments.SpectrumLinear(3, 20), oco.AdaGradNorm()).plot()
        >>> axes.get_xlabel()
        'round t'
        """
        return drawing.draw(self, ax)

    def _repr_html_(self) -> str:
        """The main results for a notebook."""
        return notebook.html(self)

    def __repr__(self) -> str:
        """The main results in one line."""
        regret = f", regret {self.regret}" if np.isfinite(self.regret.upper) else f", loss {self.cumulative_loss:.6g}"
        bound = "" if self.bound is None else f", bound {self.bound.value:.6g} ({self.verdict})"
        who = f"{self.learner['name']} on {self.environment['kind']}, {self._rounds}"
        return f"<Record: {who}{regret}{bound}, {self.state_floats} floats>"

    def __str__(self) -> str:
        """The main results in a few aligned lines."""
        lines = [f"{self.learner['name']} on {self.environment['kind']}, {self._rounds}"]
        lines.append(f"  cumulative loss  {self.cumulative_loss:.6g}")
        if np.isfinite(self.regret.upper):
            lines.append(f"  regret           {self.regret}")
        if self.bound is not None:
            state = "" if self.bound.valid else f"  (assumption violated: {'; '.join(self.bound.violations)})"
            lines.append(f"  bound            {self.bound.value:.6g}  {self.bound.theorem}{state}")
        lines.append(f"  state            {self.state_floats} floats  {self.scalars['memory_formula'] or ''}".rstrip())
        return "\n".join(lines)
