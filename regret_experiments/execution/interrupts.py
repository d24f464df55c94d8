"""Ctrl-C: the first asks to finish what is running, the second stops at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any, Self

_MESSAGE = "\nfinishing the runs in progress; a second Ctrl-C stops at once\n"


class Interrupts:
    """While entered, SIGINT and SIGTERM set ``asked``; a second one ends the process with exit code 130.

    Whatever moment that is, the store is whole: claims end with the process and files are put in place in one step.
    """

    def __init__(self) -> None:
        self.asked = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        # Handlers can be set in the main thread only; a sweep that is run from another one goes without.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            os._exit(130)
        self.asked = True
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, _MESSAGE.encode())
