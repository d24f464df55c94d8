"""How long a run or the search for a game's best fixed points takes, judged by those that are stored.

The seconds of a run have two parts. *Playing* depends on the learner: its seconds a round are taken from stored runs of
the same learner, else of its other ranks, else of its kind in other games. *Tracking*, all the rest, depends on the
game alone. A stored time of another size is scaled in proportion to a rough model of the cost, so only the model's
shape matters; its constants are used where nothing is stored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import nnls

from regret_experiments.plan.content import canonical

if TYPE_CHECKING:
    from regret_experiments.store import Store, StoredRun

SECONDS_PER_RUN, SECONDS_PER_GAME = 0.02, 0.1
"""Rough costs of starting a game, and of starting the search for its best fixed points."""
SECONDS_PER_ROUND, SECONDS_PER_ROUND_AND_FLOAT = 3e-6, 5e-9
"""Rough costs of a round and of a state float in a round: each is touched a few times."""
SECONDS_PER_PRODUCT = 4e-10
"""A rough cost of a multiplication in the sums and factorizations of the tracker and of solvers."""
LARGEST_COVARIANCE = 1024
"""Dimension above which no d x d covariance is kept."""
SOLVER_PASSES = 10
"""A rough number of passes over the rounds that a solver needs for one checkpoint."""
SHORTEST_ROUND = 1e-12
"""Seconds a round below which no clock measured anything."""
ENOUGH = 3
"""Runs from which a time is taken without a look at less similar ones, as one of a few may have compiled kernels."""

Key = tuple[Any, ...]
"""The name of a group of stored runs."""


@dataclass(frozen=True)
class Size:
    """A game and what is tracked of it, as far as time depends on them."""

    stream: str
    rounds: int
    dimension: int
    checkpoints: int
    spectrum: bool = True

    @property
    def tracking(self) -> float:
        """Rough seconds of everything but playing."""
        square = self.dimension**2 if self.spectrum and self.dimension <= LARGEST_COVARIANCE else 0
        rounds = self.rounds * (0.3 * SECONDS_PER_ROUND + SECONDS_PER_PRODUCT * (8 * self.dimension + square))
        return SECONDS_PER_RUN + rounds + self.checkpoints * SECONDS_PER_PRODUCT * 4 * square * self.dimension

    @property
    def solving(self) -> float:
        """Rough seconds of the search for the best fixed points."""
        passes = SOLVER_PASSES * self.checkpoints
        return SECONDS_PER_GAME + passes * SECONDS_PER_PRODUCT * (self.rounds + self.dimension) * self.dimension


@dataclass(frozen=True)
class Timed:
    """A stored run: the game, the learner and its hyper-parameters, and the seconds of both parts."""

    size: Size
    kind: str
    hyperparameters: dict[str, Any]
    floats: int
    playing: float
    tracking: float

    @property
    def rate(self) -> float:
        """Seconds a round of playing."""
        return self.playing / self.size.rounds


class RunTimes:
    """Estimates from stored times.

    Parameters
    ----------
    runs
        Finished runs.
    games
        Sizes of games and the seconds in which their best fixed points were found.
    """

    def __init__(self, runs: Iterable[Timed], games: Iterable[tuple[Size, float]]) -> None:
        self._rates: dict[Key, list[tuple[int, float]]] = defaultdict(list)
        self._tracking: dict[Key, list[tuple[float, float]]] = defaultdict(list)
        self._solving: dict[Key, list[tuple[float, float]]] = defaultdict(list)
        for run in runs:
            for key in _by_similarity(run.size.stream, run.kind, run.hyperparameters):
                self._rates[key].append((run.floats, run.rate))
            for key in ((run.size.stream, run.size.spectrum), (run.size.spectrum,)):
                self._tracking[key].append((run.size.tracking, run.tracking))
        for size, seconds in games:
            for key in ((size.stream,), ()):
                self._solving[key].append((size.solving, seconds))
        self._known: dict[tuple[Key, int], float] = {}

    @classmethod
    def of(cls, store: Store) -> RunTimes:
        """All finished runs and games in a directory of results."""
        runs = (_timed(stored) for stored in store.runs() if stored.finished and stored.type == "run")
        games = (_solved(stored) for stored in store.games() if stored.finished and stored.metadata["known"])
        return cls(runs, games)

    def seconds(self, size: Size, kind: str, hyperparameters: dict[str, Any], floats: int) -> tuple[float, bool]:
        """Seconds of a run, and whether runs of this kind of learner are stored."""
        keys = _by_similarity(size.stream, kind, hyperparameters)
        key = next((key for key in keys[:-1] if len(self._rates.get(key, ())) >= ENOUGH), None)
        if key is None:  # of few runs the most similar ones, and of another kind at least this machine's speed
            key = next((key for key in keys if key in self._rates), ())
        if (key, floats) not in self._known:
            self._known[key, floats] = _fitted(self._rates.get(key, []), floats)
        known = self._tracking.get((size.stream, size.spectrum)) or self._tracking.get((size.spectrum,), [])
        return self._known[key, floats] * size.rounds + _scaled(known, size.tracking), (kind,) in self._rates

    def solving(self, size: Size) -> float:
        """Seconds in which the best fixed points of a game are found."""
        return _scaled(self._solving.get((size.stream,)) or self._solving.get((), []), size.solving)


def _by_similarity(stream: str, kind: str, hyperparameters: dict[str, Any]) -> list[Key]:
    """Names of groups of runs, from those of the same learner in the same game to all runs."""
    rank, learner = canonical(hyperparameters.get("rank")), canonical(hyperparameters)
    return [(stream, kind, "learner", learner), (stream, kind, "rank", rank), (stream, kind), (kind,), ()]


def _timed(stored: StoredRun) -> Timed:
    metadata, content = stored.metadata, stored.metadata["content"]
    scalars, learner = metadata["scalars"], content["learner"]
    size = Size(
        canonical(content["environment"]),
        max(1, scalars["rounds"]),
        max(1, scalars["dimension"]),
        max(1, stored.arrays["round"].size),
        content["spectrum"],
    )
    playing = max(0.0, float(metadata["timings"].get("play", 0.0)))
    rest = max(0.0, float(metadata["seconds"]) - playing)
    floats = max(1, scalars["peak_state_floats"])
    return Timed(size, learner["kind"], learner["hyperparameters"], floats, playing, rest)


def _solved(stored: StoredRun) -> tuple[Size, float]:
    rounds, points = stored.arrays["round"], stored.arrays["points"]
    stream = canonical(stored.metadata["content"]["environment"])
    size = Size(stream, max(1, int(rounds[-1])), max(1, points[0].size), rounds.size)
    return size, max(0.0, float(stored.metadata.get("seconds", 0.0)))


def _typical(values: Sequence[float]) -> float:
    """The mean; of several values without the largest, which may be of the run that loaded or compiled something."""
    kept = sorted(values)[: -1 if len(values) > 1 else None]
    return float(np.mean(kept))


def _scaled(known: Sequence[tuple[float, float]], rough: float) -> float:
    """``rough``, multiplied by how measured seconds compare with their own rough ones."""
    return rough * (_typical([measured / guess for guess, measured in known]) if known else 1.0)


def _fitted(known: Sequence[tuple[int, float]], floats: int) -> float:
    """Seconds a round at a number of state floats: measured there, or else ``a + b floats`` fitted to the others.

    With measurements at one number of floats only, a and b are in proportion to the rough model.
    """
    cells: dict[int, list[float]] = {}
    for size, rate in known:
        cells.setdefault(size, []).append(rate)
    typical = {size: _typical(rates) for size, rates in cells.items()}
    if floats in typical and len(cells[floats]) >= ENOUGH:
        return typical[floats]
    positive = {size: rate for size, rate in typical.items() if rate > SHORTEST_ROUND}
    if len(positive) > 1:
        sizes, rates = (np.array(list(part), dtype=float) for part in (positive, positive.values()))
        constant, slope = nnls(np.column_stack([1.0 / rates, sizes / rates]), np.ones(rates.size))[0]
        return float(constant + slope * floats)
    return _scaled([(_rough_rate(size), rate) for size, rate in typical.items()], _rough_rate(floats))


def _rough_rate(floats: int) -> float:
    return SECONDS_PER_ROUND + SECONDS_PER_ROUND_AND_FLOAT * floats
