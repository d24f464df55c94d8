"""On a system without Unix file locks both packages are imported and results are read; a sweep says what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

UNIX_ONLY = ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "posix_ipc", "syslog")

SCRIPT = f"""
import importlib, pkgutil, sys
for name in {UNIX_ONLY!r}:
    sys.modules[name] = None  # import of it raises ImportError
for package in ("oco", "regret_experiments"):
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if not module.name.startswith(("oco.torch", "regret_experiments.__main__")):
            importlib.import_module(module.name)
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
    counts, sentence = done.stdout.splitlines()
    assert counts == "6 0"
    assert sentence == f"{tmp_path / 'r' / 'claims'}: a sweep needs the file locks of Linux or macOS (on Windows, WSL)"
