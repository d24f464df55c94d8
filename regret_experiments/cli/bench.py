"""``oco bench``: play the suite, print its table, check an entry."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from regret_experiments.cli.options import RESULTS, cores, jobs_option
from regret_experiments.cli.output import echo

if TYPE_CHECKING:
    from regret_experiments.bench.suite import Suite

_suite_option = click.option(
    "--suite",
    "suite_file",
    type=click.Path(path_type=Path),
    help="A suite of your own, a YAML file.  [default: OCO-Bench]",
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
    from oco.errors import OcoError
    from regret_experiments.bench.contestant import library_entries
    from regret_experiments.bench.suite import load_suite

    suite = load_suite(suite_file)
    names = [*learners, *(library_entries() if everyone else ())]
    if not names:
        raise click.UsageError("name a learner, a file or a folder, or give --all")
    if name is not None and len(names) > 1:
        raise click.UsageError("--name goes with one learner")
    failed = []
    for argument in names:
        try:
            if Path(argument).is_dir():
                failed += _run_folder(Path(argument), results, suite_file, jobs, suite.limit_seconds)
            elif everyone and argument not in learners and _has_entry(suite, results, argument):
                echo(f"{argument}: has an entry already")
            else:
                _run_one(suite, argument, keys, name, results, jobs or cores())
        except OcoError as error:
            if len(names) == 1:
                raise
            failed.append(f"{argument}: {error}")
    for sentence in failed:
        echo(sentence, err=True)
    if failed:
        sys.exit(1)


def _has_entry(suite: Suite, results: Path, name: str) -> bool:
    from oco.errors import StoreError
    from regret_experiments.bench.entry import FILE, read_entry

    try:
        return bool(read_entry(results / name / FILE)["suite"]["sha256"] == suite.sha256)
    except StoreError:
        return False


def _run_folder(folder: Path, results: Path, suite_file: Path | None, jobs: int | None, seconds: float) -> list[str]:
    """Run every file of a folder in a process of its own, so that no file can harm another; returns what failed."""
    import subprocess

    from regret_experiments.bench.contestant import files_of

    options = ["--results", str(results), *(["--jobs", str(jobs)] if jobs else [])]
    options += ["--suite", str(suite_file)] if suite_file else []
    failed = []
    for path in files_of(folder):
        command = [sys.executable, "-m", "regret_experiments", "bench", "run", str(path), *options]
        try:
            code = subprocess.run(command, check=False, timeout=3.0 * seconds).returncode
        except subprocess.TimeoutExpired:
            failed.append(f"{path}: it was ended after {3.0 * seconds:,.0f} s")
            continue
        if code == 130:
            sys.exit(code)
        if code:
            failed.append(f"{path}: it did not enter, see above")
    return failed


def _run_one(suite: Suite, argument: str, keys: tuple[str, ...], name: str | None, results: Path, jobs: int) -> None:
    from regret_experiments.bench.contestant import contestant
    from regret_experiments.bench.entering import enter
    from regret_experiments.cli.run import mapping
    from regret_experiments.execution import Backend
    from regret_experiments.execution.progress import Bar

    learner = contestant(argument, suite, mapping("-l", keys), name)
    entered = enter(suite, learner, results, backend=Backend("processes", jobs), progress=Bar(), say=echo)
    if entered is None:
        click.echo("stopped; finished runs are kept, and the same command goes on from here", err=True)
        sys.exit(130)


@bench.command("table")
@click.argument("learners", nargs=-1)
@_results_option
@_suite_option
@click.option("--reference/--no-reference", default=True, help="Show the library's learners too.  [default: yes]")
@click.option("--csv", "as_csv", is_flag=True, help="Print every number, a line for each learner and stream.")
@click.option("--markdown", is_flag=True, help="Print Markdown.")
@click.option("--sheet", is_flag=True, help="Print the score sheets of LEARNERS.")
@click.option("--figures", type=click.Path(path_type=Path), metavar="DIRECTORY", help="Draw the figures there.")
def table(
    learners: tuple[str, ...],
    results: Path,
    suite_file: Path | None,
    reference: bool,
    as_csv: bool,
    markdown: bool,
    sheet: bool,
    figures: Path | None,
) -> None:
    """Print the table of all entries; with LEARNERS, their regret on every stream over the best that is known."""
    from oco.errors import ConfigError
    from oco.keywords import did_you_mean
    from regret_experiments.bench import text
    from regret_experiments.bench.collection import collect
    from regret_experiments.bench.suite import load_suite
    from regret_experiments.store.export import csv_text

    scores, left_out = collect(load_suite(suite_file), results, reference=reference)
    for name in learners:
        if name not in scores.entries:
            raise ConfigError(f"there is no entry of {name!r}{did_you_mean(name, scores.entries)}")
    if as_csv + markdown + sheet > 1:
        raise click.UsageError("give one of --csv, --markdown and --sheet")
    if sheet:
        echo("\n".join(text.sheet(scores, name) for name in learners or scores.entries))
    elif as_csv:
        frame = scores.frame
        echo(csv_text(frame[frame["learner"].isin(learners)] if learners else frame), nl=False)
    else:
        lines = text.by_stream(scores, learners) if learners else text.ranking(scores)
        echo(text.markdown(lines) if markdown else text.aligned(lines))
        echo("\n" + "\n".join(text.notes(scores)))
    for sentence in left_out:
        echo(f"left out: {sentence}", err=True)
    if figures is not None:
        from regret_experiments.bench.drawing import draw

        for path in draw(scores, figures, learners):
            echo(f"drew {path}", err=as_csv)


@bench.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("source", required=False, type=click.Path(path_type=Path))
@click.option("--games", type=click.IntRange(min=0), default=5, show_default=True, help="Games that are played again.")
@click.option("--all", "everything", is_flag=True, help="Play every game again.")
@_suite_option
def verify(file: Path, source: Path | None, games: int, everything: bool, suite_file: Path | None) -> None:
    """Check the entry FILE; that of a learner in a file needs the file SOURCE, whose code is run.

    Its checksum must be right, its numbers must follow from each other, and games drawn at random, played again, must
    give the same numbers. The exit code is 1 if anything differs.
    """
    from regret_experiments.bench.entry import read_entry
    from regret_experiments.bench.suite import load_suite
    from regret_experiments.bench.verify import contestant_of, contradictions, draw, replay

    suite, entry = load_suite(suite_file), read_entry(file)
    player = contestant_of(entry, suite, source)
    faults = [*contradictions(entry, suite)]
    played = 0
    if not faults:
        for name, differences in replay(entry, suite, player, draw(entry, suite, None if everything else games)):
            played += 1
            faults += [f"{name}: {sentence}" for sentence in differences]
            echo(f"{name}: {'differs' if differences else 'the same'}")
    for sentence in faults:
        echo(f"not verified: {sentence}", err=True)
    if faults:
        sys.exit(1)
    echo(f"{player.label}: the checksum is right, and {played} games gave the same numbers")
