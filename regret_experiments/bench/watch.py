"""A watch on what the code of an entry does besides computing: files, threads, frames, modules with environments."""

from __future__ import annotations

import importlib.abc
import sys
from pathlib import Path
from types import FrameType
from typing import Any

FILES, THREADS, ENVIRONMENT = "files", "threads", "the environment"
_EVENTS = {
    "open": FILES, "os.listdir": FILES, "os.scandir": FILES, "os.mkdir": FILES, "os.rename": FILES,
    "sqlite3.connect": FILES, "socket.connect": FILES, "socket.bind": FILES, "mmap.__new__": FILES,
    "shutil.copyfile": FILES,
    "_thread.start_new_thread": THREADS, "_thread.start_joinable_thread": THREADS, "subprocess.Popen": THREADS,
    "os.fork": THREADS, "os.posix_spawn": THREADS, "os.exec": THREADS, "os.system": THREADS,
    "sys._getframe": ENVIRONMENT, "sys._current_frames": ENVIRONMENT, "gc.get_objects": ENVIRONMENT,
    "gc.get_referrers": ENVIRONMENT, "gc.get_referents": ENVIRONMENT,
}  # fmt: skip
"""Events of the interpreter (PEP 578) by the kind of what they are."""
_WORDS = {
    FILES: "opens a file, a directory or a connection",
    THREADS: "starts a thread or a process",
    ENVIRONMENT: "looks for objects in frames or in the garbage collector",
}
_WHILE_LOADING = (FILES, THREADS)
"""Kinds that no file needs while it is imported; looking at frames is what `collections.namedtuple` does too."""
_OTHERS = ("numba", "llvmlite", "<frozen importlib", "warnings.py")
"""In files whose names have these words, compiling and importing open files and look at frames."""
FORBIDDEN = ("oco.environments", "oco.game", "oco.datasets", "oco.comparators", "oco.checks", "regret_experiments")
"""Modules with environments, the data, or best fixed points. An audited learner's process has none of them."""


class Watch(importlib.abc.MetaPathFinder):
    """Notes what files of one directory do.

    Parameters
    ----------
    directory
        Where the entry's files are; empty to note nothing.

    Attributes
    ----------
    found
        One sentence for every kind.
    phase
        ``"load"``, ``"play"`` or ``""``, in which nothing is noted.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.found: dict[str, str] = {}
        self.phase = ""
        if directory:
            sys.addaudithook(self._hear)
            sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Refuse the forbidden modules."""
        if any(name == each or name.startswith(f"{each}.") for each in FORBIDDEN):
            self.found.setdefault(ENVIRONMENT, f"imports {name}, where environments are")
            raise ImportError(f"{name} is not there for an audited learner")

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        kind = _EVENTS.get(event)
        if kind is None or not self.phase or (self.phase == "load" and kind not in _WHILE_LOADING):
            return
        phase, self.phase = self.phase, ""
        try:
            where = self._place(sys._getframe(1))
            if where is not None:
                self.found.setdefault(kind, f"{_WORDS[kind]} ({event}) at {where}")
        finally:
            self.phase = phase

    def _place(self, frame: FrameType | None) -> str | None:
        """File and line of the entry's code that called; None if another library did on its own."""
        while frame is not None:
            file = frame.f_code.co_filename
            if any(word in file for word in _OTHERS):
                return None
            if self.is_own(file):
                return f"{Path(file).name}, line {frame.f_lineno}"
            frame = frame.f_back
        return None

    def is_own(self, file: str | None) -> bool:
        """Whether a file is one of the entry's."""
        if file is None or not self.directory or "site-packages" in file:
            return False
        return Path(file).parent == Path(self.directory)
