"""The search: methods in turn, on one budget, from one seed, going on where it stopped."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from oco import plain_file
from oco.attacks.arena import Arena, Norm, Objective, arena_of, linear, scores
from oco.attacks.found import Found
from oco.attacks.methods import BATCH, METHODS, Method
from oco.domains.base import Domain
from oco.errors import ConfigError
from oco.keywords import plain, spec
from oco.learners.base import Learner
from oco.losses.scalar import ScalarLoss, scalar_loss
from oco.snapshot import capture, restore

_KIND, _VERSION = "attack", 1


def attack(
    learner: Learner,
    domain: Domain,
    horizon: int,
    *,
    loss: ScalarLoss | str | None = None,
    norm: Norm = "l2",
    objective: Objective = "regret",
    methods: Sequence[str] = tuple(METHODS),
    evaluations: int = 1200,
    seconds: float | None = None,
    seed: int = 0,
    workers: int = 1,
    state: str | os.PathLike[str] | None = None,
) -> Found:
    """Search for the stream of losses on which a learner has the largest regret, or comes nearest to its bound.

    Parameters
    ----------
    learner
        A learner of gradients, not started.
    domain
        A bounded domain of vectors with its dimension.
    horizon
        T.
    loss
        phi of the losses ``phi(<a_t, x>)``; linear by default, so that the rows are the gradients.
    norm
        Rows have norm at most 1 in it: ``"l2"`` or ``"linf"``.
    objective
        ``"regret"``, or ``"ratio"``: regret over the learner's own bound, on streams where its assumptions hold.
    methods
        Names of `METHODS`, which have equal shares of the evaluations; each starts from the best stream so far.
    evaluations
        Games to play, at least. They come in batches of 12.
    seconds
        Stop earlier after so many, of which every method has an equal share; the result then depends on the machine,
        and `Found.evaluations` says how far it came. A search that goes on goes on with the method that it had reached.
    seed
        Of the search, and of a learner that draws random numbers. Equal seeds find equal streams, bit for bit, with any
        number of workers.
    workers
        Processes that play.
    state
        A file in which the search is kept, and from which it goes on.

    Returns
    -------
    Found
        The stream, its certified regret, its bound, and the history of the search.

    Raises
    ------
    ConfigError
        If the learner has no state to reset or needs other feedback, the domain has no linear oracle, the loss is not
        convex on random chords, or ``state`` is that of another search.

    Examples
    --------
    >>> import oco
    >>> from oco.attacks import attack
    >>> found = attack(oco.OGD(1.0), oco.Ball(1.0, dimension=1), 8, methods=["signs"], evaluations=120)
    >>> found.regret.lower >= 2.0
    True
    """
    phi = linear() if loss is None else scalar_loss(loss)
    _check_budget(methods, evaluations, seconds, workers)
    search = _Search(arena_of(learner, domain, horizon, phi, norm, objective, seed), list(methods), evaluations, seed)
    search.load(state)
    until = None if seconds is None else time.monotonic() + seconds
    if workers == 1:
        search.run(None, until, state)
    else:
        with ProcessPoolExecutor(workers) as pool:
            search.run(pool, until, state)
    return search.found()


class _Search:
    """The state of a search is in plain values: which method, its trail, the evaluations and the history."""

    def __init__(self, arena: Arena, methods: list[str], evaluations: int, seed: int) -> None:
        self._arena, self._methods, self._seed = arena, methods, seed
        share = -(-evaluations // (BATCH * len(methods)))
        self._batches = share
        self._number, self._trail = 0, self._method(0).begin(np.zeros(arena.shape), -np.inf)
        self._played, self._history = 0, [(0.0, self._trail.score)]

    def run(self, pool: Any, until: float | None, state: Any) -> None:
        """Play batches until the budget is spent, but at least one of each method that is left; keep the state after
        each second and at the end.
        """
        kept, share, first = time.monotonic(), self._share(until), True
        while self._number < len(self._methods):
            if not first and share is not None and time.monotonic() >= share:
                if self._number == len(self._methods) - 1:
                    break
                self._next()
                share, first = self._share(until), True
                continue
            first = False
            method = self._method(self._number)
            streams = method.propose(self._trail)
            values = np.array(scores(self._arena, streams, pool))
            self._played += len(streams)
            best = int(np.argmax(values))
            if values[best] > self._trail.score:
                self._trail.rows, self._trail.score = streams[best].copy(), float(values[best])
                self._history.append((float(self._played), self._trail.score))
            method.learn(self._trail, streams, values)
            self._trail.batch += 1
            if self._trail.batch >= self._batches:
                self._next()
                share, first = self._share(until), True
            if state is not None and time.monotonic() > kept + 1.0:
                self._save(state)
                kept = time.monotonic()
        if state is not None:
            self._save(state)

    def _next(self) -> None:
        """The next method begins where this one ended."""
        self._number += 1
        if self._number < len(self._methods):
            self._trail = self._method(self._number).begin(self._trail.rows, self._trail.score)

    def _share(self, until: float | None) -> float | None:
        """When the method's equal share of the time that is left is over."""
        if until is None or self._number >= len(self._methods):
            return None
        now = time.monotonic()
        return now + (until - now) / (len(self._methods) - self._number)

    def found(self) -> Found:
        """The best stream, played once more with certificate and bound."""
        trail, arena = self._trail, self._arena
        if not np.isfinite(trail.score):
            raise ConfigError(
                f"no stream was found on which {arena.objective} is known for {arena.learner!r}: it states no bound, "
                "or the bound's assumptions do not hold"
            )
        record = arena.record(trail.rows)
        sound = record.bound is not None and record.bound.valid and not record.violations
        return Found(
            rows=trail.rows,
            regret=record.regret,
            bound=record.bound.value if record.bound is not None and sound else float("nan"),
            certificate=str(record.scalars["comparator_certificate"]),
            score=trail.score,
            history=np.array(self._history),
            evaluations=self._played,
            arena=arena,
            seed=self._seed,
        )

    def load(self, state: Any) -> None:
        """Go on from a file, if there is one."""
        if state is None or not Path(state).exists():
            return
        kept = plain_file.load(state, _KIND, _VERSION)
        if kept["facts"] != self._facts():
            raise ConfigError(
                f"{state} is the state of another search; give attack the same arguments, or another file"
            )
        self._number, self._played = int(kept["number"]), int(kept["played"])
        self._history = [(float(a), float(b)) for a, b in kept["history"]]
        self._trail = restore(self._trail, kept["trail"])

    def _save(self, state: Any) -> None:
        tree = {
            "facts": self._facts(), "number": self._number, "played": self._played,
            "history": np.array(self._history), "trail": capture(self._trail),
        }  # fmt: skip
        plain_file.save(state, tree, _KIND, _VERSION)

    def _facts(self) -> str:
        arena = self._arena
        return repr(plain([
            repr(arena.learner), spec(arena.domain), arena.horizon, spec(arena.loss), arena.norm, arena.objective,
            arena.seed, self._methods, self._batches, self._seed,
        ]))  # fmt: skip

    def _method(self, number: int) -> Method:
        return METHODS[self._methods[number]](self._arena, self._seed)


def _check_budget(methods: Sequence[str], evaluations: int, seconds: float | None, workers: int) -> None:
    unknown = [name for name in methods if name not in METHODS]
    if unknown or not methods or isinstance(methods, str):
        raise ConfigError(f"methods must be some of {', '.join(METHODS)}, got {methods!r}")
    if evaluations < 1 or workers < 1 or not (seconds is None or seconds > 0.0):
        raise ConfigError(
            f"evaluations and workers must be at least 1 and seconds positive, got {evaluations}, {workers}, {seconds}"
        )
