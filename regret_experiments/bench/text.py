"""The table of the bench as text and Markdown, and the score sheet of one learner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from oco.errors import ConfigError
from regret_experiments.bench.scores import Scores

CLOSE, FAR = 1.1, 2.0
"""A learner is close to the best known with at most 1.1 times its regret, and far from it with more than twice."""


def ranking(scores: Scores) -> list[list[str]]:
    """Headings and a line for every learner, best first."""
    groups = list(scores.suite.groups)
    lines = [["learner", "mean rank", "wins", "played", *groups, "floats", "bound/regret", "bounds held", "seconds"]]
    for row in scores.learners.to_dict("records"):
        cells = [_ratio(row[group]) for group in groups]
        mine = scores.ranked[scores.ranked["learner"] == row["learner"]]
        for place, group in enumerate(groups):
            if (mine.loc[mine["group"] == group, "gap"] != "").any():
                cells[place] += "*"
        lines.append(
            [
                str(row["learner"]), f"{row['mean_rank']:.2f}", str(row["wins"]),
                f"{row['streams']}/{len(scores.streams)}", *cells, _count(row["floats"]), _ratio(row["worth"]),
                f"{row['held']}/{row['bounds']}" + (" BROKEN" if row["broken"] else ""), f"{row['seconds']:.0f}",
            ]
        )  # fmt: skip
    return lines


def by_stream(scores: Scores, names: Sequence[str]) -> list[list[str]]:
    """Headings and a line for every stream: the best known regret, whose it is, and the relative regret of learners."""
    lines = [["stream", "best known", "of", *names]]
    for stream in scores.suite.streams:
        rows = scores.frame[scores.frame["stream"] == stream.name].set_index("learner")
        if rows.empty or rows["regret"].isna().all():
            lines.append([stream.name, "absent" if rows.empty else "-", "", *("" for _ in names)])
            continue
        best: Any = rows["regret"].idxmin()
        cells = [
            _relative(rows.loc[name]) if name in rows.index else "gap" if name in scores.unplayed else "absent"
            for name in names
        ]
        lines.append([stream.name, f"{rows.loc[best, 'regret']:.4g}", str(best), *cells])
    return lines


def notes(scores: Scores) -> list[str]:
    """What the table's numbers are, and what is not in it."""
    suite = scores.suite
    absent = [stream.name for stream in suite.streams if stream.name not in scores.streams]
    found = [
        f"OCO-Bench {suite.version}: {len(scores.learners)} learners, {len(scores.streams)} streams, "
        f"{len(suite.orders)} orders each; tuned with at most {suite.tuning} points on another order.",
        "Columns of groups: certified regret over the least that is known of any learner, geometric mean over the "
        "streams that were played (* some were not). Mean rank: over all streams; the learners that cannot play one "
        "share the last places there. Bounds held: of those whose assumptions are true of the stream.",
    ]
    for name, reason in scores.unplayed.items():
        found.append(f"Not in the table: {name} plays no stream ({_shortened(reason)}).")
    try:
        test = scores.ranks().found
        found.append(
            f"Friedman p = {test.friedman:.2g}; mean ranks closer than {test.critical_difference:.2f} are not told "
            "apart (Nemenyi, 5 %)."
        )
    except ConfigError as error:
        found.append(f"No test: {error}.")
    if absent:
        found.append(f"Not in the ranks, because the data was not there for every entry: {', '.join(absent)}.")
    return found


def sheet(scores: Scores, name: str) -> str:
    """The score sheet of one learner, in Markdown: where it wins, where it fails, what its bound was worth."""
    if name in scores.unplayed:
        return f"# {name}\n\nIt plays no stream of the suite: {scores.unplayed[name]}.\n"
    entry, table = scores.entries[name], scores.learners
    row = table[table["learner"] == name].iloc[0]
    place = int((table["mean_rank"] < row["mean_rank"]).sum()) + 1
    mine = scores.frame[scores.frame["learner"] == name]
    facts = entry["learner"]
    parts = [
        f"# {name}",
        f"Place {place} of {len(table)} by mean rank ({row['mean_rank']:.2f}) over {len(scores.streams)} streams; "
        f"{row['streams']} played, {row['wins']} won. Shown: {facts['feedback']}. "
        f"State: {_count(row['floats'])} numbers (geometric mean over streams). "
        f"{row['seconds']:.0f} s for all games on one core."
        + (f" Source: {facts['source']}." if facts["source"] else ""),
        *_wins(mine),
        *_fails(mine),
        *_worth(mine, facts["guarantee"]),
        "## Every stream",
        markdown(_sheet_lines(mine)),
    ]
    fronts = [
        title for group, title in scores.suite.groups.items()
        if bool((plane := scores.plane(group)).loc[plane["learner"] == name, "front"].any())
    ]  # fmt: skip
    if fronts:
        parts.insert(2, f"On the front of regret and memory in: {', '.join(fronts)}.")
    return "\n\n".join(parts) + "\n"


def _wins(mine: pd.DataFrame) -> list[str]:
    close = mine[mine["relative"] <= CLOSE].sort_values("relative")
    names = [f"{row.stream} ({_ratio(row.relative)})" for row in close.itertuples()]
    text = f"At most {CLOSE:g} times the best known regret on {_streams(names)}: {', '.join(names)}." if names else (
        f"On no stream is its regret within {CLOSE:g} times the best known."
    )  # fmt: skip
    return ["## Where it wins", text]


def _fails(mine: pd.DataFrame) -> list[str]:
    far = mine[mine["relative"] > FAR].sort_values("relative", ascending=False)
    names = [f"{row.stream} ({_ratio(row.relative)})" for row in far.itertuples()]
    text = f"More than {FAR:g} times the best known regret on {_streams(names)}: {', '.join(names)}." if names else (
        f"On no stream that it played is its regret more than {FAR:g} times the best known."
    )  # fmt: skip
    gaps = mine[mine["gap"] != ""]
    shortened = gaps["gap"].map(_shortened)
    reasons = gaps.groupby(shortened, sort=False)["stream"].agg(", ".join)
    unplayed = "\n".join(f"- not played: {streams}: {reason}" for reason, streams in reasons.items())
    return ["## Where it fails", text, *([unplayed] if unplayed else [])]


def _shortened(reason: str) -> str:
    """The part of a reason that is the same on all streams."""
    for before in (", got ", ", and the environment gives "):
        reason = reason.partition(before)[0]
    return reason


def _worth(mine: pd.DataFrame, guarantee: str) -> list[str]:
    stated = mine[mine["worth"].notna()].sort_values("worth")
    if stated.empty:
        return ["## What its bound was worth", f"No bound was stated (guarantee: {guarantee})."]
    counts = mine.loc[mine["gap"] == "", "verdict"].value_counts()
    tight, loose = stated.iloc[0], stated.iloc[-1]
    priced = bool(mine["price"].notna().any())
    where = "At the theorem's learning rate" if priced else "At the tuned point"
    price = f" That rate costs {_ratio(mine['price'].median())} times the regret of the tuned one in the median."
    told = ", ".join(f"{verdict} on {count}" for verdict, count in counts.items())
    return [
        "## What its bound was worth",
        f"{guarantee}. {where} the bound is {_ratio(stated['worth'].median())} times the regret in the median, "
        f"from {_ratio(tight['worth'])} ({tight['stream']}) to {_ratio(loose['worth'])} ({loose['stream']}). "
        f"Verdicts: {told}." + (price if priced else ""),
    ]


def _sheet_lines(mine: pd.DataFrame) -> list[list[str]]:
    lines = [["stream", "rank", "regret", "range", "relative", "tuned point", "bound", "verdict", "floats"]]
    for row in mine.to_dict("records"):
        if row["gap"]:
            lines.append([row["stream"], f"{row['place']:g}", "-", "", "", "", "", "not played", ""])
            continue
        lines.append(
            [
                row["stream"], f"{row['place']:g}", f"{row['regret']:.4g}", f"{row['low']:.4g} to {row['high']:.4g}",
                _ratio(row["relative"]), row["point"], "-" if pd.isna(row["bound"]) else f"{row['bound']:.4g}",
                row["verdict"], f"{row['floats']:,.0f}",
            ]
        )  # fmt: skip
    return lines


def aligned(lines: Iterable[Sequence[str]]) -> str:
    """Columns side by side, the first to the left."""
    rows = [list(line) for line in lines]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows
    )


def markdown(lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first line has the headings."""
    first, *rest = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    rule = [":--", *("--:" for _ in first[1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in (first, rule, *rest))


def _streams(names: Sequence[str]) -> str:
    return f"{len(names)} stream{'' if len(names) == 1 else 's'}"


def _count(value: Any) -> str:
    return "-" if pd.isna(value) else f"{float(value):,.0f}"


def _ratio(value: Any) -> str:
    return "-" if pd.isna(value) else f"{float(value):.3g}"


def _relative(row: Any) -> str:
    if row["gap"]:
        return "gap"
    return f"({row['regret']:.3g})" if pd.isna(row["relative"]) else _ratio(row["relative"])
