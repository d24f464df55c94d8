"""``oco plot``: draw a figure of stored results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from oco.memory import collector_paused
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
    help="File; its ending says what: .pdf, .svg, .png, .pgf. The caption is written beside it, to .caption.txt.  "
    "[default: RESULTS/figures/KIND.pdf]",
)  # fmt: skip
@click.option(
    "--size", type=click.Choice(["one-column", "two-column", "slide"]), default="two-column", show_default=True,
    help="Width of the figure and size of its letters.",
)  # fmt: skip
@click.option(
    "--environment", "-e", metavar="NAME", multiple=True, help="Draw this environment; several are drawn in that order."
)
@click.option(
    "--learner", "-l", "learners", metavar="NAME", multiple=True,
    help="Draw this learner; several are drawn in that order.",
)  # fmt: skip
@click.option("--columns", type=click.IntRange(min=1), help="Panels side by side.")
@click.option(
    "--height", type=click.FloatRange(min=0.0, min_open=True), metavar="INCHES", help="Height of the whole figure."
)
@click.option("--legend", is_flag=True, help="Name the learners in one legend below the panels.")
@click.option(
    "--rate", type=click.Choice(["best", "theorem"]), default="best", show_default=True,
    help="Learning rate at which learners are drawn, where a figure draws one.",
)  # fmt: skip
@click.option(
    "--band", type=click.Choice(["range", "se", "ci"]), default="range", show_default=True,
    help="Around means over the data orders: the range of the certified intervals, one standard error, or the 95 % "
    "confidence interval of the mean. The caption says which.",
)  # fmt: skip
@click.option(
    "--bounds/--no-bounds", default=None, help="Draw bounds too.  [default: in curves and escaped mass, not in memory]"
)
@click.option(
    "--against", type=click.Choice(["u_t", "u_T", "path", "linearised"]), default="u_t", show_default=True,
    help="Curves of regret against the best point for the rounds so far, or for the whole game; of dynamic regret "
    "against the game's own moving comparator; or of the linearised losses.",
)  # fmt: skip
@click.option(
    "--scale", type=click.Choice(["log", "linear", "sqrt"]),
    help="Of the axis up. Of curves: log-log with fitted slope (default), linear, or divided by the root of t.",
)  # fmt: skip
@click.option("--x-scale", type=click.Choice(["log", "linear"]), help="Of the axis across.")
@click.option(
    "--x", metavar="NAME", default="learning_rate", show_default=True,
    help="Hyper-parameter across, in figures of kind sensitivity.",
)  # fmt: skip
@click.option("--group", metavar="NAME", help="Hyper-parameter of which each value has a line, in those figures.")
@plugin_option
@click.option("--rank", type=int, help="Rank of figures that show one.  [default: depends on the kind]")
@collector_paused()  # hardly anything that it makes is garbage
def plot(results: Path, kind: str, output: Path | None, size: str, **how: Any) -> None:
    """Draw a figure of RESULTS, a panel for every environment, and write its caption beside it."""
    from regret_experiments.figures.drawing import drawn, save
    from regret_experiments.store.results import load

    figure, caption = drawn(load(results), kind, size=size, **how)
    echo(f"drew {save(figure, output or results / 'figures' / f'{kind}.pdf', size, caption)}")
