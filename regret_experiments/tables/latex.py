"""A table as LaTeX for a paper: booktabs, numbers aligned by siunitx, the best in bold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import pandas as pd

from oco.errors import ConfigError
from oco.learners import LEARNERS
from oco.regret.verdict import Verdict
from regret_experiments.printable import one_line
from regret_experiments.statistics import mean_with_error
from regret_experiments.tables.column import Column
from regret_experiments.tables.rank_table import measured
from regret_experiments.tables.siunitx import Number, specification
from regret_experiments.tables.text import REASON, cells_of
from regret_experiments.tables.ties import Ties
from regret_experiments.tables.view import View

PAPER = ("learner", "rank", "state_floats", "regret_best", "regret_theorem", "bound")
"""Columns of a table for a paper where none are chosen."""
Spread = Literal["none", "se", "ci"]
"""What stands behind a mean: nothing, its standard error, or half its 95 % interval."""
_SPREADS = {"se": "standard error of the mean", "ci": "half width of Student's 95 % interval of the mean"}
_MARKS = {Verdict.BROKEN: "!", Verdict.VIOLATED: "?", Verdict.UNDECIDED: r"\sim"}
_LEGENDS = {
    "*": "* the best rate is at the edge of its grid",
    r"\dagger": "dagger: runs are missing or failed",
    "!": "! the bound is broken",
    "?": "? an assumption of the bound is violated",
    r"\sim": "~ the bound is inside the certified interval",
}
_SPECIAL = {letter: f"\\{letter}" for letter in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}",
}  # fmt: skip


@dataclass(frozen=True)
class _Cell:
    """A number with a mark behind it, or a text."""

    text: str = ""
    number: Number | None = None
    mark: str = ""
    bold: bool = False


def table_latex(view: View, ties: Ties, spread: Spread = "se", shortfalls: Sequence[str] = ()) -> str:
    r"""Lay out a view as a ``tabular``, to be read by ``\input``; packages booktabs and siunitx (version 3).

    Comments in front say what the numbers and marks mean, as a caption would. Every environment is a block. A mean over
    orders is written with its ``spread`` as siunitx does, ``55.0(13)`` for 55.0 +/- 1.3.

    Raises
    ------
    ConfigError
        If there are no rows.
    """
    if view.frame.empty:
        raise ConfigError("there are no runs to make a table of")
    _, frame = measured(view.frame)
    several = frame["stage"].nunique() > 1
    blocks: list[tuple[str, list[list[_Cell]]]] = []
    for (stage, environment), rows in frame.groupby(["stage", "environment"], sort=False):
        title = escaped(str(environment).replace("_", " ") + (f" ({stage})" if several else ""))
        blocks.append((title, [_row(view, ties, spread, index, row) for index, row in _records(rows)]))
    cells = [row for _, block in blocks for row in block]
    specifications = [_specification([row[i] for row in cells]) for i in range(len(view.columns))]
    headings = [
        _braced(_heading(column.heading(view.measure)), given)
        for column, given in zip(view.columns, specifications, strict=True)
    ]
    lines = [f"% {line}" for line in _comments(view, ties, spread, cells, shortfalls)]
    lines += [r"\begin{tabular}{", *(f"  {specification}" for specification in specifications), "}", r"\toprule"]
    lines += [_joined(headings)]
    for title, block in blocks:
        lines.append(r"\midrule")
        if len(blocks) > 1:
            lines.append(rf"\multicolumn{{{len(view.columns)}}}{{l}}{{\emph{{{title}}}}} \\")
        lines += [_joined(map(_written, row, specifications)) for row in block]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def escaped(text: str) -> str:
    r"""Text that LaTeX prints as it is, on one line.

    Examples
    --------
    >>> print(escaped("fd_adagrad 50%"))
    fd\_adagrad 50\%
    """
    return "".join(_SPECIAL.get(letter, letter) for letter in one_line(text))


def _records(rows: pd.DataFrame) -> Iterator[tuple[int, dict[Any, Any]]]:
    return zip(map(int, rows.index), rows.to_dict("records"), strict=True)


def _row(view: View, ties: Ties, spread: Spread, index: int, row: dict[Any, Any]) -> list[_Cell]:
    texts = cells_of(row, view.columns)
    cells = []
    for i, column in enumerate(view.columns):
        value = row[column.name]
        bold = index in ties.best.get(column.name, ())
        if isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value):
            error = _error(view, column, index, spread)
            cells.append(_Cell(number=Number.of(float(value), error), mark=_mark(column.name, row), bold=bold))
        elif column.name == "learner":
            mark = "" if row["complete"] else r"\dagger"
            cells.append(_Cell(escaped(_label(str(value), str(row["kind"]))), mark=mark))
        else:
            text = texts[i] if i < len(texts) and (not pd.isna(value) or column.name == REASON) else ""
            cells.append(_Cell(escaped(text) or "--"))
    return cells


def _error(view: View, column: Column, index: int, spread: Spread) -> float:
    if spread == "none" or column.orders is None:
        return math.nan
    mean = mean_with_error(view.by_order(column, index))
    return mean.standard_error if spread == "se" else (mean.high - mean.low) / 2.0


def _heading(text: str) -> str:
    """A heading that begins with a capital; one letter is a symbol."""
    return f"${text}$" if len(text) == 1 and text.isalpha() else escaped(text[:1].upper() + text[1:])


def _label(learner: str, kind: str) -> str:
    """A learner's name in papers, if its config gives it no other and it has one."""
    if learner != kind:
        return learner
    try:
        look = LEARNERS[kind].look
    except (KeyError, ConfigError):
        return learner
    return learner if look is None else look.label


def _mark(name: str, row: dict[Any, Any]) -> str:
    if name == "regret_best":
        return "*" if row["at_edge"] is True else ""
    return _MARKS.get(row["verdict"], "") if name == "bound" else ""


def _specification(cells: Sequence[_Cell]) -> str:
    """The type of a column: a siunitx one where a cell is a number."""
    numbers = [cell.number for cell in cells if cell.number is not None]
    if not numbers:
        return "l"
    bold = any(cell.bold for cell in cells)
    marks = max((cell.mark for cell in cells if cell.number is not None), key=len)
    return specification(numbers, bold, _superscript(marks))


def _written(cell: _Cell, given: str) -> str:
    mark = _superscript(cell.mark)
    if cell.number is None:
        return _braced(cell.text + mark, given)
    return (r"\bfseries " if cell.bold else "") + str(cell.number) + (f" {{{mark}}}" if mark else "")


def _superscript(mark: str) -> str:
    return f"$^{{{mark}}}$" if mark else ""


def _braced(text: str, given: str) -> str:
    """A text in a column of siunitx stands in braces."""
    return f"{{{text}}}" if given.startswith("S") else text


def _joined(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _comments(
    view: View, ties: Ties, spread: Spread, cells: Sequence[Sequence[_Cell]], shortfalls: Sequence[str]
) -> Iterator[str]:
    """What a caption would say, on lines of their own."""
    yield r"Needs \usepackage{booktabs} and \usepackage{siunitx}, version 3."
    numbers = [cell.number for row in cells for cell in row if cell.number is not None]
    if spread != "none" and any(number.uncertainty for number in numbers):
        yield f"A number in parentheses is the uncertainty of the last digits: the {_SPREADS[spread]}."
        yield r"To print it behind a plus-minus sign: \sisetup{separate-uncertainty}."
    yield from ties.sentences
    marks = dict.fromkeys(cell.mark for row in cells for cell in row if cell.mark)
    yield from (f"{_LEGENDS[mark]}." for mark in marks)
    if shortfalls:
        yield f"INCOMPLETE: {one_line(shortfalls[0])}"
