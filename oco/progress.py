"""Bars that say how far a game and the search for its best fixed points are: none in a pipe."""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import Any, Self


class GameProgress:
    """Tells a bar how many rounds were played; use it in a ``with`` statement.

    Parameters
    ----------
    horizon
        Round at which the game stops.
    wanted
        Whether to show a bar, where there is somebody to see it.
    what
        Words before the bar.
    delay
        Seconds after which the bar appears; what is over sooner has none.
    """

    def __init__(self, horizon: int, wanted: bool, what: str | None = None, delay: float = 0.0) -> None:
        self._horizon = horizon
        self._wanted = wanted
        self._what, self._delay = what, delay
        self._bar: Any = None

    def __enter__(self) -> Self:
        """Open the bar."""
        notebook = _in_notebook()
        seen = notebook or (sys.stderr.isatty() and not os.environ.get("CI"))
        if self._wanted and seen:
            from tqdm import tqdm

            # The plain bar is text, which notebooks show as it is written, without a widget that may not be installed.
            file = sys.stdout if notebook else sys.stderr
            self._bar = tqdm(
                total=self._horizon, desc=self._what, delay=self._delay, unit=" rounds", unit_scale=True, file=file
            )
        return self

    def to(self, rounds: int) -> None:
        """``rounds`` rounds were played."""
        if self._bar is not None:
            self._bar.update(rounds - self._bar.n)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()


def _in_notebook() -> bool:
    """Whether this is the kernel of a notebook."""
    shell = sys.modules.get("IPython")
    running = None if shell is None else shell.get_ipython()
    return running is not None and "IPKernelApp" in getattr(running, "config", {})
