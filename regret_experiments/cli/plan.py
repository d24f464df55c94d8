"""``oco plan`` and ``oco schema``: show what a config would run."""

from __future__ import annotations

import json
from pathlib import Path

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


@click.command()
@config_argument
@results_option
@jobs_option
@settings_option
@plugin_option
@click.option("--list", "every", is_flag=True, help="List every run.")
@click.option("--json", "as_json", is_flag=True, help="Print the runs as JSON.")
def plan(
    config: Path, results: Path | None, jobs: int | None, settings: tuple[str, ...], every: bool, as_json: bool
) -> None:
    """Validate CONFIG and show its runs, what is done, and how long and how large the rest will be."""
    from regret_experiments.config import load_config

    loaded = load_config(config, settings)

    from regret_experiments.plan import make_plan
    from regret_experiments.plan.estimates import estimate, plan_text, run_rows
    from regret_experiments.store import Store

    made = make_plan(loaded)
    store = Store(results or Path("results") / loaded.config.name)
    if as_json:
        click.echo(json.dumps(run_rows(made, store), indent=1))
    else:
        echo(plan_text(made, store, estimate(made, store, jobs or cores()), every=every))


@click.command()
@plugin_option
def schema() -> None:
    """Print the JSON schema of sweep configs; editors complete and check with it."""
    from regret_experiments.config.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
