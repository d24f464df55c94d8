"""``oco sweep``: run a config, from the start or from where it stopped."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from regret_experiments.cli.options import (
    config_argument,
    cores,
    jobs_option,
    plugin_option,
    results_option,
    settings_option,
)
from regret_experiments.cli.output import echo

if TYPE_CHECKING:
    from regret_experiments.execution import Summary
    from regret_experiments.store import Store
    from regret_experiments.store.results import Results


@click.command()
@config_argument
@results_option
@jobs_option
@settings_option
@plugin_option
@click.option(
    "--backend",
    type=click.Choice(["processes", "threads", "dask"]),
    default="processes",
    show_default=True,
    help="Where runs are played.",
)
@click.option("--scheduler", metavar="ADDRESS", help="Address of the Dask scheduler, for --backend dask.")
@click.option("--retry-failed", is_flag=True, help="Play failed runs again.")
@click.option(
    "--snapshot-every",
    type=click.FloatRange(min=0.0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How often a long run saves what it needs to go on.",
)
@click.option("--log-json", is_flag=True, help="Write one JSON object a line to standard error instead of a bar.")
@click.option("--figures/--no-figures", default=True, help="Draw the figures at the end.")
def sweep(
    config: Path,
    results: Path | None,
    jobs: int | None,
    settings: tuple[str, ...],
    backend: str,
    scheduler: str | None,
    retry_failed: bool,
    snapshot_every: float,
    log_json: bool,
    figures: bool,
) -> None:
    """Run CONFIG: play every run that is not stored yet; then write table, figures and results.

    Stop it at any time; the same command continues where it stopped.
    """
    from regret_experiments.config import load_config

    began = time.perf_counter()
    loaded = load_config(config, settings)
    if scheduler is not None and backend != "dask":
        raise click.UsageError("--scheduler goes with --backend dask")

    from regret_experiments.plan import make_plan

    plan = make_plan(loaded)

    from regret_experiments.execution import Backend, run_sweep
    from regret_experiments.execution.progress import Bar, JsonLines
    from regret_experiments.store import Store

    store = Store(results or Path("results") / loaded.config.name)
    summary = run_sweep(
        plan,
        store,
        backend=Backend(backend, jobs or cores(), scheduler),  # type: ignore[arg-type]
        progress=JsonLines() if log_json else Bar(),
        retry_failed=retry_failed,
        snapshot_every=snapshot_every,
    )
    if summary.interrupted:
        say_how_to_resume(summary, store)
        sys.exit(130)
    stored = finish(store, figures=figures)
    counts = summary.runs
    click.echo(
        f"\n{counts.finished + counts.failed} runs played now, {counts.before + counts.elsewhere} were stored already, "
        f"{time.perf_counter() - began:.1f} s. Results are in {store.path}"
    )
    runs = stored.runs
    failed = list(runs.loc[runs["status"] == "failed", "message"])
    if failed:
        message = f"{len(failed)} runs failed, the first with: {failed[0]}; --retry-failed plays them again"
        echo(message, err=True)
        sys.exit(1)


def finish(store: Store, *, figures: bool) -> Results:
    """Write and print the table of the stored runs, and draw their figures; returns what was read."""
    from regret_experiments.store.export import write_csv
    from regret_experiments.store.results import load
    from regret_experiments.tables import rank_table, shortfall_text, table_text

    results = load(store.path)
    table = rank_table(results.runs)
    write_csv(store, results, table)
    echo(table_text(table))
    if results.shortfalls:
        echo(f"\n{shortfall_text(results.shortfalls)}")
    if figures:
        from regret_experiments.figures.sweep_figures import draw_all

        for path in draw_all(store.path, results):
            echo(f"drew {path}")
    return results


def say_how_to_resume(summary: Summary, store: Store) -> None:
    """Print how many runs are done and how many are left."""
    counts = summary.runs
    done = counts.before + counts.finished + counts.failed + counts.elsewhere
    click.echo(
        f"stopped: {done} runs are done and stored in {store.path}, {counts.left} are left; "
        "the same command goes on from here",
        err=True,
    )
