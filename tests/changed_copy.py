"""A copy of the library in which a stranger changes a file, and what a program says that uses it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


class ChangedCopy:
    """The package ``oco``, copied below ``directory``; kernels run as plain Python, so that nothing is compiled."""

    def __init__(self, directory: Path) -> None:
        self.root = directory
        self.changed: set[str] = set()
        for package in ("oco", "regret_experiments"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / package, directory / package, ignore=ignored)

    def write(self, path: str, text: str) -> None:
        """A new file."""
        assert not (self.root / path).exists()
        (self.root / path).write_text(text)
        self.changed.add(path)

    def replace(self, path: str, old: str, new: str) -> None:
        """A change in one place of a file."""
        text = (self.root / path).read_text()
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path}"
        (self.root / path).write_text(text.replace(old, new))
        self.changed.add(path)

    def say(self, program: str) -> str:
        """What ``program`` prints."""
        environment = {**os.environ, "PYTHONPATH": str(self.root), "NUMBA_DISABLE_JIT": "1"}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            capture_output=True, text=True, cwd=self.root, env=environment, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
