"""A strict reader of LaTeX tables: what LaTeX itself would stumble over, and what siunitx could not align.

It knows few commands, so a new one has to be added here; a TeX, where one is installed, then has the last word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

RULES = {r"\toprule", r"\midrule", r"\bottomrule"}
COMMANDS = RULES | {
    r"\begin", r"\end", r"\multicolumn", r"\emph", r"\bfseries", r"\dagger", r"\sim", r"\textbackslash",
    r"\textasciitilde", r"\textasciicircum", r"\textless", r"\textgreater", r"\textbar",
    *(f"\\{letter}" for letter in "&%$#_{}"), "\\\\",
}  # fmt: skip
_NUMBER = (
    r"(?P<sign>-?)(?P<whole>\d+)(?:\.(?P<decimals>\d+))?(?:\((?P<uncertainty>\d+)\))?(?:e(?P<below>-?)(?P<power>\d+))?"
)
_CELL = re.compile(rf"(?:\\bfseries )?{_NUMBER}(?: \{{(?P<mark>[^{{}}]*(?:\{{[^{{}}]*\}}[^{{}}]*)*)\}})?")
_FORMAT = re.compile(
    r"table-format=(?P<sign>-?)(?P<whole>\d+)\.(?P<decimals>\d+)(?:\((?P<uncertainty>\d+)\))?(?:e(?P<below>-?)(?P<power>\d+))?"
)


class MalformedTable(AssertionError):
    """The sentence says what is wrong."""


@dataclass(frozen=True)
class ReadTable:
    """A table as it was read: the column types, and the cells of its rows, blocks' titles included."""

    columns: list[str]
    rows: list[list[str]]


def read_table(text: str) -> ReadTable:
    """Read a ``tabular``; raise `MalformedTable` at the first thing that LaTeX or siunitx could not read."""
    code = "\n".join(re.sub(r"(?<!\\)%.*", "", line).rstrip() for line in text.splitlines()).strip()
    for command in re.findall(r"\\(?:[A-Za-z]+|.)", code, re.DOTALL):
        _require(command in COMMANDS, f"unknown command {command}")
    _check_letters(code)
    begun = re.match(r"\\begin\{tabular\}\{", code)
    _require(begun is not None and code.endswith("\\end{tabular}"), "not one tabular")
    assert begun is not None
    specification, body = _group(code, begun.end() - 1)
    columns = _columns(specification)
    rows = []
    for line in body.removesuffix("\\end{tabular}").strip().splitlines():
        if line in RULES:
            continue
        _require(line.endswith(r" \\"), f"a row without its end: {line}")
        cells = [cell.strip() for cell in re.split(r"(?<!\\)&", line.removesuffix(r" \\"))]
        wide = re.fullmatch(r"\\multicolumn\{(\d+)\}\{[lcr]\}\{.*\}", cells[0])
        width = int(wide.group(1)) if wide else len(cells)
        _require(width == len(columns), f"{width} cells in {len(columns)} columns: {line}")
        if not wide:
            for cell, column in zip(cells, columns, strict=True):
                _check_cell(cell, column)
        rows.append(cells)
    _require(bool(rows), "no rows")
    return ReadTable(columns, rows)


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise MalformedTable(sentence)


def _check_letters(code: str) -> None:
    """Braces and dollars come in pairs; no special letter stands outside math or without its backslash."""
    depth, math = 0, False
    bare = re.sub(r"\\[A-Za-z]+|\\.", "", code, flags=re.DOTALL)
    for letter in bare:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        _require(depth >= 0, "a brace that nothing opened")
        math ^= letter == "$"
        _require(letter not in "#~" and (math or letter not in "^_"), f"a bare {letter}")
        _require(letter == "\n" or letter.isprintable(), f"a control character {letter!r}")
    _require(depth == 0, "a brace that nothing closed")
    _require(not math, "an odd number of dollars")


def _group(code: str, start: int) -> tuple[str, str]:
    """The content of the braces that open at ``start``, and what follows."""
    depth = 0
    for place in range(start, len(code)):
        depth += {"{": 1, "}": -1}.get(code[place], 0)
        if depth == 0:
            return code[start + 1 : place], code[place + 1 :]
    raise MalformedTable("a brace that nothing closed")


def _columns(specification: str) -> list[str]:
    found = re.findall(r"S\[[^\]]*\]|[lcr]", specification)
    _require("".join(found) == re.sub(r"\n\s*", "", specification), f"unknown column types in {specification!r}")
    return found


def _check_cell(cell: str, column: str) -> None:
    """In a column of siunitx, a text stands in braces and a number has room in the format."""
    if not column.startswith("S") or re.fullmatch(r"\{.*\}", cell):
        _require(cell != "", "an empty cell")
        return
    number, room = _CELL.fullmatch(cell), _FORMAT.search(column)
    _require(number is not None, f"neither a number nor a text in braces: {cell}")
    _require(room is not None, f"no table-format in {column}")
    assert number is not None
    assert room is not None
    for part in ("whole", "decimals", "uncertainty", "power"):
        needed = len(number[part] or "")
        _require(needed <= int(room[part] or 0), f"{cell} has no room in {column}: {part}")
    for part in ("sign", "below"):
        _require(not number[part] or bool(room[part]), f"{cell} has no room in {column}: {part}")
    _require(r"\bfseries" not in cell or "text-series-to-math" in column, f"{column} prints no bold digits")
    mark = number["mark"] or ""
    _require(not mark or f"table-space-text-post={{{mark}}}" in column, f"no room for the mark {mark} in {column}")
