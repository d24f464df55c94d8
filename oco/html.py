"""Small tables and pictures as HTML for notebooks, without style sheets, scripts or references to other files."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

COLOR, SECOND_COLOR = "#2a8fd0", "#d08a2a"
"""Colors that can be told from a white page and from a dark one; text takes the notebook's own color."""
WIDTH = 320.0
"""Of pictures, in pixels."""


def table(title: str, rows: Iterable[tuple[str, str, str]]) -> str:
    """A table with a title.

    Parameters
    ----------
    title
        Any text.
    rows
        A label, a text and a picture each. Label and text are escaped here; the picture is HTML made by this module, or
        empty.

    Examples
    --------
    >>> "a &lt; b" in table("facts", [("order", "a < b", "")])
    True
    """
    cells = "".join(
        f'<tr><th style="text-align:left;padding:2px 12px 2px 0;vertical-align:top;font-weight:600">{escape(label)}'
        f'</th><td style="text-align:left;padding:2px 0">{escape(text)}{picture}</td></tr>'
        for label, text, picture in rows
    )
    return (
        '<div style="font-size:13px;line-height:1.4;color:inherit"><table style="border-collapse:collapse;'
        f'background:transparent;color:inherit"><caption style="text-align:left;font-weight:700;color:inherit;'
        f'padding-bottom:4px">{escape(title)}</caption><tbody>{cells}</tbody></table></div>'
    )


def small(text: str) -> str:
    """A line of small letters."""
    return f'<div style="font-size:11px;opacity:0.8">{escape(text)}</div>'


def points(x: Any, y: Any) -> str:
    """The points of an SVG line."""
    return " ".join(f"{across:.1f},{up:.1f}" for across, up in zip(x, y, strict=True))


def svg(height: float, about: str, parts: Iterable[str]) -> str:
    """A picture with ``about`` as the text that screen readers say."""
    return (
        f'<svg role="img" aria-label="{escape(about)}" width="{WIDTH:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH:.0f} {height:.0f}" style="display:block;max-width:100%">{"".join(parts)}</svg>'
    )
