"""``oco reproduce``, ``oco diff`` and ``oco export``: work with what is stored."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from regret_experiments.cli.options import RESULTS, plugin_option, results_argument
from regret_experiments.cli.output import echo
from regret_experiments.printable import one_line


@click.command()
@results_argument
@click.argument("run")
@plugin_option
def reproduce(results: Path, run: str) -> None:
    """Play the run whose id begins with RUN again and compare it with what RESULTS holds.

    The exit code is 1 if any number differs by a bit; timings are not compared.
    """
    from regret_experiments.compare import reproduce as play_again

    differences = play_again(results, run)
    for line in differences:
        echo(one_line(line))
    if differences:
        sys.exit(1)
    click.echo(f"run {run} came out the same, bit for bit")


@click.command()
@click.argument("first", type=RESULTS)
@click.argument("second", type=RESULTS)
@click.option(
    "--relative", type=click.FloatRange(min=0.0), default=0.0, show_default=True, help="Difference that counts as none."
)
def diff(first: Path, second: Path, relative: float) -> None:
    """Say which runs of two directories of results differ, and by how much; exit code 1 where any does."""
    from regret_experiments.compare import compare

    differences = compare(first, second, relative)
    for line in differences:
        echo(one_line(line))
    if differences:
        sys.exit(1)
    click.echo("no run differs")


@click.command()
@results_argument
@click.option("--parquet", is_flag=True, help="Write runs.parquet and curves.parquet instead of CSV.")
def export(results: Path, parquet: bool) -> None:
    """Write the tables of RESULTS into its directory."""
    from regret_experiments.store import Store
    from regret_experiments.store.export import write_csv, write_parquet
    from regret_experiments.store.results import load
    from regret_experiments.tables import rank_table, shortfall_text

    loaded = load(results)
    if parquet:
        written = write_parquet(loaded, loaded.path)
    else:
        write_csv(Store(results), loaded, rank_table(loaded.runs))
        written = [loaded.path / f"{name}.csv" for name in ("runs", "curves", "table")]
    for path in written:
        echo(f"wrote {path}")
    if loaded.shortfalls:
        echo(shortfall_text(loaded.shortfalls), err=True)
