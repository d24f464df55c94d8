"""Without what Windows lacks, packages are imported, games played and results read; a sweep says what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

UNIX_ONLY = ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "posix_ipc", "syslog")
NOT_OF_WINDOWS = ("O_CLOEXEC", "fork", "getuid", "sched_getaffinity", "sysconf")
"""Names of the module os."""

SCRIPT = f"""
import importlib, os, pkgutil, sys
for name in {UNIX_ONLY!r}:
    sys.modules[name] = None  # import of it raises ImportError
for name in {NOT_OF_WINDOWS!r}:
    delattr(os, name)
for package in ("oco", "regret_experiments"):
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if not module.name.startswith(("oco.torch", "oco.estimators.river", "regret_experiments.__main__")):
            importlib.import_module(module.name)
import oco
game = oco.environments.LinearLosses([[1.0, 0.0], [0.0, 1.0]], domain=oco.Ball(radius=1.0))
print(oco.play(game, oco.AdaGradNorm()).scalars["rounds"])
from regret_experiments import Store, load
from oco.errors import StoreError
results = load(sys.argv[1])
print(len(results.runs), len(results.faults))
try:
    with Store(sys.argv[2]).opened():
        pass
except StoreError as error:
    print(error)
"""


def test_nothing_unix_only_is_needed_to_read(tmp_path: Path) -> None:
    older = Path(__file__).parent / "experiments" / "older_results" / "schema_1"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(older), str(tmp_path / "r")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rounds, counts, sentence = done.stdout.splitlines()
    assert rounds == "2"
    assert counts == "6 0"
    assert sentence == f"{tmp_path / 'r' / 'claims'}: a sweep needs the file locks of Linux or macOS (on Windows, WSL)"
