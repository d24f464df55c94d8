"""The columns of both tables: of learners (terminal, CSV, Markdown, ranking figure) and of runs (the page).

A column is added here and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from oco.regret.interval import radius_text
from oco.regret.verdict import Verdict
from regret_experiments.tables.column import Column, number, short, whole
from regret_experiments.tables.group import KEYS, Group

Row = Mapping[Any, Any]
_MARKS = {Verdict.BROKEN: " BROKEN", Verdict.VIOLATED: " ?", Verdict.UNDECIDED: " ~"}
_HOLDS = {Verdict.HOLDS: True, Verdict.BROKEN: False}
ASKED_FOR = {
    "held_out_average": "held-out loss, averaged point",
    "held_out_last": "held-out loss, last point",
    "interval_regret_upper": "largest regret on an interval",
}
"""Numbers of runs that are recorded on request only, with their titles in tables."""
_STATES = ("finished", "failed", "missing", "damaged")


def interval_text(row: Row, rate: str) -> str:
    """Mean, range over the orders, and the radius within which that is certified where it is not everywhere."""
    name = f"regret_{rate}"
    if pd.isna(row[name]):
        return "-"
    radius = radius_text(row[f"{name}_within"])
    return f"{number(row[name])} [{number(row[f'{name}_low'])}, {number(row[f'{name}_high'])}]{radius}"


def _floats(row: Row) -> str:
    """The most that a run held, with its formula; if no run is finished, the reason."""
    if not pd.isna(row["state_floats"]):
        formula = f" = {row['memory_formula']}" if isinstance(row["memory_formula"], str) else ""
        return whole(row["state_floats"]) + formula
    if row["failed"] == row["runs"]:
        return f"all {row['runs']} runs failed"
    if row["failed"] or row["damaged"]:
        return ", ".join(f"{row[state]} {state}" for state in _STATES[1:] if row[state])
    return "not run yet"


def _bound(row: Row) -> str:
    return "-" if pd.isna(row["bound"]) else number(row["bound"]) + _MARKS.get(row["verdict"], "")


def _orders(row: Row) -> str:
    """The number of orders in the means; ``!`` marks a row with unfinished runs."""
    text = str(row["orders"])
    if row["orders"] != row["orders_planned"]:
        text += f" of {row['orders_planned']}"
    if row["orders_theorem"] != row["orders_theorem_planned"]:
        text += f", theorem {row['orders_theorem']} of {row['orders_theorem_planned']}"
    return text if row["complete"] else f"{text} !"


def _seconds(row: Row) -> str:
    failed = f"  ({row['failed']} of {row['runs']} runs failed)" if row["failed"] else ""
    return f"{row['seconds']:.3f}{failed}"


def _rank(row: Row) -> str:
    return whole(row["rank"])


def _short_regret(row: Row) -> str:
    if pd.isna(row["regret_best"]):
        return f"{row['failed']} of {row['runs']} runs failed" if row["failed"] else "not known"
    edge = "*" if row.get("at_edge") is True else ""
    return f"{row['regret_best']:.4g}{edge}  [{row['regret_best_low']:.3g}, {row['regret_best_high']:.3g}]"


def _short_bound(row: Row) -> str:
    value = row["bound"]
    if pd.isna(value):
        return ""
    text = f"{value:,.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:.3g}"
    return f"({text})" if row.get("verdict") == Verdict.VIOLATED else text


def _expected(row: Row) -> str:
    """Mean and half its 95 % interval, with the number of runs in it."""
    if pd.isna(row["expected_regret"]):
        return "-"
    reach = row["expected_regret_ci_high"] - row["expected_regret"]
    band = "" if pd.isna(reach) else f" \N{PLUS-MINUS SIGN} {reach:.2g}"
    return f"{number(row['expected_regret'])}{band} ({whole(row['draws'])} runs)"


def _key(name: str) -> Any:
    return lambda group: group.key[name]


def _errors(rate: str, what: str) -> list[Column]:
    """Columns of CSV with the standard error of a mean over the orders, and the ends of Student's 95 % interval."""
    return [
        Column(f"{what}_{rate}_se", value=lambda group: group.error(rate, what).standard_error, read=False),
        Column(f"{what}_{rate}_ci_low", value=lambda group: group.error(rate, what).low, read=False),
        Column(f"{what}_{rate}_ci_high", value=lambda group: group.error(rate, what).high, read=False),
    ]


def _measured(rate: str, what: str, *parts: str) -> list[Column]:
    """Columns of CSV that go with a regret or a loss."""

    def column(part: str) -> Column:
        return Column(f"{what}_{rate}_{part}", value=lambda group: getattr(group, what)(rate, part))

    return list(map(column, parts))


def _mean(rate: str, what: str) -> dict[str, Any]:
    """What the columns of a mean regret and of a mean loss share."""
    return {
        "name": f"{what}_{rate}",
        "value": lambda group: getattr(group, what)(rate),
        "orders": lambda group: group.by_order(rate, what),
        "lower_is_better": True,
    }


def _regret(rate: str, title: str, **figure: Any) -> list[Column]:
    shown = Column(
        **_mean(rate, "regret"), title=title, align="left", format=lambda row: interval_text(row, rate), **figure
    )
    return [
        Column(**_mean(rate, "loss")), *_measured(rate, "loss", "low", "high"), *_errors(rate, "loss"),
        shown, *_measured(rate, "regret", "low", "high", "within"), *_errors(rate, "regret"),
    ]  # fmt: skip


def mean_of_runs(name: str, rate: str = "best", *, title: str = "", lower_is_better: bool = False) -> Column:
    """The mean over the orders of a number of the runs, at the best point or the theorem's."""
    return Column(
        name, title, value=lambda group: group.mean_over_orders(rate, name),
        orders=lambda group: group.by_order(rate, name), lower_is_better=lower_is_better,
    )  # fmt: skip


def _count(state: str) -> Column:
    return Column(state, value=lambda group: group.count(state))


COLUMNS: tuple[Column, ...] = (
    *(Column(name, align="left", value=_key(name)) for name in KEYS[:2]),
    Column(
        "learner", "learner", align="left", value=_key("learner"), format=lambda row: str(row["learner"]),
        compact=lambda row: str(row.get("label", row["learner"])), width=17.5,
    ),
    Column("kind", align="left", value=_key("kind")),
    Column("rank", "k", value=_key("rank"), format=_rank, compact=_rank, width=2.5),
    Column("dimension", value=lambda group: group.largest("dimension")),
    Column(
        "state_floats", "state floats", value=lambda group: group.largest("peak_state_floats"),
        format=_floats, compact=lambda row: whole(row["state_floats"]), width=8.5,
    ),
    Column("feedback", align="left", value=lambda group: group.feedback),
    Column("memory_formula", align="left", value=lambda group: group.memory_formula),
    *_regret("best", "{measure}, best rate", compact=_short_regret, width=14.0),
    Column(
        "best_point", "rate", align="left", value=lambda group: group.best_point,
        format=lambda row: f"{row['best_point']}{'*' if row['at_edge'] else ''}",
    ),
    Column("at_edge", value=lambda group: group.at_edge),
    *_regret("theorem", "{measure}, theorem"),
    Column(
        "bound", "bound", value=lambda group: group.mean("bound"), format=_bound, compact=_short_bound, width=5.5
    ),
    Column("verdict", align="left", value=lambda group: str(group.verdict)),
    Column("bound_holds", value=lambda group: _HOLDS.get(group.verdict)),
    Column(
        "expected_regret", "expected regret", value=lambda group: group.expected_regret.value, format=_expected
    ),
    Column("expected_regret_se", value=lambda group: group.expected_regret.standard_error),
    Column("expected_regret_ci_low", value=lambda group: group.expected_regret.low),
    Column("expected_regret_ci_high", value=lambda group: group.expected_regret.high),
    Column("draws", value=lambda group: group.draws),
    Column(
        "tail_mass", "tail mass", value=lambda group: group.mean("tail_mass"),
        format=lambda row: number(row["tail_mass"]),
    ),
    Column(
        "escaped_mass", "escaped", value=lambda group: group.mean("escaped_mass"),
        format=lambda row: number(row["escaped_mass"]),
    ),
    *(mean_of_runs(name, title=title, lower_is_better=True) for name, title in ASKED_FOR.items()),
    Column("orders", "orders", value=lambda group: group.orders("best"), format=_orders),
    Column("orders_planned", value=lambda group: group.orders_planned("best")),
    Column("orders_theorem", value=lambda group: group.orders("theorem")),
    Column("orders_theorem_planned", value=lambda group: group.orders_planned("theorem")),
    Column("runs", value=lambda group: group.runs),
    *map(_count, _STATES),
    Column("complete", value=lambda group: group.runs_finished == group.runs),
    Column(
        "seconds", "seconds", value=lambda group: group.mean_of_finished("seconds"), format=_seconds
    ),
)  # fmt: skip
"""Columns of `regret_experiments.rank_table`, whose rows are a `Group` each; those with a format are for readers."""

_ORDERS = tuple(column.name for column in COLUMNS if column.name.startswith("orders"))
ALWAYS = (*KEYS, *_ORDERS, "runs", *_STATES, "complete")
"""Columns that have a value where no run is finished."""


def summary(group: Group, columns: Iterable[Column]) -> dict[str, Any]:
    """The row of a group, by column."""
    some = group.runs_finished > 0
    return {column.name: column.value(group) if some or column.name in ALWAYS else None for column in columns}


def _point_key(row: Row) -> Any:
    try:
        value = float(row["point"])
    except (TypeError, ValueError):
        return row["point"]
    return value if math.isfinite(value) else row["point"]


def _number_of(name: str, title: str, source: str, unit: str = "") -> Column:
    return Column(name, title, unit, value=lambda row: row.get(source), format=lambda row: short(row.get(source)))


def _text_of(name: str, title: str, source: str, alarm: tuple[str, ...] = ()) -> Column:
    def text(row: Row) -> str:
        return "" if pd.isna(row.get(source)) else str(row[source])

    return Column(name, title, align="left", value=text, format=text, alarm=alarm)


RUN_COLUMNS: tuple[Column, ...] = (
    _text_of("learner", "Learner", "label"),
    Column("rank", "k", value=lambda row: row["rank"], format=_rank),
    _text_of("environment", "Environment", "game"),
    _text_of("feedback", "Feedback", "feedback"),
    Column("point", "Learning rate", value=_point_key, format=lambda row: str(row["point"])),
    Column("order", "Order", value=lambda row: row["order"], format=lambda row: str(row["order"])),
    _text_of("status", "Status", "status", alarm=("failed", "damaged")),
    _number_of("regret", "{measure}", "measured"),
    _number_of("bound", "Bound", "bound"),
    _text_of("verdict", "Bound is", "verdict", alarm=(str(Verdict.BROKEN),)),
    Column(
        "gap", "Certificate width", value=lambda row: row.get("comparator_gap"),
        format=lambda row: short(row.get("comparator_gap")) + (row["within"] or ""),
    ),
    Column(
        "floats", "State floats", value=lambda row: row.get("peak_state_floats"),
        format=lambda row: whole(row.get("peak_state_floats")) or "–",
    ),
    _number_of("microseconds", "µs a round", "microseconds"),
)  # fmt: skip
"""Columns of the page's table, whose rows are a run each; they are sorted by their values."""
