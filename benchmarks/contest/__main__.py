"""Tune and compare optimizers: loss against total state and against time.

    python -m benchmarks.contest               # what is missing, then the table and the figures of docs/shampoo.md
    python -m benchmarks.contest --quick       # seconds: a few steps of two tasks, in a temporary folder
    python -m benchmarks.contest --tasks characters vision --optimizers AdamW Muon
    python -m benchmarks.contest --times       # measure times of steps too; on a quiet machine

Every run is stored once in results/reference/optimizers, so the command can be stopped at any time and goes on where it
stopped. Losses repeat on the same machine and version of PyTorch.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from benchmarks.contest.playing import play
from oco.errors import OcoError

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results" / "reference" / "optimizers"


def read_settings(quick: bool) -> dict[str, Any]:
    """The config, or the small one for tests."""
    name = "quick.yaml" if quick else "contest.yaml"
    settings: dict[str, Any] = yaml.safe_load(Path(__file__).with_name(name).read_text())
    return settings


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
    try:
        print(_performed(given, settings, chosen["tasks"], chosen["optimizers"]))
    except KeyboardInterrupt:
        print("stopped; the same command goes on", file=sys.stderr)
        return 130
    except OcoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _performed(given: argparse.Namespace, settings: dict[str, Any], tasks: list[str], optimizers: list[str]) -> str:
    if given.quick:
        with TemporaryDirectory() as folder:
            play(settings, tasks, optimizers, Path(folder), 1)
            return _outputs(settings, Path(folder), None)
    if not given.no_runs:
        play(settings, tasks, optimizers, given.results, given.workers)
    if given.times:
        from benchmarks.contest.times import measure

        measure(settings, tasks, optimizers, given.results)
    return _outputs(settings, given.results, ROOT / "docs" if given.results == RESULTS else None)


if __name__ == "__main__":
    sys.exit(main())
