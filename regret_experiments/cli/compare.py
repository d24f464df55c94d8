"""``oco compare``: compare learners over the games that they share."""

from __future__ import annotations

from pathlib import Path

import click

from regret_experiments.cli.options import results_argument
from regret_experiments.cli.output import echo


class _Compare(click.Command):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show examples."""
        with formatter.section("Examples"):
            formatter.write_dl(
                [
                    ("oco compare RESULTS fd_adagrad:16 ogd", "two learners, by pairs"),
                    ("oco compare RESULTS fd_adagrad:16 ogd --column held_out_average", "by their held-out loss"),
                    ("oco compare RESULTS fd_adagrad:16 ogd --per-round -e natural_images", "round by round"),
                    ("oco compare RESULTS", "all learners, by their average ranks over environments"),
                ]
            )


@click.command(cls=_Compare)
@results_argument
@click.argument("learners", nargs=-1)
@click.option(
    "--column", "-c", default="regret_best", show_default=True, metavar="NAME",
    help="What is compared: a column of oco table that is a mean over orders.",
)  # fmt: skip
@click.option(
    "--environment", "-e", multiple=True, metavar="NAME", help="Compare on this environment. May be repeated."
)
@click.option(
    "--rate", type=click.Choice(["best", "theorem"]), default="best", show_default=True,
    help="Learning rate at which the columns of runs.csv are taken, and games are played again.",
)  # fmt: skip
@click.option(
    "--level", type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True), default=0.95, show_default=True,
    help="Confidence level of intervals; 1 - LEVEL is the level of Nemenyi's test.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Of the bootstrap.")
@click.option(
    "--per-round", is_flag=True,
    help="Play both runs of every shared game again, and give the mean difference of their losses with a standard "
    "error that allows for dependent rounds (Newey-West).",
)  # fmt: skip
@click.option("--lag", type=click.IntRange(min=0), help="With --per-round: the last lag.  [default: 4 (T/100)^(2/9)]")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
def compare(
    results: Path,
    learners: tuple[str, ...],
    column: str,
    environment: tuple[str, ...],
    rate: str,
    level: float,
    seed: int,
    per_round: bool,
    lag: int | None,
    as_csv: bool,
) -> None:
    """Compare LEARNERS over the games of RESULTS that they share.

    A learner is named as oco table prints it, with :k where it has several ranks. Two are compared by pairs, a pair
    being the same environment in the same order of the data: mean difference, standard error, intervals, t-test and
    Wilcoxon's test, with Holm's correction over environments. Three or more, or all if none is given, are compared by
    their average ranks over environments (Friedman, Nemenyi).
    """
    import pandas as pd

    from regret_experiments.comparison import compare_learners, per_round_differences, rank_learners, rows_of
    from regret_experiments.comparison.rows import find_row
    from regret_experiments.comparison.text import comparison_text, per_round_text, ranks_text
    from regret_experiments.store.export import csv_text
    from regret_experiments.store.results import load

    if len(learners) == 1 or (per_round and len(learners) != 2):
        raise click.UsageError("give two learners to compare by pairs, or three or more, or none for all")
    if lag is not None and not per_round:
        raise click.UsageError("--lag needs --per-round")
    loaded = load(results)
    if per_round:
        games = per_round_differences(loaded, *learners, environments=environment, rate=rate, lag=lag)
        labels = [find_row(name, rows_of(loaded.runs)).label for name in learners]
        frame, text = pd.DataFrame(games), per_round_text(games, *labels)
    elif len(learners) == 2:
        pairs = compare_learners(
            loaded.runs, *learners, column=column, environments=environment, rate=rate, level=level, seed=seed
        )
        frame, text = pairs.frame, comparison_text(pairs)
    else:
        ranks = rank_learners(
            loaded.runs, learners, column=column, environments=environment, rate=rate, level=1.0 - level
        )
        frame, text = ranks.frame, ranks_text(ranks)
    echo(csv_text(frame) if as_csv else text, nl=not as_csv)
