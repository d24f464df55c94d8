"""``oco plot``: draw a figure of stored results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from regret_experiments.cli.options import plugin_option, results_argument
from regret_experiments.cli.output import echo


def _kinds() -> Mapping[str, Any]:
    from regret_experiments.figures.kinds import KINDS

    return KINDS


def _known(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """A kind from the registry, which is imported only when the command runs."""
    return str(click.Choice(list(_kinds())).convert(value, param, ctx))


class _Plot(click.Command):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the kinds of figures."""
        with formatter.section("Kinds"):
            formatter.write_dl([(name, kind.title) for name, kind in _kinds().items()])


@click.command(cls=_Plot)
@results_argument
@click.argument("kind", callback=_known)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False),
    help="File; its ending says what: .pdf, .svg, .png, .pgf.  [default: RESULTS/figures/KIND.pdf]",
)  # fmt: skip
@click.option(
    "--size", type=click.Choice(["one-column", "two-column", "slide"]), default="two-column", show_default=True,
    help="Width of the figure and size of its letters.",
)  # fmt: skip
@click.option("--environment", "-e", metavar="NAME", help="Draw this environment only.")
@click.option(
    "--rate", type=click.Choice(["best", "theorem"]), default="best", show_default=True,
    help="Learning rate whose curves are drawn.",
)  # fmt: skip
@click.option(
    "--against", type=click.Choice(["u_t", "u_T", "path", "linearised"]), default="u_t", show_default=True,
    help="Curves of regret against the best point for the rounds so far, or for the whole game; of dynamic regret "
    "against the game's own moving comparator; or of the linearised losses.",
)  # fmt: skip
@click.option(
    "--scale", type=click.Choice(["log", "linear", "sqrt"]), default="log", show_default=True,
    help="Of curves: log-log with fitted slope, linear, or divided by the root of t.",
)  # fmt: skip
@plugin_option
@click.option("--rank", type=int, help="Rank of figures that show one.  [default: the middle one]")
def plot(
    results: Path,
    kind: str,
    output: Path | None,
    size: str,
    environment: str | None,
    rate: str,
    against: str,
    scale: str,
    rank: int | None,
) -> None:
    """Draw a figure of RESULTS, a panel for every environment."""
    from regret_experiments.figures import draw, save
    from regret_experiments.store.results import load

    loaded = load(results)
    figure = draw(loaded, kind, size=size, environment=environment, rate=rate, against=against, scale=scale, rank=rank)
    echo(f"drew {save(figure, output or results / 'figures' / f'{kind}.pdf', size)}")
