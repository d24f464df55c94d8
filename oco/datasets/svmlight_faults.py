"""Find the first format error in svmlight text, after a fast parser has rejected it."""

from __future__ import annotations

import re

_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INTEGER = re.compile(rb"[+-]?\d+")
_TOKEN = re.compile(rb"[^ \t\r\f\v]+")
_MOST_COLUMNS = 2**31 - 1

BLANK_LINE = "a blank line; expected '<label> <index>:<value> ...'"


def find_fault(block: bytes, first_line: int, n_features: int | None, *, zero_based: bool = False) -> str | None:
    """Return the first fault as "line 3, column 7: ...", or None if every line is well formed.

    Parameters
    ----------
    block : bytes
        Whole lines.
    first_line : int
        Number, from 1, of the block's first line in its file.
    n_features : int or None
        Number of columns, if known.
    zero_based : bool, default=False
        Whether indices count from 0 rather than from 1.
    """
    for number, line in enumerate(block.split(b"\n"), start=first_line):
        fault = _line_fault(line, n_features, 0 if zero_based else 1)
        if fault is not None:
            column, message = fault
            return f"line {number}, column {column}: {message}"
    return None


def _line_fault(line: bytes, n_features: int | None, base: int) -> tuple[int, str] | None:
    content, comment, _ = line.partition(b"#")
    tokens = [(match.start() + 1, match.group()) for match in _TOKEN.finditer(content)]
    if not tokens:
        return None if comment else (1, BLANK_LINE)
    column, label = tokens[0]
    if fault := _number_fault(label):
        return column, f"expected a label that is a finite number, {fault}"
    previous, largest = base - 1, (n_features or _MOST_COLUMNS) - 1 + base
    pairs = tokens[2:] if len(tokens) > 1 and tokens[1][1].startswith(b"qid:") else tokens[1:]
    for column, token in pairs:
        left, colon, right = token.partition(b":")
        if not colon:
            return column, f"expected <index>:<value>, got {_show(token)}"
        if not _INTEGER.fullmatch(left):
            return column, f"expected an integer index before ':', got {_show(left)}"
        index = int(left[:20])  # 20 digits are already too large
        if index < base:
            hint = "; pass zero_based=True if they count from 0" if index == 0 else ""
            return column, f"expected an index of at least {base} (indices count from {base}), got {index}{hint}"
        if index > largest:
            limit = f"n_features={n_features}" if n_features and base else f"{largest}"
            return column, f"expected an index of at most {limit}, got {index}"
        if index <= previous:
            return column, f"expected indices in ascending order without repeats, got {index} after {previous}"
        if fault := _number_fault(right):
            return column + len(left) + 1, f"expected a finite number after ':', {fault}"
        previous = index
    return None


def _number_fault(token: bytes) -> str | None:
    if _NUMBER.fullmatch(token) and abs(float(token)) != float("inf"):
        return None
    return f"got {_show(token)}"


def _show(token: bytes) -> str:
    text = token.decode("utf-8", errors="backslashreplace")
    return repr(text if len(text) <= 40 else text[:40] + "...")
