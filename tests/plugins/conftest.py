"""The command line, called from a directory outside of the repository."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Shell = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Call the command line in a process of its own, in a directory outside of the repository."""
    work = tmp_path / "work"
    work.mkdir()

    def call(*arguments: object, path: tuple[Path, ...] = (), module: str = "regret_experiments") -> object:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [ROOT, *path]))}
        command = [sys.executable, "-m", module, *map(str, arguments)]
        return subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, timeout=300)

    return call  # type: ignore[return-value]
