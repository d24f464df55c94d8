"""What a column of a table is: a name, a title, a value, and how the value reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

Align = Literal["left", "right"]


def _nothing(_: Any) -> Any:
    """A column without a value of its own."""
    return None


@dataclass(frozen=True)
class Column:
    """One column of a table, as text, CSV, Markdown, figure and page show it.

    Attributes
    ----------
    name
        Of the column in the frame and in CSV.
    title
        Its heading, where a person reads it; ``{measure}`` in it is what learners are compared by.
    unit
        Of the value; put behind the title.
    align
        ``"left"`` for text, ``"right"`` for numbers.
    value
        Takes what a row is about and returns the value in the frame.
    format
        Takes a row of the frame and returns the text of its cell; None for a column that is in CSV only.
    compact, width
        The text of its cell in the ranking figure, where there is little room, and how much of it the column takes, in
        characters; None where it is not shown there.
    alarm
        Texts that are bad news; the page shows them in red.
    orders
        Takes what a row is about and returns the values by order whose mean the column shows; None for another column.
    lower_is_better
        Whether the lowest mean of an environment is the best, and set in bold.
    read
        Whether the text of any cell may show the value; errors of means are in CSV only.
    """

    name: str
    title: str = ""
    unit: str = ""
    align: Align = "right"
    value: Callable[[Any], Any] = _nothing
    format: Callable[[Mapping[Any, Any]], str] | None = None
    compact: Callable[[Mapping[Any, Any]], str] | None = None
    width: float = 0.0
    alarm: tuple[str, ...] = ()
    orders: Callable[[Any], pd.Series[float]] | None = None
    lower_is_better: bool = False
    read: bool = True

    def heading(self, measure: str) -> str:
        """Title and unit; the name where a column has no title."""
        title = self.title.format(measure=measure) or self.name.replace("_", " ")
        return f"{title} ({self.unit})" if self.unit else title

    def cell(self, row: Mapping[Any, Any]) -> str:
        """The text of a cell, of columns in CSV only too."""
        if self.format is not None:
            return self.format(row)
        value = row[self.name]
        if pd.isna(value):
            return "-"
        if isinstance(value, (str, bool)):
            return str(value)
        return whole(value) if float(value).is_integer() else number(value)


def number(value: Any) -> str:
    """Four significant digits; a dash where there is no number."""
    return "-" if pd.isna(value) else f"{float(value):.4g}"


def whole(value: Any) -> str:
    """An integer; nothing where there is none."""
    return "" if pd.isna(value) else f"{int(value):,}"


def short(value: Any) -> str:
    """Four significant digits as a person would write them, thousands apart; a dash for what is not known.

    Examples
    --------
    >>> short(12345.6), short(0.25), short(3.2e9), short(None)
    ('12,350', '0.25', '3.20e9', '\N{EN DASH}')
    """
    if pd.isna(value):
        return "\N{EN DASH}"
    value = float(value)
    if value != 0.0 and not 1e-4 <= abs(value) < 1e6:
        mantissa, _, exponent = f"{value:.2e}".partition("e")
        return f"{mantissa}e{int(exponent)}" if exponent else mantissa
    return f"{float(f'{value:.4g}'):,.12g}"
