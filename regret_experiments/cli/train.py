"""``oco train CONFIG``: compare optimizers on a network."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from regret_experiments.cli.options import config_argument, cores, jobs_option, results_option, settings_option
from regret_experiments.cli.output import echo


@click.command()
@config_argument
@results_option
@jobs_option
@settings_option
@click.option("--retry-failed", is_flag=True, help="Train failed runs again.")
@click.option("--figures/--no-figures", default=True, help="Draw the figures at the end.")
def train(
    config: Path, results: Path | None, jobs: int | None, settings: tuple[str, ...], retry_failed: bool, figures: bool
) -> None:
    """Tune and compare optimizers on the network task of CONFIG, training every run that is not stored yet.

    Stop it at any time; the same command continues where it stopped. The results are read by table, plot, report,
    export, reproduce and diff like those of a sweep.
    """
    from regret_experiments.cli.sweep import finish, say_how_to_resume
    from regret_experiments.execution.backends import Backend
    from regret_experiments.store import Store
    from regret_experiments.training import load_training, run_training

    try:
        import oco.torch  # noqa: F401
        from regret_experiments.training.outputs import format_table, write_outputs
    except ImportError as error:
        raise click.ClickException(str(error)) from error

    loaded, document = load_training(config, settings)
    store = Store(results or Path("results") / loaded.name)
    summary = run_training(
        loaded, store, text=document.text, backend=Backend(jobs=jobs or cores()), retry_failed=retry_failed
    )
    if summary.interrupted:
        say_how_to_resume(summary, store)
        sys.exit(130)
    rows, paths = write_outputs(store)
    finish(store, figures=figures)
    if rows:
        echo("\n" + format_table(rows))
    for path in paths:
        click.echo(f"wrote {path}")
    counts = summary.runs
    click.echo(f"{counts.finished + counts.failed} runs trained now, {counts.before + counts.elsewhere} were stored")
    if failed := [run for run in store.runs() if not run.finished]:
        echo(f"{len(failed)} runs failed, the first with: {failed[0].metadata['message']}", err=True)
        sys.exit(1)
