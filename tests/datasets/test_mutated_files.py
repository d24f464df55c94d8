"""A part of the 10,000 mutated files of fuzz_files.py, which runs them all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", [0, 4000])
def test_a_mutated_file_gives_rows_or_one_error_in_bounded_memory(first: int) -> None:
    # In a process of its own, so that a crash is a failure and the memory is that of these files.
    script = Path(__file__).with_name("fuzz_files.py")
    command = [sys.executable, str(script), "--first", str(first), "--files", "800", "--untimed"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "'rows': " in done.stdout  # not all of them are refused
