"""Tune and compare optimizers: loss against total state and against time.

    python -m benchmarks.contest                      # what is missing, then the table and the figures of docs/shampoo.md
    python -m benchmarks.contest --quick              # a minute: a few steps of two tasks, in a temporary folder
    python -m benchmarks.contest --tasks characters vision --optimizers AdamW Muon
    python -m benchmarks.contest --times              # measure times of steps too; on a quiet machine

Every run is stored once in results/reference/optimizers, so the command can be stopped at any time and goes on where it
stopped. Losses repeat on the same machine and version of PyTorch.
"""

from __future__ import annotations

import argparse
import fcntl
import multiprocessing
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from benchmarks.contest.cells import Cell, cells

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results" / "reference" / "optimizers"


def read_settings(quick: bool) -> dict[str, Any]:
    """The config, or the small one for tests."""
    name = "quick.yaml" if quick else "contest.yaml"
    settings: dict[str, Any] = yaml.safe_load(Path(__file__).with_name(name).read_text())
    return settings


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


def _outputs(settings: Mapping[str, Any], folder: Path, docs: Path | None) -> str:
    from benchmarks.contest.page import write_outputs

    return write_outputs(settings, folder, docs)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.contest", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="a small contest in a temporary folder")
    parser.add_argument("--tasks", nargs="+", metavar="TASK", help="these only")
    parser.add_argument("--optimizers", nargs="+", metavar="NAME", help="these only")
    parser.add_argument("--workers", type=int, default=2, help="processes, with one thread each")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the runs are")
    parser.add_argument("--times", action="store_true", help="measure the times of steps too, on a quiet machine")
    parser.add_argument("--no-runs", action="store_true", help="only table and figures, from the runs that are there")
    given = parser.parse_args(arguments)
    settings = read_settings(given.quick)
    chosen: dict[str, list[str]] = {}
    for kind in ("tasks", "optimizers"):
        chosen[kind] = getattr(given, kind) or list(settings[kind])
        if unknown := [name for name in chosen[kind] if name not in settings[kind]]:
            parser.error(f"unknown {kind} {', '.join(unknown)}; there are {', '.join(settings[kind])}")
    if given.quick:
        with TemporaryDirectory() as folder:
            play(settings, chosen["tasks"], chosen["optimizers"], Path(folder), 1)
            print(_outputs(settings, Path(folder), None))
        return 0
    if not given.no_runs:
        play(settings, chosen["tasks"], chosen["optimizers"], given.results, given.workers)
    if given.times:
        from benchmarks.contest.times import measure

        measure(settings, chosen["tasks"], chosen["optimizers"], given.results)
    print(_outputs(settings, given.results, ROOT / "docs" if given.results == RESULTS else None))
    return 0


if __name__ == "__main__":
    sys.exit(main())
