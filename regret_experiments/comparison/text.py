"""Comparisons as text: aligned numbers, and sentences on what they can and cannot say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from regret_experiments.comparison.pairs import Comparison
from regret_experiments.comparison.places import FEW, LearnerRanks
from regret_experiments.comparison.rounds import PerRound
from regret_experiments.printable import one_line
from regret_experiments.statistics import smallest_wilcoxon
from regret_experiments.statistics.paired import RESAMPLES

SIGNIFICANT = 0.05
"""The usual level, which a Wilcoxon test with few pairs cannot reach."""
FEW_PAIRS = 10
"""Pairs below which the bootstrap interval is clearly too narrow; `paired_difference` says by how much."""


def comparison_text(found: Comparison) -> str:
    """A line for every environment, and notes."""
    frame = found.frame
    first, second = found.first.label, found.second.label
    several = len(frame) > 1
    share = f"{100.0 * found.level:g} %"
    headings = ["environment", "pairs", first, second, "difference", "s.e.", f"{share} Student", f"{share} bootstrap"]
    headings += ["p t", "p Wilcoxon", *(["Holm t", "Holm Wilcoxon"] if several else [])]
    lines = []
    for row in frame.to_dict("records"):
        name = f"{row['environment']} ({row['stage']})" if frame["stage"].nunique() > 1 else str(row["environment"])
        cells = [name, str(row["pairs"]), *(_number(row[key]) for key in ("first", "second", "difference", "se"))]
        cells += [_interval(row["ci_low"], row["ci_high"]), _interval(row["bootstrap_low"], row["bootstrap_high"])]
        cells += [_p(row["p_t"]), _p(row["p_wilcoxon"])]
        cells += [_p(row["p_t_holm"]), _p(row["p_wilcoxon_holm"])] if several else []
        lines.append(cells)
    what = found.column.heading(found.measure)
    title = f"{what}: {first} - {second}, by pairs of the same environment and order"
    return "\n".join([one_line(title), *_aligned([headings, *lines]), "", *map(one_line, _notes(found, frame))])


def _notes(found: Comparison, frame: pd.DataFrame) -> Iterator[str]:
    pairs = [int(count) for count in frame["pairs"]]
    used = "1 pair was" if sum(pairs) == 1 else f"{sum(pairs)} pairs were"
    yield f"{used} used; {'none was' if not found.left_out else len(found.left_out)} left out."
    yield from (f"  left out: {sentence}" for sentence in found.left_out)
    if found.column.lower_is_better:
        yield f"A negative difference is in favor of {found.first.label}."
    if max(pairs) < 2:
        yield "One pair says nothing of chance: there is no interval and no test."
        return
    yield (
        f"Intervals are of the mean difference: Student's t, and the BCa bootstrap with {RESAMPLES:,} resamples of the "
        "pairs. Tests are two-sided: paired t and Wilcoxon's signed ranks."
    )
    if len(pairs) > 1:
        yield f"The last two columns are Holm's correction over the {len(pairs)} environments."
    for count in sorted({count for count in pairs if count > 1}):
        smallest = smallest_wilcoxon(count)
        if smallest * len(pairs) >= SIGNIFICANT:
            holm = f", and {min(1.0, smallest * len(pairs)):g} after Holm's correction" if len(pairs) > 1 else ""
            yield (
                f"With {count} pairs the smallest two-sided p-value of Wilcoxon's test is {smallest:g}{holm}: it "
                f"cannot reach {SIGNIFICANT:g}, however large the difference."
            )
    if min(pairs) < FEW_PAIRS:
        yield (
            f"With fewer than {FEW_PAIRS} pairs the bootstrap interval is too narrow; Student's is right if the "
            "differences are normal."
        )
    unequal = [each for each in found.pairs.values() if each.unequal < each.count]
    for each in unequal:
        yield f"{each.count - each.unequal} of {each.count} pairs do not differ; Wilcoxon's test leaves them out."
    if found.rate == "best":
        yield (
            "Each learner is at the hyper-parameters that are best on these orders; the tests do not account for that "
            "choice. A stage that reports on other orders or data avoids it."
        )


def ranks_text(found: LearnerRanks) -> str:
    """Average ranks, both tests, the critical difference and who is told apart."""
    result, frame = found.found, found.frame
    headings = ["learner", "k", "average rank"]
    lines = [
        [str(row["learner"]), "" if pd.isna(row["rank"]) else str(int(row["rank"])), f"{row['average_rank']:.3f}"]
        for row in frame.to_dict("records")
    ]
    labels = [row.label for row in found.rows]
    title = (
        f"{found.column.heading(found.measure)}: average ranks of {len(labels)} learners over {result.environments} "
        "environments (1 is the lowest)"
    )
    notes = [
        f"Friedman: chi-square {result.chi_square:.4g}, p = {_p(result.friedman)}; "
        f"Iman-Davenport: F = {result.f_statistic:.4g}, p = {_p(result.iman_davenport)}.",
        f"Nemenyi's critical difference at the level {found.level:g} is {result.critical_difference:.4g}: "
        + (
            "average ranks that differ by less are not told apart."
            if result.critical_difference < len(labels) - 1
            else "more than ranks can differ, so no learners are told apart."
        ),
        *(f"  not told apart: {', '.join(labels[place] for place in group)}" for group in result.groups),
    ]
    if result.environments <= FEW:
        notes.append(
            f"With {result.environments} environments the p-values are rough: both tests want more than {FEW}."
        )
    notes += [f"  left out: {sentence}" for sentence in found.left_out]
    return "\n".join([one_line(title), *_aligned([headings, *lines]), "", *map(one_line, notes)])


def per_round_text(found: Sequence[PerRound], first: str, second: str) -> str:
    """A line for every game that was played again, and what its standard error is of."""
    headings = ["environment", "order", "rounds", "mean", "HAC s.e.", "s.e. if independent", "lag", "p"]
    lines = [
        [
            game.environment, str(game.order), f"{game.rounds:,}", f"{game.mean:.4g}", f"{game.hac_error:.3g}",
            f"{game.naive_error:.3g}", str(game.lag), _p(game.p_value),
        ]
        for game in found
    ]  # fmt: skip
    title = f"loss of a round: {first} - {second}, by playing both stored runs of every shared game again"
    notes = [
        "HAC s.e.: Newey and West's standard error of the mean difference, with Bartlett's weights up to the lag.",
        "p: two-sided, of a mean difference of 0 within that order (Diebold and Mariano), not corrected for several "
        "orders. It takes the differences for stationary, which they are not while the learners still converge.",
    ]
    return "\n".join([one_line(title), *_aligned([headings, *lines]), "", *notes])


def _number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.4g}"


def _interval(low: float, high: float) -> str:
    return "-" if pd.isna(low) else f"[{low:.4g}, {high:.4g}]"


def _p(value: float) -> str:
    return "-" if pd.isna(value) else "<1e-4" if value < 1e-4 else f"{value:.3g}"


def _aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  " + "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in cells]
