"""The process in which an audited learner runs: it is told what a learner is shown, and answers with points.

It is started as ``python -m regret_experiments.bench.player DESCRIPTOR MEGABYTES DIRECTORY``, by `apart.Process`, and
holds no environment, no data and no seed of a stream. Requests are pickles of the process that started it. Answers are
arrays without pickles and JSON, because what answers runs the code of an entry.
"""

from __future__ import annotations

import importlib
import json
import pickle
import sys
import threading
import time
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

import oco.learners
from oco.plugins import registered_name
from oco.snapshot import SnapshotError, capture, restore
from regret_experiments.bench.counting import MEMORY, packed, unpacked
from regret_experiments.bench.outside import changes, outside
from regret_experiments.bench.watch import THREADS, Watch

COMPILING = 3
"""Rounds after which every kernel of a learner has been compiled."""


class Player:
    """Plays one learner, game after game."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._rounds, self._began = 0, 0.0
        self._player: Any = None
        self._before: Any = {}
        self._threads = 0

    def load(self, stem: str, directory: str, name: str) -> None:
        """Import the entry's file and register its class ``name``."""
        sys.path.append(directory)
        self._watch.phase = "load"
        module = importlib.import_module(stem)
        self._watch.phase = ""
        kind = getattr(module, name)
        oco.learners.LEARNERS.add(registered_name(kind), kind)

    def begin(self, spec: dict[str, Any], problem: Any, state: bytes | None) -> None:
        """Start a learner, and put back the state that another process was stopped in."""
        self._player = oco.learners.LEARNERS.build(spec)
        self._threads = threading.active_count()
        self._rounds = 0
        with self:
            self._player.start(problem)
        if state is not None:
            self._player.state = restore(self._player.state, unpacked(state))
        self._before = outside(self._player, self._modules())

    def points(self) -> list[Any]:
        """The point that is played, and those at which the loss is asked where these are others."""
        with self:
            point, queries = self._player.prediction, self._player.queries
        same = len(queries) == 1 and queries[0] is point
        return [point, *([] if same else queries)]

    def observe(self, context: Any) -> None:
        """Show what is known before play."""
        with self:
            self._player.observe(context)

    def update(self, feedback: Any) -> None:
        """Show what is known after play."""
        with self:
            self._player.update(feedback)
        self._rounds += 1
        if self._rounds == COMPILING:
            self._began = time.process_time()

    def stop(self) -> tuple[dict[str, Any], bytes]:
        """What was found so far, and the state as bytes; empty bytes if it cannot be kept."""
        if threading.active_count() > self._threads:
            self._watch.found.setdefault(THREADS, "leaves a thread running")
        found = self._watch.found
        timed = self._rounds - COMPILING
        seconds = (time.process_time() - self._began) / timed if timed > 0 else 0.0
        report: dict[str, Any] = {
            "changed": changes(self._before, outside(self._player, self._modules())),
            "seconds": seconds,
        }
        try:
            return report | {"found": found}, packed(capture(self._player.state))
        except SnapshotError as error:
            found = {MEMORY: f"has a state that cannot be kept: {error}"} | found
            return report | {"found": found}, b""

    def _modules(self) -> list[Any]:
        return [
            module for module in list(sys.modules.values()) if self._watch.is_own(getattr(module, "__file__", None))
        ]

    def __enter__(self) -> None:
        self._watch.phase = "play"

    def __exit__(self, *_: object) -> None:
        self._watch.phase = ""


def _limit_memory(megabytes: int) -> None:
    """Let this process take that much more memory than it has, where the system can tell and hold it to that."""
    try:
        import resource

        pages = int(open("/proc/self/statm").read().split()[0])  # noqa: SIM115
    except (ImportError, OSError):
        return
    most = pages * resource.getpagesize() + (megabytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _answer(connection: Connection, player: Player, request: tuple[Any, ...]) -> None:
    what, *arguments = request
    if what == "points":
        points = player.points()
        connection.send_bytes(json.dumps({"points": len(points)}).encode())
        for point in points:
            connection.send_bytes(np.ascontiguousarray(point, dtype=np.float64).tobytes())
    elif what == "begin":
        player.begin(*arguments)
        connection.send_bytes(b"{}")
    elif what == "stop":
        report, state = player.stop()
        connection.send_bytes(json.dumps(report).encode())
        connection.send_bytes(state)
    else:
        getattr(player, what)(*arguments)


def main() -> None:
    """Answer requests until the connection is closed."""
    connection, megabytes, directory = Connection(int(sys.argv[1])), int(sys.argv[2]), sys.argv[3]
    watch = Watch(directory)
    _limit_memory(megabytes)
    player = Player(watch)
    while True:
        try:
            request = pickle.loads(connection.recv_bytes())
        except EOFError:
            return
        try:
            _answer(connection, player, request)
        except (Exception, SystemExit) as error:
            text = " ".join(str(error).split())
            message = {"error": type(error).__name__, "text": text, "found": watch.found}
            connection.send_bytes(json.dumps(message).encode())


if __name__ == "__main__":
    main()
