"""What `benchmarks.against` measures in one tree: every figure is one number, by section and name, with its target."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import oco
from benchmarks import whole
from benchmarks.measure import adult, dense_rows, sparse_rows
from benchmarks.whole import Work
from oco.losses import Logistic, RowBlock
from oco.types import Array

ROUNDS, GAME_ROUNDS, LONG_ROUNDS = 1_000, 4_000, 10_000_000
LEARNERS: dict[str, tuple[int, Callable[[], oco.Learner]]] = {
    "OGD": (124, lambda: oco.OGD(0.1)),
    "AdaGradNorm": (124, lambda: oco.AdaGradNorm(0.1)),
    "DiagonalAdaGrad": (124, lambda: oco.DiagonalAdaGrad(0.1)),
    "FDAdaGrad(10)": (124, lambda: oco.FDAdaGrad(10, 0.1)),
    "FDAdaGrad(5, buffer=0)": (20, lambda: oco.FDAdaGrad(5, 0.1, buffer=0)),
    "FTSL(10)": (124, lambda: oco.learners.FTSL(10, 0.1, 1.0)),
}
"""Dimension and learner of every row of the section of rounds."""


@dataclass(frozen=True)
class Section:
    """Figures that are measured in turns in both trees.

    Attributes
    ----------
    works
        Makes them, by name; called once in each tree.
    turns
        How often each is measured after the first time, which does not count: it compiles.
    most
        The largest figure, by name, that meets a target.
    times_faster
        How many times smaller than in the other tree a figure must be, by name.
    least
        The smallest figure, by name, that meets a target.
    """

    works: Callable[[], dict[str, Work]]
    turns: int
    most: dict[str, float] = field(default_factory=dict)
    times_faster: dict[str, float] = field(default_factory=dict)
    least: dict[str, float] = field(default_factory=dict)

    @property
    def targets(self) -> list[str]:
        """Names of the figures that have one."""
        return [*self.most, *self.times_faster, *self.least]


def rounds() -> dict[str, Work]:
    """Microseconds a round, one gradient at a time and as a stream of rows."""
    made: dict[str, Work] = {}
    for name, (dimension, make) in LEARNERS.items():
        rows = np.random.default_rng(0).standard_normal((ROUNDS, dimension))
        learner = make()
        learner.start(oco.Problem(oco.Ball(1.0, dimension=dimension), ROUNDS))
        block = RowBlock(Logistic(), rows, np.ones(ROUNDS))
        each, stream = partial(_play_online, learner, list(rows)), partial(learner.play_block, block)
        made[f"{name}, d = {dimension}, online"] = partial(_microseconds, each, ROUNDS)
        made[f"{name}, d = {dimension}, stream"] = partial(_microseconds, stream, ROUNDS)
    return made


def games() -> dict[str, Work]:
    """Microseconds a round of whole games of a9a off balls, with nothing tracked but the losses."""
    generator = np.random.default_rng(1)
    normal, equations = generator.standard_normal(124), generator.standard_normal((3, 124))
    grounds = {
        "box": oco.domains.Box(-0.3, 0.3, dimension=124),
        "large box": oco.domains.Box(-1.0, 1.0, dimension=124),
        "simplex": oco.domains.Simplex(1.0, 124),
        "l1 ball": oco.domains.L1Ball(5.0, 124),
        "half-space": oco.domains.HalfSpace(normal, -1.0),
        "slice": oco.domains.AffineSlice(equations, np.ones(3)),
    }
    _, rows, targets = adult(GAME_ROUNDS)
    made: dict[str, Work] = {}
    for name, domain in grounds.items():
        game = oco.environments.LogisticRegression(rows, targets, domain=domain, order="file")
        for learner in (oco.FDAdaGrad(10, 0.1), oco.DiagonalAdaGrad(0.1)):
            play = partial(oco.play, game, learner, comparator=False, spectrum=False, checkpoints=1)
            made[f"{name}: {type(learner).__name__}"] = partial(_microseconds, play, GAME_ROUNDS)
    return made


def tracker() -> dict[str, Work]:
    """CPU of all that is recorded at 30 checkpoints, in units of the CPU of the game itself."""
    _, rows, targets = adult()
    a9a = oco.environments.LogisticRegression(rows, targets, domain=oco.Ball(10.0, dimension=124))
    _, wide, signs = dense_rows(3073, 8000)
    dense = oco.environments.LogisticRegression(wide, signs, domain=oco.Ball(10.0, dimension=3073), order="file")
    learner = oco.FDAdaGrad(rank=10)
    return {
        "a9a, k = 10: everything": partial(_share, a9a, learner, {}),
        "a9a, k = 10: no comparator": partial(_share, a9a, learner, {"comparator": False}),
        "d = 3,073, k = 10: spectra": partial(_share, dense, learner, {"comparator": False}),
    }


def streams() -> dict[str, Work]:
    """Many rounds, many coordinates, and rows that cost no more than reading them."""
    _, dense, signs = dense_rows(124, 20_000)
    wide, labels = sparse_rows(1_000_000, 1_000, 100)
    learner = oco.FDAdaGrad(rank=64, learning_rate=0.3)

    def wide_rounds() -> float:
        learner.start(oco.Problem(oco.Unbounded(1_000_000), 10**6))
        learner.play_block(RowBlock(Logistic(), wide, labels))
        return _microseconds(lambda: learner.play_block(RowBlock(Logistic(), wide, labels)), 1_000)

    def against_reading(light: oco.Learner) -> float:
        light.start(oco.Problem(oco.Ball(10.0, dimension=124), 10**6))
        point, block = np.ones(124), RowBlock(Logistic(), dense, signs)
        reading = min(_microseconds(lambda: dense @ point, 1) for _ in range(5))
        return min(_microseconds(lambda: light.play_block(block), 1) for _ in range(5)) / reading

    return {
        "d = 1,000,000, k = 64, 100 nonzeros: microseconds a round": wide_rounds,
        "OGD, dense rows: times one product with the rows": lambda: against_reading(oco.OGD(0.1)),
        "DiagonalAdaGrad, dense rows: times one product": lambda: against_reading(oco.DiagonalAdaGrad(0.1)),
    }


def long() -> dict[str, Work]:
    """Seconds of CPU of 10,000,000 rounds from a file of rows, 5 GB in a temporary directory, removed at the end."""
    path = Path(f"{LONG_ROUNDS}-rows.npy")  # for both trees, whose processes share their directory
    if not path.exists():
        rows: Any = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(LONG_ROUNDS, 124))
        generator = np.random.default_rng(0)
        for start in range(0, LONG_ROUNDS, 100_000):
            rows[start : start + 100_000] = generator.standard_normal((100_000, 124), dtype=np.float32)

    def play() -> float:
        rows = np.load(path, mmap_mode="r")
        targets = np.where(rows[:, 0] > 0.0, 1.0, -1.0)
        game = oco.environments.LogisticRegression(rows, targets, domain=oco.Ball(10.0, dimension=124), order="file")
        return 1e-6 * _microseconds(lambda: oco.play(game, oco.FDAdaGrad(rank=10), comparator=False), 1)

    return {"T = 10,000,000, d = 124, k = 10, spectrum and bound: s": play, "memory of its own at the end: MB": _memory}


SECTIONS = {
    "rounds": Section(rounds, 40),
    "games": Section(
        games,
        4,
        dict.fromkeys(
            [
                f"{where}: {learner}"
                for where in ("box", "simplex", "l1 ball", "half-space", "slice")
                for learner in ("FDAdaGrad", "DiagonalAdaGrad")
            ],
            20.0,
        ),
    ),
    "tracker": Section(tracker, 1, {"a9a, k = 10: everything": 1.0, "d = 3,073, k = 10: spectra": 0.5}),
    "streams": Section(
        streams,
        1,
        {
            "d = 1,000,000, k = 64, 100 nonzeros: microseconds a round": 300.0,
            "OGD, dense rows: times one product with the rows": 1.5,
            "DiagonalAdaGrad, dense rows: times one product": 1.5,
        },
    ),
    "long": Section(
        long,
        0,
        {
            "T = 10,000,000, d = 124, k = 10, spectrum and bound: s": 25.0,
            "memory of its own at the end: MB": 1000.0,
        },
    ),
    "wide": Section(whole.wide, 1, {"d = 1,000,000, k = 64: states": 1.3}),
    "compiling": Section(whole.compiling, 0, {"compiling for the default sweep: s": 8.0}),
    "sweep": Section(
        whole.sweep,
        0,
        {
            "default sweep, first use: s": 60.0,
            "default sweep, first use, a worker at its peak: MB": 350.0,
            "nothing left to play: s": 3.0,
            "the same, a worker at its peak: MB": 350.0,
        },
        {"default sweep of the other commit, stored kernels: s": 2.5},
    ),
    "many": Section(whole.many, 0, dict.fromkeys(["table, the first time: MB", "table: MB", "check: MB"], 2000.0)),
    "stored": Section(
        whole.stored, 1, {"table: s": 2.5, "report: s": 6.0, "check: s": 20.0, "plot curves, 120 runs: s": 1.5}
    ),
    "site": Section(whole.site, 0, {"new site, stored kernels: s": 60.0}),
    "cluster": Section(whole.cluster, 0, least={"two workers of a Dask scheduler: %": 90.0}),
    "tests": Section(whole.tests, 0, {"make tests: s": 300.0}),
}


def _microseconds(work: Callable[[], object], count: int) -> float:
    """CPU of this thread, for each of ``count`` rounds."""
    began = time.thread_time()
    work()
    return 1e6 * (time.thread_time() - began) / count


def _play_online(learner: oco.Learner, gradients: list[Array]) -> None:
    update = learner.update
    for gradient in gradients:
        update(gradient)


def _share(game: Any, learner: oco.Learner, options: dict[str, bool]) -> float:
    plain = {"comparator": False, "spectrum": False, "checkpoints": 1}
    alone = min(_microseconds(partial(oco.play, game, learner, **plain), 1) for _ in range(3))
    tracked = min(_microseconds(partial(oco.play, game, learner, **options), 1) for _ in range(3))
    return tracked / alone - 1.0


def _memory() -> float:
    """MB that this process holds aside from files that are mapped."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024.0
