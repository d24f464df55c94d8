"""Tell how a sweep is getting on: a bar on a terminal, lines of JSON for machines, nothing in a pipe."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, Protocol, TextIO

from regret_experiments.execution.work import Outcome


class Progress(Protocol):
    """What is told about a part of a sweep."""

    def start(self, what: str, total: int, done: int) -> None:
        """``total`` tasks called ``what``, of which ``done`` were stored before."""

    def tell(self, outcome: Outcome, labels: dict[str, Any]) -> None:
        """A task ended."""

    def elsewhere(self, count: int) -> None:
        """``count`` tasks were ended by other processes."""

    def close(self) -> None:
        """The part is over."""


class Bar:
    """A tqdm bar with runs done, failed and left, and the time to go; quiet in CI and when piped."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._bar: Any = None
        self._failed = 0

    def start(self, what: str, total: int, done: int) -> None:
        """Open the bar."""
        from tqdm import tqdm

        quiet = not self._stream.isatty() or bool(os.environ.get("CI"))
        layout = "{desc}: {n_fmt}/{total_fmt} |{bar}| {elapsed}, {remaining} to go{postfix}"
        self._failed = 0
        self._bar = tqdm(
            total=total, initial=done, desc=what, file=self._stream, disable=quiet, bar_format=layout, smoothing=0.05
        )

    def tell(self, outcome: Outcome, labels: dict[str, Any]) -> None:
        """Advance, and count failures."""
        if outcome.failed:
            self._failed += 1
            self._bar.set_postfix_str(f"{self._failed} failed", refresh=False)
        self._bar.update()

    def elsewhere(self, count: int) -> None:
        """Advance."""
        self._bar.update(count)

    def close(self) -> None:
        """Close the bar."""
        self._bar.close()


class JsonLines:
    """One JSON object a line for every event, with the time in seconds since the epoch."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._done = self._failed = self._total = 0
        self._what = ""

    def start(self, what: str, total: int, done: int) -> None:
        """Write a ``start`` event."""
        self._what, self._total, self._done, self._failed = what, total, done, 0
        self._write("start")

    def tell(self, outcome: Outcome, labels: dict[str, Any]) -> None:
        """Write a ``finished`` or ``failed`` event."""
        self._done += 1
        self._failed += outcome.failed
        facts = {"id": outcome.id, "seconds": round(outcome.metadata.get("seconds", 0.0), 6)} | labels
        if outcome.failed:
            facts |= {"error": outcome.metadata["error"], "message": outcome.metadata["message"]}
        self._write("failed" if outcome.failed else "finished", **facts)

    def elsewhere(self, count: int) -> None:
        """Write an ``elsewhere`` event."""
        self._done += count
        self._write("elsewhere", count=count)

    def close(self) -> None:
        """Write an ``end`` event."""
        self._write("end")

    def _write(self, event: str, **facts: Any) -> None:
        counts = {"done": self._done, "failed": self._failed, "total": self._total}
        line = {"time": round(time.time(), 3), "event": event, "what": self._what} | counts | facts
        print(json.dumps(line), file=self._stream, flush=True)
