"""``oco attack``: search for the stream of losses on which a learner does worst."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regret_experiments.cli.options import plugin_option
from regret_experiments.cli.output import echo

if TYPE_CHECKING:
    from oco.attacks import Found


@click.command()
@click.argument("learner", required=False)
@click.option("--learner-key", "-l", "learner_keys", multiple=True, metavar="KEY=VALUE", help="Hyper-parameter.")
@click.option(
    "--domain-key", "-d", "domain_keys", multiple=True, metavar="KEY=VALUE",
    help="Of the domain: -d kind=ball -d radius=1 -d dimension=3, which are the defaults.",
)  # fmt: skip
@click.option(
    "--horizon", "-T", "horizons", type=click.IntRange(min=1), multiple=True, default=(100,), show_default=True,
    help="Rounds; several give the exponent with which the worst regret found grows.",
)  # fmt: skip
@click.option("--norm", type=click.Choice(["l2", "linf"]), default="l2", show_default=True, help="Of the gradients.")
@click.option(
    "--objective", type=click.Choice(["regret", "ratio"]), default="regret", show_default=True,
    help="What is maximized: regret, or regret over the learner's own bound.",
)  # fmt: skip
@click.option("--method", "methods", multiple=True, help="Of oco.attacks.METHODS, in order; all by default.")
@click.option("--evaluations", type=click.IntRange(min=1), default=1200, show_default=True, help="Games to play.")
@click.option("--seconds", type=click.FloatRange(min=0.0, min_open=True), help="Stop earlier after so many.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the search.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that play.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path),
    help="File for the stream (environment attack_found); with --all a directory of such files.",
)  # fmt: skip
@click.option("--figure", type=click.Path(path_type=Path, dir_okay=False), help="Draw where the learner went.")
@click.option(
    "--state", type=click.Path(path_type=Path, dir_okay=False), help="Keep the search here, and go on from it."
)
@click.option(
    "--all", "everyone", is_flag=True, help="Attack every bound of the ledger; skips what OUTPUT has already."
)
@plugin_option
def attack(
    learner: str | None, learner_keys: tuple[str, ...], domain_keys: tuple[str, ...], horizons: tuple[int, ...],
    output: Path | None, figure: Path | None, state: Path | None, everyone: bool, methods: tuple[str, ...],
    **search: Any,
) -> None:  # fmt: skip
    """Search for the stream on which LEARNER has the largest regret, or comes nearest to its bound.

    For example: oco attack ogd -l learning_rate=0.1 -l schedule=constant -T 100 -o worst.npz
    """
    from oco.attacks import METHODS, growth_exponent
    from oco.errors import ConfigError

    search["methods"] = list(methods) or list(METHODS)
    if everyone == (learner is not None):
        raise click.UsageError("give LEARNER or --all, one of them")
    if everyone:
        if output is None:
            raise click.UsageError("--all needs --output DIRECTORY")
        del search["objective"]
        _attack_all(output, horizons[0], search)
        return
    if len(horizons) > 1 and (output or figure or state):
        raise ConfigError(f"--output, --figure and --state are for one horizon, got {len(horizons)}")
    assert learner is not None
    found = [_search(learner, learner_keys, domain_keys, each, state, search) for each in horizons]
    for one in found:
        echo(str(one))
    if len(found) > 1:
        echo(f"regret found grows like T^{growth_exponent(horizons, [one.regret.lower for one in found]):.3f}")
    if output is not None:
        found[0].save(output)
    if figure is not None:
        drawn: Any = found[0].plot().figure
        drawn.savefig(figure, dpi=150)


def _search(
    learner: str, learner_keys: tuple[str, ...], domain_keys: tuple[str, ...], horizon: int, state: Path | None,
    search: dict[str, Any],
) -> Found:  # fmt: skip
    from oco.attacks import attack as search_for
    from oco.domains import from_config
    from oco.errors import ConfigError
    from regret_experiments.cli.run import mapping
    from regret_experiments.plan.building import build_learner
    from regret_experiments.plan.keywords import KeywordError

    given = {"kind": "ball", "radius": 1.0, "dimension": 3} if not domain_keys else mapping("-d", domain_keys)
    try:
        player = build_learner(learner, mapping("-l", learner_keys))
    except KeywordError as error:
        raise ConfigError(f"learner{f'.{error.key}' if error.key else ''}: {error}") from None
    return search_for(player, from_config(given), horizon, state=state, **search)


def _attack_all(directory: Path, horizon: int, search: dict[str, Any]) -> None:
    """Attack the bound of every learner that plays linear losses, and print the table of the best ratios."""
    from oco.attacks.ledger import attack_ledger

    directory.mkdir(parents=True, exist_ok=True)
    for line in attack_ledger(directory, horizon, search):
        echo(line)
