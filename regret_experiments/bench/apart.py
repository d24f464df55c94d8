"""Games in which the learner runs in processes of its own, and is handed from one to the next by its state alone."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

import oco
from oco.keywords import spec
from oco.learners.base import Learner, Problem
from oco.types import Array
from regret_experiments.bench.contestant import Contestant
from regret_experiments.bench.counting import MEMORY, words
from regret_experiments.plan.building import build_learner


class Stopped(Exception):
    """A learner's process raised an error, ended or was ended; ``kind`` is a limit that it broke or an error's name."""

    def __init__(self, kind: str, message: str, found: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.found = found or {}


TIME, MEMORY_LIMIT, ENDED = LIMITS = ("time limit", "memory limit", "process ended")
"""Kinds of `Stopped` that are no error of the learner's own."""


@dataclass(frozen=True)
class Limits:
    """What a process of an entry may take: seconds for one answer, and megabytes beyond those at its start."""

    seconds: float = 120.0
    megabytes: int = 2048


class Process:
    """One process in which learners of a contestant run."""

    def __init__(self, contestant: Contestant, limits: Limits) -> None:
        ours, theirs = socket.socketpair()
        root = Path(oco.__file__).resolve().parents[1]
        path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
        source = contestant.source
        directory = "" if source is None else str(source.parent)
        self._limits = limits
        with theirs:
            arguments = [str(theirs.fileno()), str(limits.megabytes), directory]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "regret_experiments.bench.player", *arguments],
                pass_fds=[theirs.fileno()],
                env=os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._connection = Connection(ours.detach())
        if source is not None:
            self.tell("load", source.stem, directory, contestant.class_name)

    def tell(self, *request: Any) -> None:
        """Send a request."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._connection.send_bytes(pickle.dumps(request))

    def answer(self) -> bytes:
        """The next part of an answer.

        Raises
        ------
        Stopped
            If none comes in time, or the process has ended.
        """
        try:
            if not self._connection.poll(self._limits.seconds):
                self.end()
                raise Stopped(TIME, f"it gave no answer in {self._limits.seconds:g} seconds")
            return self._connection.recv_bytes()
        except (EOFError, ConnectionResetError):
            code = self._process.wait()
            raise Stopped(ENDED, f"its process ended with the code {code}") from None

    def facts(self) -> dict[str, Any]:
        """The next part of an answer, as plain values; `Stopped` if it is an error."""
        facts: dict[str, Any] = json.loads(self.answer())
        if "error" in facts:
            kind = MEMORY_LIMIT if facts["error"] == "MemoryError" else facts["error"]
            raise Stopped(kind, f"{facts['error']}: {facts['text']}", facts["found"])
        return facts

    def begin(self, learner: Learner, problem: Problem, state: bytes | None = None) -> None:
        """Start a learner, from a state if one is given."""
        self.tell("begin", spec(learner), problem, state)
        self.facts()

    def end(self) -> None:
        """End the process, and what it started."""
        self._connection.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@dataclass
class Trace:
    """What a game apart showed.

    Attributes
    ----------
    points
        x_1, x_2, ... as they were played, and the point after the last round.
    words
        Numbers in the state at the stops, counted from what is handed over.
    uncounted
        Those of them that counting the state's arrays and numbers does not see.
    seconds
        Of the processor for a round in the last process, without the first few, in which kernels are compiled.
    found, changed
        What the watch found, and what changed outside of the state, see `outside.changes`.
    """

    points: list[Array] = field(default_factory=list)
    words: int = 0
    uncounted: int = 0
    seconds: float = 0.0
    found: dict[str, str] = field(default_factory=dict)
    changed: dict[str, list[str]] = field(default_factory=dict)


class Apart(Learner):
    """Stands in a game for a learner that runs elsewhere.

    Parameters
    ----------
    contestant, point
        The learner, and its hyper-parameters.
    processes
        The learner begins in the first, and is handed to the next one after each of the rounds ``stops``.
    stops
        Rounds, rising; one fewer than there are processes.
    """

    def __init__(
        self, contestant: Contestant, point: dict[str, Any], processes: Sequence[Process], stops: Sequence[int]
    ) -> None:
        self._learner = build_learner(contestant.kind, point)
        self.needs = self._learner.needs  # type: ignore[misc]
        self._processes, self._stops = list(processes), list(stops)
        self._round = 0
        self._now: list[Array] | None = None
        self.trace = Trace()

    def hyperparameters(self) -> dict[str, Any]:
        """None of its own."""
        return {}

    def fresh(self) -> Apart:
        """Itself, because a game leaves behind what it found."""
        return self

    def start(self, problem: Problem) -> None:
        """Start the learner in the first process."""
        self._problem = problem
        self._process = self._processes.pop(0)
        self._process.begin(self._learner, problem)
        self.state = {"point": problem.domain.start}

    @property
    def prediction(self) -> Array:
        """The learner's point."""
        return self._points()[0]

    @property
    def queries(self) -> tuple[Array, ...]:
        """Where the learner asks for the loss."""
        points = self._points()
        return tuple(points[1:] or points)

    def observe(self, context: Array) -> None:
        """Pass on what is known before play."""
        self._now = None
        self._process.tell("observe", context)

    def update(self, feedback: Any) -> None:
        """Note the point, pass the feedback on, and hand the learner over if this is a stop."""
        self.trace.points.append(self.prediction)
        self._process.tell("update", feedback)
        self._now = None
        self._round += 1
        if self._stops and self._round == self._stops[0]:
            self._stops.pop(0)
            state = self.stop()
            self._process = self._processes.pop(0)
            self._process.begin(self._learner, self._problem, state)

    def stop(self) -> bytes:
        """Ask the learner's process what it found, and for the state; returns the state, packed."""
        self._process.tell("stop")
        report, state = self._process.facts(), self._process.answer()
        self.trace.found = report["found"] | self.trace.found
        self.trace.seconds = report["seconds"]
        for kind, places in report["changed"].items():
            self.trace.changed.setdefault(kind, places)
        if not state:
            raise Stopped(MEMORY, report["found"][MEMORY], report["found"])
        count, counted = words(state)
        self.trace.words = max(self.trace.words, count)
        self.trace.uncounted = max(self.trace.uncounted, count - counted)
        return state

    def _points(self) -> list[Array]:
        if self._now is None:
            self._process.tell("points")
            count, shape = self._process.facts()["points"], self._problem.domain.shape
            parts = [np.frombuffer(self._process.answer()) for _ in range(count)]
            if any(part.size != self._problem.domain.dimension for part in parts):
                raise Stopped("point", f"it plays points of another shape than {shape}")
            self._now = [part.reshape(shape) for part in parts]
        return self._now


class Noted(Learner):
    """Stands in a game for a learner of this process, which it plays round by round, and notes the points.

    What a learner plays may depend on what it is shown before play, so it is asked for when feedback comes.
    """

    def __init__(self, learner: Learner) -> None:
        self._learner = learner
        self.needs = learner.needs  # type: ignore[misc]
        self.points: list[Array] = []

    def hyperparameters(self) -> dict[str, Any]:
        """None of its own."""
        return {}

    def fresh(self) -> Noted:
        """Itself, because a game leaves behind what was played."""
        return self

    def start(self, problem: Problem) -> None:
        """Start the learner."""
        self._learner.start(problem)
        self.state = {"point": problem.domain.start}

    @property
    def prediction(self) -> Array:
        """The learner's point."""
        return self._learner.prediction

    @property
    def queries(self) -> tuple[Array, ...]:
        """Where the learner asks for the loss."""
        return self._learner.queries

    def observe(self, context: Array) -> None:
        """Pass on what is known before play."""
        self._learner.observe(context)

    def update(self, feedback: Any) -> None:
        """Note the point, and pass the feedback on."""
        self.points.append(np.array(self.prediction))
        self._learner.update(feedback)
