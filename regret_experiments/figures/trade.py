"""What memory buys: how much of full-matrix AdaGrad's gain a sketch keeps with how much of its memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regret_experiments.figures.lines import Line, table_lines
from regret_experiments.figures.selection import Rate
from regret_experiments.tables import measured

FULL = "full_matrix_adagrad"
SKETCH = "fd_adagrad"
NOTHING = 0.05
"""Less than this share of the regret without a matrix is no gain: orders of the data differ by as much."""
LITTLE = 0.2
"""The rank that a figure speaks of holds at most this share of the memory of the full matrix."""
HALF = 0.5
"""A rank that keeps less than half of the gain does not help."""


@dataclass(frozen=True)
class Trade:
    """What the ranks of a sketch trade on one environment, at one learning-rate policy.

    Attributes
    ----------
    sketch, full, plain
        Names of the sketched learner, of full-matrix AdaGrad, and of the best learner without a rank that holds no more
        than the smallest sketch.
    level, plain_level
        Regrets of ``full`` and of ``plain``; their difference is the gain.
    ranks, memory, gain
        Of each rank below the dimension's: its state floats as a share of those of ``full``, and the share of the gain
        that it keeps. Not finite where there is no gain.
    reduction
        By which share of the regret of ``plain`` each rank is lower.
    best
        Place of the rank that the figure speaks of: the one that was asked for, or of those with at most a fifth of the
        memory the one that keeps most of the gain, the least of those that keep all of it. Where none of these keeps
        half of the gain, the least rank that does.
    """

    sketch: str
    full: str
    plain: str
    level: float
    plain_level: float
    ranks: tuple[int, ...]
    memory: np.ndarray
    gain: np.ndarray
    reduction: np.ndarray
    best: int
    measure: str = "regret"

    @property
    def rank(self) -> int:
        """The rank that the figure speaks of."""
        return self.ranks[self.best]

    @property
    def pays(self) -> bool:
        """Whether the full matrix gains anything over learners that hold O(d) floats."""
        return self.plain_level - self.level > NOTHING * abs(self.plain_level)

    @property
    def told(self) -> bool:
        """Whether the sentence is about one rank."""
        return bool(self.gain[self.best] >= HALF if self.pays else self.reduction[self.best] > NOTHING)

    @property
    def separation(self) -> float:
        """How clear the case is: the excess of gain over memory at the best rank, times what there is to gain.

        Zero where there is nothing to gain.
        """
        if not self.pays:
            return 0.0
        excess = min(1.0, float(self.gain[self.best])) - float(self.memory[self.best])
        return max(0.0, excess) * (self.plain_level - self.level) / abs(self.plain_level)

    def sentence(self, names: Mapping[str, str]) -> str:
        """The trade in words, true of these numbers; ``names`` are the learners' names in figures."""
        k = f"k\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{self.rank}"
        share, gain = float(self.memory[self.best]), float(self.gain[self.best])
        full, plain = names[self.full], names[self.plain]
        if not self.pays:
            better = self.reduction[self.best]
            if better > NOTHING:
                return f"{k} has {better:.0%} less {self.measure} than {plain}; the full matrix gains nothing"
            return f"nothing to gain here: {full} is no better than {plain}"
        if not self.told:
            return "no rank helps here: none keeps half of the gain"
        if share > max(LITTLE, self.memory.min()):
            return f"no small rank helps: half of the gain takes {k}, or {share:.0%} of the memory"
        return f"{k} keeps {share:.0%} of the memory and {'all' if gain >= 1.0 else f'{gain:.0%}'} of the gain"


def trade_of(table: pd.DataFrame, rate: Rate = "best", rank: int | None = None) -> Trade | None:
    """The trade on one environment, from its rows of the table; None without full-matrix AdaGrad or without a sketch.

    ``rank`` is the one to speak of; by default the one that trades best.
    """
    measure, table = measured(table)
    lines = {name: line for name, line in table_lines(table, "state_floats", rate).items() if _known(line).any()}
    kinds = {str(name): str(kind) for name, kind in zip(table["learner"], table["kind"], strict=True)}
    sketches = sorted((name for name in lines if lines[name].ranked), key=lambda name: kinds[name] != SKETCH)
    full = next((name for name in lines if kinds[name] == FULL and not lines[name].ranked), None)
    if full is None or not sketches:
        return None
    sketch = lines[sketches[0]]
    known = np.flatnonzero(_known(sketch))
    smallest = sketch.x[known].min()
    plain = {
        name: float(line.middle[0])
        for name, line in lines.items()
        if not line.ranked and name != full and line.x[0] <= smallest and _known(line)[0]
    }
    if not plain:
        return None
    name = min(plain, key=lambda each: plain[each])
    level, ranks = float(lines[full].middle[0]), tuple(sketch.ranks[i] for i in known)
    memory, regret = sketch.x[known] / lines[full].x[0], sketch.middle[known]
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = (plain[name] - regret) / (plain[name] - level)
    reduction = (plain[name] - regret) / abs(plain[name])
    pays = plain[name] - level > NOTHING * abs(plain[name])
    best = ranks.index(rank) if rank in ranks else _best(memory, gain if pays else None, reduction)
    return Trade(sketches[0], full, name, level, plain[name], ranks, memory, gain, reduction, best, measure)


def _best(memory: np.ndarray, gain: np.ndarray | None, reduction: np.ndarray) -> int:
    """Place of the rank to speak of, see `Trade`; ``gain`` is None where the full matrix gains nothing."""
    small = memory <= max(LITTLE, memory.min())
    kept = reduction if gain is None else np.minimum(gain, 1.0)
    best = int(np.argmax(np.where(small, kept, -np.inf)))
    enough = np.flatnonzero(gain >= HALF) if gain is not None and kept[best] < HALF else np.empty(0)
    return int(enough[0]) if enough.size else best


def _known(line: Line) -> np.ndarray:
    return np.isfinite(line.middle)
