"""The command line, called from a directory outside of the repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import oco_in_process

ROOT = Path(__file__).parents[2]
Shell = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The directory from which the command line is called."""
    work = tmp_path / "work"
    work.mkdir()
    return work


@pytest.fixture
def shell(work: Path) -> Shell:
    """Call the command line in a process of its own."""

    def call(*arguments: object, path: tuple[Path, ...] = (), module: str = "regret_experiments") -> object:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [ROOT, *path]))}
        command = [sys.executable, "-m", module, *map(str, arguments)]
        return subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, timeout=300)

    return call  # type: ignore[return-value]


ONE_AFTER_ANOTHER = """
import contextlib, io, json, sys
from regret_experiments.cli import main

said = []
for command in json.loads(sys.argv[1]):
    out, error, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        try:
            main(command)
        except SystemExit as left:
            code = left.code or 0
    said.append((command, code, out.getvalue(), error.getvalue()))
print(json.dumps(said))
"""


@pytest.fixture
def shells(work: Path) -> Callable[..., list[subprocess.CompletedProcess[str]]]:
    """Call several commands in one process of their own, which imports everything once."""

    def call(*commands: tuple[object, ...], path: tuple[Path, ...] = ()) -> list[subprocess.CompletedProcess[str]]:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [ROOT, work, *path]))}
        words = json.dumps([[str(word) for word in command] for command in commands])
        done = subprocess.run(
            [sys.executable, "-c", ONE_AFTER_ANOTHER, words], cwd=work, env=environment, capture_output=True, text=True,
            timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [subprocess.CompletedProcess(*one) for one in json.loads(done.stdout)]

    return call


@pytest.fixture
def command(work: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """Call the command line in this process, which starts none, for tests whose commands register nothing."""
    oco = oco_in_process(capfd)
    monkeypatch.chdir(work)
    monkeypatch.syspath_prepend(work)  # as `python -m` does

    def call(*arguments: object) -> object:
        said = oco(*arguments)
        return subprocess.CompletedProcess(arguments, said.code, said.out, said.err)

    yield call  # type: ignore[misc]
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(work)):
            del sys.modules[name]
