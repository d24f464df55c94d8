"""``oco bench``: play the suite, print its table, check an entry."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regret_experiments.cli.options import RESULTS, cores, jobs_option, plugin_option
from regret_experiments.cli.output import echo

if TYPE_CHECKING:
    from regret_experiments.bench.suite import Suite

_suite_option = click.option(
    "--suite", "suite_file", type=click.Path(path_type=Path), help="A suite of your own, a YAML file.  [default: OCO-Bench]"
)
_results_option = click.option(
    "--results", type=RESULTS, default=Path("results/bench"), show_default=True, help="Directory of the entries."
)


@click.group("bench")
def bench() -> None:
    """OCO-Bench: a fixed suite of streams, one table, certified."""


@bench.command("run")
@click.argument("learners", nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="Every learner of the library.")
@click.option(
    "--learner-key", "-l", "keys", multiple=True, metavar="KEY=VALUE",
    help="Hyper-parameter: -l rank=8, or values to tune: -l 'learning_rate=[0.1, 1.0]'.",
)  # fmt: skip
@click.option("--name", help="Name of the row, for one learner.")
@_results_option
@_suite_option
@jobs_option
@plugin_option
def run(
    learners: tuple[str, ...],
    everyone: bool,
    keys: tuple[str, ...],
    name: str | None,
    results: Path,
    suite_file: Path | None,
    jobs: int | None,
) -> None:
    """Play the suite with LEARNERS: names, FILE.py:CLASS, or a folder of such files.

    Stop it at any time; the same command goes on where it stopped.
    """
    from regret_experiments.bench.contestant import library_entries
    from regret_experiments.bench.suite import load_suite

    suite = load_suite(suite_file)
    names = [*learners, *(library_entries() if everyone else ())]
    if not names:
        raise click.UsageError("name a learner, a file or a folder, or give --all")
    if name is not None and len(names) > 1:
        raise click.UsageError("--name goes with one learner")
    for argument in names:
        _run_one(suite, argument, keys, name, results, jobs or cores())


def _run_one(
    suite: Suite, argument: str, keys: tuple[str, ...], name: str | None, results: Path, jobs: int
) -> None:
    import time

    from regret_experiments.bench.contestant import contestant
    from regret_experiments.bench.entry import FILE, make_entry, write_entry
    from regret_experiments.bench.playing import play_suite
    from regret_experiments.cli.run import mapping
    from regret_experiments.execution import Backend
    from regret_experiments.execution.progress import Bar

    began = time.perf_counter()
    learner = contestant(argument, suite, mapping("-l", keys), name)
    played = play_suite(suite, learner, results, backend=Backend("processes", jobs), progress=Bar())
    if played.interrupted:
        click.echo("stopped; finished runs are kept, and the same command goes on from here", err=True)
        sys.exit(130)
    target = results / learner.label / FILE
    write_entry(target, make_entry(suite, learner, played, None))
    echo(f"{learner.label}: {len(played.streams)} streams, {len(played.gaps)} gaps, {time.perf_counter() - began:.0f} s")
    echo(f"wrote {target}")
