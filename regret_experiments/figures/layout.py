"""Panels of a figure side by side and below each other, with one legend for all of them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from regret_experiments.figures.common import Styles
from regret_experiments.figures.style import panel_grid

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

BELOW = 0.75
"""Height of a lower Axes, as a share of that of the one above it."""
LEAST = 14.0
"""Height of an Axes with its numbers and titles, at least, in letters."""


class Layout:
    """The figure and the Axes of ``count`` panels.

    Parameters
    ----------
    count
        Of panels.
    size
        ``"one-column"``, ``"two-column"`` or ``"slide"``.
    aspect
        Height of an Axes, as a share of its width.
    columns
        Panels side by side; by default as many as direct labels have room for.
    height
        Of the figure, in inches; by default what ``aspect`` asks for.
    below
        Whether each panel has a second Axes under the first.

    Attributes
    ----------
    upper, lower
        The Axes of each panel; None in ``lower`` where there is no second one.
    """

    def __init__(
        self, count: int, size: str, aspect: float, columns: int | None = None, height: float | None = None,
        *, below: bool = False,
    ) -> None:  # fmt: skip
        from matplotlib import rcParams
        from matplotlib.figure import Figure

        whole = aspect * (1.0 + BELOW) if below else aspect
        (width, high), rows, self.columns = panel_grid(count, size, whole, columns)
        least = LEAST * rcParams["font.size"] * (1.0 + BELOW if below else 1.0) / 72.0
        figsize = width, height or max(high, rows * least)
        self._free = height is None
        self.figure = Figure(figsize=figsize, layout="constrained")
        parts, ratios = (2, [1.0, BELOW]) if below else (1, [1.0])
        grid = self.figure.subplots(parts * rows, self.columns, squeeze=False, height_ratios=ratios * rows)
        upper, lower = grid[::parts].ravel(), grid[1::parts].ravel() if below else [None] * grid.size
        self.upper: list[Axes] = list(upper[:count])
        self.lower: list[Axes | None] = list(lower[:count])
        for axes in [*upper[count:], *(axes for axes in lower[count:] if axes is not None)]:
            axes.set_axis_off()

    def write(self, titles: Sequence[str], sentences: Sequence[str] = (), pad: float = 6.0) -> None:
        """Write a title above each panel, and between the two a sentence on what it shows."""
        from matplotlib import rcParams

        width, font = 72.0 * self.figure.get_figwidth() / self.columns, rcParams["font.size"]
        points = 0.9 * font
        room = max(16, int((width - 3.0 * font) / (0.56 * points)))
        lines = [_balanced(sentence, room) for sentence in sentences] or [[]] * len(titles)
        above = 1.25 * points * max(map(len, lines))
        self.grow(above * len(self.upper) / self.columns)
        inner = (width - 3.0 * font) / 0.7  # a bold letter is 0.7 high, and numbers stand left of the Axes
        if max(map(len, titles)) * 0.9 * font > inner:
            titles = [title.replace("  (", "\n(") for title in titles]
        longest = max(len(line) for title in titles for line in title.split("\n"))
        large = min(1.1 * font, inner / max(longest, 1))
        look = {"parse_math": False, "weight": "bold" if above else "normal", "fontsize": large}
        for axes, title, written in zip(self.upper, titles, lines, strict=True):
            axes.set_title(title, pad=pad + above, **look)
            if written:
                axes.annotate(
                    "\n".join(written), (0.5, 1.0), (0.0, 0.7 * pad), xycoords="axes fraction", va="bottom",
                    textcoords="offset points", ha="center", fontsize=points, linespacing=1.15, parse_math=False,
                    in_layout=False, gid="sentence",
                )  # fmt: skip

    def legend(self, styles: Styles, more: Sequence[tuple[Artist, str]] = ()) -> None:
        """Put one legend of all learners under the panels, with further entries."""
        from matplotlib import rcParams
        from matplotlib.font_manager import FontProperties
        from matplotlib.lines import Line2D

        entries: list[tuple[Any, str]] = [
            (Line2D([], [], color=style.color, marker=style.marker, linewidth=1.2), style.label)
            for style in styles.values()
        ]
        entries += list(more)
        points = FontProperties(size=rcParams["legend.fontsize"]).get_size_in_points()
        handles, names = zip(*entries, strict=True)
        columns = _columns(names, 72.0 * self.figure.get_figwidth() / points)
        self.grow(1.5 * points * (1 + -(-len(names) // columns)))
        self.figure.legend(
            handles, names, loc="outside lower center", ncols=columns, handlelength=1.8, columnspacing=1.2
        )

    def grow(self, points: float) -> None:
        """Make the figure higher, unless its height was asked for."""
        if self._free:
            self.figure.set_figheight(self.figure.get_figheight() + points / 72.0)

    def tidy(self) -> None:
        """Take away the titles of vertical axes that the panel to the left has too, and make room for the others."""
        from matplotlib import rcParams

        font, shown = rcParams["font.size"], [axes for axes in self.figure.axes if axes.axison]
        room = max(12, int(72.0 * self.figure.get_figwidth() / self.columns / (0.58 * font)))
        for drawn in shown:
            title = drawn.get_xlabel()
            if "$" not in title and len(title) > room:
                parts = title.replace(" (", "\n(").split("\n")
                drawn.set_xlabel("\n".join(line for part in parts for line in textwrap.wrap(part, room)))
        if not any(self.lower):
            longest = max((len(line) for axes in shown for line in axes.get_ylabel().split("\n")), default=0)
            across = max((axes.get_xlabel().count("\n") for axes in shown), default=0)
            rows = -(-len(self.upper) // self.columns)
            needed = font * (0.56 * longest + 5.0 + 1.3 * across)
            self.grow(max(0.0, rows * needed - 72.0 * self.figure.get_figheight()))
        for row in (self.upper, self.lower):
            said = [None if axes is None else axes.get_ylabel() for axes in row]
            for i, place in enumerate(row):
                if place is not None and i % self.columns and said[i] == said[i - 1]:
                    place.set_ylabel("")


def _balanced(text: str, room: int) -> list[str]:
    """The lines of a text, none longer than ``room`` letters, as few as can be and as even as that allows."""
    few = textwrap.wrap(text, room, break_on_hyphens=False)
    narrower = (
        textwrap.wrap(text, width, break_on_hyphens=False) for width in range(max(map(len, few), default=1), 0, -1)
    )
    return list(takewhile(lambda lines: len(lines) == len(few), narrower))[-1] if few else []


def _columns(names: Sequence[str], room: float) -> int:
    """The most columns of a legend, filled one after the other, that are together at most ``room`` letters wide."""
    for columns in range(len(names), 1, -1):
        least, longer = divmod(len(names), columns)
        wide, start = 0.0, 0
        for column in range(columns):
            stop = start + least + (column < longer)
            wide += 4.0 + 0.58 * max(map(len, names[start:stop]))
            start = stop
        if wide <= room:
            return columns
    return 1
