"""The work of a contest, divided between processes: each cell is one process's."""

from __future__ import annotations

import fcntl
import multiprocessing
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.contest.cells import Cell, cells


def _complete(cell: Cell) -> str:
    began = time.perf_counter()
    before = len(cell.stored)
    cell.complete()
    return f"{cell.task}, {cell.name}: {len(cell.stored) - before} runs, {time.perf_counter() - began:.0f} s"


def play(settings: Mapping[str, Any], tasks: list[str], optimizers: list[str], folder: Path, workers: int) -> None:
    """Do what is missing; each cell is one worker's."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SystemExit(f"another process is at work in {folder}") from None
        todo = [cell for cell in cells(settings, tasks, optimizers, folder) if cell.missing()]
        if workers == 1 or len(todo) < 2:
            for cell in todo:
                print(_complete(cell), flush=True)
            return
        with multiprocessing.get_context("spawn").Pool(workers) as pool:
            for line in pool.imap_unordered(_complete, todo):
                print(line, flush=True)
