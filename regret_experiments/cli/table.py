"""``oco table``: print the table of stored results."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from oco.memory import collector_paused
from regret_experiments.cli.options import results_argument
from regret_experiments.cli.output import echo

if TYPE_CHECKING:
    from regret_experiments.statistics import Test
    from regret_experiments.tables.latex import Spread


class _Table(click.Command):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show examples, and list the columns."""
        from regret_experiments.tables import COLUMNS

        with formatter.section("Examples"):
            formatter.write_dl(
                [
                    ("oco table RESULTS --sort regret_best", "on the terminal, lowest regret first"),
                    ("oco table RESULTS --latex > table.tex", r"for a paper: \input{table}"),
                    ("oco table RESULTS --latex --columns learner,rank,regret_best -e natural_images", "parts of it"),
                    ("oco table RESULTS --csv", "every column"),
                ]
            )
        with formatter.section("Columns"):
            formatter.write_text(", ".join(column.name for column in COLUMNS))
            formatter.write_paragraph()
            formatter.write_text(
                "Every other column of RESULTS/runs.csv that holds numbers, as its mean over the orders."
            )


def _names(_context: click.Context, _parameter: click.Parameter, value: str | None) -> list[str] | None:
    return None if value is None else [name.strip() for name in value.split(",")]


@click.command(cls=_Table)
@results_argument
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--markdown", is_flag=True, help="Print Markdown; the best in bold.")
@click.option(
    "--latex", is_flag=True,
    help="Print a LaTeX tabular for booktabs and siunitx; the best in bold. Comments say what a caption should say.",
)  # fmt: skip
@click.option("--columns", "-c", metavar="A,B,C", callback=_names, help="Columns to show, in this sequence.")
@click.option("--sort", metavar="COLUMN", help="Sort the rows of every environment by this column, lowest first.")
@click.option("--descending", is_flag=True, help="With --sort: highest first.")
@click.option("--environment", "-e", multiple=True, metavar="NAME", help="Show this environment. May be repeated.")
@click.option("--learner", "-l", multiple=True, metavar="NAME", help="Show this learner. May be repeated.")
@click.option(
    "--rate", type=click.Choice(["best", "theorem"]), default="best", show_default=True,
    help="Learning rate at which the columns of runs.csv are taken.",
)  # fmt: skip
@click.option(
    "--spread", type=click.Choice(["se", "ci", "none"]), default="se", show_default=True,
    help="What --latex writes behind a mean over orders: its standard error, half its 95 % interval, or nothing.",
)  # fmt: skip
@click.option(
    "--ties", type=click.Choice(["t", "wilcoxon"]), default="t", show_default=True,
    help="Paired test over the shared orders: what is not significantly worse than the best (5 %, Holm's correction "
    "within an environment) is in bold too. Wilcoxon's needs more than five orders to tell anything apart.",
)  # fmt: skip
@click.option("--strict", is_flag=True, help="Exit code 1 where a run is missing, damaged, failed or not asked for.")
@collector_paused()  # hardly anything that it makes is garbage
def table(
    results: Path,
    as_csv: bool,
    markdown: bool,
    latex: bool,
    columns: list[str] | None,
    sort: str | None,
    descending: bool,
    environment: tuple[str, ...],
    learner: tuple[str, ...],
    rate: str,
    spread: Spread,
    ties: Test,
    strict: bool,
) -> None:
    """Print the table of the RESULTS directory, and the planned runs that it lacks.

    A row is a learner at one rank on one environment, at the hyper-parameters with the lowest mean regret.
    """
    from regret_experiments.store.export import csv_text
    from regret_experiments.store.results import load
    from regret_experiments.tables import (
        best_and_ties,
        shortfall_text,
        table_latex,
        table_markdown,
        table_text,
        table_view,
    )
    from regret_experiments.tables.latex import PAPER

    if as_csv + markdown + latex > 1:
        raise click.UsageError("give one of --csv, --markdown and --latex")
    if descending and sort is None:
        raise click.UsageError("--descending needs --sort COLUMN")
    loaded = load(results)
    shown = PAPER if latex and columns is None else columns
    view = table_view(
        loaded.runs, shown, environments=environment, learners=learner, sort=sort, descending=descending, rate=rate,
        errors=as_csv,
    )  # fmt: skip
    found = best_and_ties(view, ties) if markdown or latex else None
    if as_csv:
        text = csv_text(view.frame if columns is None else view.chosen)
    elif found is None:
        text = table_text(view.frame, view.columns)
    elif latex:
        text = table_latex(view, found, spread, loaded.shortfalls)
    else:
        text = "\n\n".join([table_markdown(view.frame, view.columns, found.best), *found.sentences])
    echo(text, nl=not as_csv)
    if loaded.shortfalls:
        foreign = as_csv or markdown or latex
        echo(("" if foreign else "\n") + shortfall_text(loaded.shortfalls), err=foreign)
    if strict and loaded.shortfalls:
        sys.exit(1)
