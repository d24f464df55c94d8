"""``oco report``: one HTML page of stored results."""

from __future__ import annotations

from pathlib import Path

import click

from oco.memory import collector_paused
from regret_experiments.cli.options import results_argument
from regret_experiments.cli.output import echo


@click.command()
@results_argument
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="File.  [default: RESULTS/report.html]"
)
@collector_paused()  # hardly anything that it makes is garbage
def report(results: Path, output: Path | None) -> None:
    """Write one HTML page that shows RESULTS; it opens anywhere and needs no network."""
    from regret_experiments.report import write_report
    from regret_experiments.store.results import load

    loaded = load(results)
    target = output or results / "report.html"
    size = write_report(loaded, target)
    echo(f"wrote {target}: {size / 1e6:.2f} MB, {len(loaded.runs)} runs")
