"""``oco run``: one game, from the command line."""

from __future__ import annotations

import json
from typing import Any

import click

from regret_experiments.cli.options import plugin_option
from regret_experiments.cli.output import echo


@click.command()
@click.argument("learner")
@click.argument("environment")
@click.option(
    "--learner-key", "-l", "learner_keys", multiple=True, metavar="KEY=VALUE", help="Hyper-parameter: -l rank=8."
)
@click.option(
    "--environment-key",
    "-e",
    "environment_keys",
    multiple=True,
    metavar="KEY=VALUE",
    help="Key of the environment: -e data=digits -e domain.radius=5.",
)
@plugin_option
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the data's order.")
@click.option("--json", "as_json", is_flag=True, help="Print final numbers as JSON.")
def run(
    learner: str,
    environment: str,
    learner_keys: tuple[str, ...],
    environment_keys: tuple[str, ...],
    seed: int,
    as_json: bool,
) -> None:
    """Play LEARNER against ENVIRONMENT once.

    For example: oco run fd_adagrad logistic_regression -l rank=8 -e data=breast_cancer -e scaling=standard
    -e domain.kind=ball -e domain.radius=5
    """
    from oco.errors import ConfigError
    from regret_experiments.plan.building import build_environment, build_learner, check_suits
    from regret_experiments.plan.content import plain
    from regret_experiments.plan.keywords import KeywordError

    hyperparameters, keywords = mapping("-l", learner_keys), mapping("-e", environment_keys)
    try:
        where = "learner"
        player = build_learner(learner, hyperparameters)
        where = "environment"
        game = build_environment(environment, keywords)
        where = "learner"
        check_suits(player, game)
    except KeywordError as error:
        raise ConfigError(f"{where}{f'.{error.key}' if error.key else ''}: {error}") from None
    from oco.game import play

    record = play(game.environment, player, seed=seed, progress=True)
    if as_json:
        click.echo(json.dumps(plain(record.scalars | {"timings": record.timings}), indent=1))
    else:
        echo(str(record))


def mapping(option: str, settings: tuple[str, ...]) -> dict[str, Any]:
    """``-e domain.kind=ball -e domain.radius=5`` as nested mappings."""
    from regret_experiments.config.document import Document
    from regret_experiments.config.overrides import override

    value: dict[str, Any] = {}
    for setting in settings:
        *parents, _ = setting.partition("=")[0].split(".")
        inner = value
        for parent in parents:
            inner = inner.setdefault(parent, {})
            if not isinstance(inner, dict):
                raise click.UsageError(f"{option} {setting}: {parent} is a value already")
    document = Document(option, value, {})
    result: dict[str, Any] = override(document, settings, option).value
    return result
