"""Styles: each learner has one colour, marker and name in every figure, and can be recognized in a grey print."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from oco.errors import ConfigError
from oco.learners import LEARNERS, Look

WIDTHS = {"one-column": 3.25, "two-column": 7.0, "slide": 13.33}
"""Figure widths in inches: a column of a two-column paper, its full width, a 16:9 slide."""
PANELS = {"one-column": 1, "two-column": 2, "slide": 2}
_FONT_SIZES = {"one-column": 7.5, "two-column": 8.0, "slide": 12.0}


@dataclass(frozen=True)
class LearnerStyle:
    """How a learner is drawn and called.

    Attributes
    ----------
    label
        Its name in figures.
    color
        Of lines and markers, ``#RRGGBB``.
    marker
        Matplotlib's letter for it.
    """

    label: str
    color: str
    marker: str

    @property
    def ink(self) -> str:
        """The colour, darkened until text in it can be read on white (a contrast of 4.5)."""
        return readable(self.color, "#FFFFFF", 4.5)


_TRAINING_STYLES = {"sketchy_shampoo": LearnerStyle("S-Shampoo", "#0072B2", "o")}
"""Styles of optimizers for networks whose name is not a learner's."""
_SPARE_COLORS = ("#44AA99", "#999933", "#661100", "#6699CC", "#332288", "#B8A037", "#AA3377", "#228833")
_SPARE_MARKERS = ("<", ">", "d", "8", "H", "X", "P")


def learner_style(kind: str) -> LearnerStyle:
    """The style of a learner by its registry name, by its `Look`; one without gets a spare one, always the same."""
    if kind in _TRAINING_STYLES:
        return _TRAINING_STYLES[kind]
    look = _look(kind)
    if look is not None:
        return LearnerStyle(look.label, look.color, look.marker)
    color, marker = _spare(kind)
    return LearnerStyle(kind.replace("_", " "), color, marker)


def _look(kind: str) -> Look | None:
    """The `Look` of a learner's class; None if it has none, or cannot be loaded any more."""
    try:
        return LEARNERS[kind].look
    except (KeyError, ConfigError):
        return None


def learner_styles(kinds: Iterable[tuple[str, str]]) -> dict[str, LearnerStyle]:
    """Styles of the learners of a sweep by their names in it, no two the same.

    Parameters
    ----------
    kinds
        Name in the sweep and registry name of each learner, in the order of the config. The first of a kind has the
        kind's colour; a learner whose name differs from its kind keeps that name as its label.
    """
    styles: dict[str, LearnerStyle] = {}
    taken: set[tuple[str, str]] = set()
    for name, kind in dict(kinds).items():
        style = learner_style(kind)
        looks = [(style.color, style.marker), *_spares(name)]
        color, marker = next((look for look in looks if look not in taken), looks[0])
        taken.add((color, marker))
        styles[name] = replace(style, label=style.label if name == kind else name, color=color, marker=marker)
    return styles


def base_style(size: str = "two-column") -> Any:
    """Matplotlib settings that every figure uses; pass them to ``matplotlib.rc_context``."""
    font = _FONT_SIZES[size]
    scale = font / 8.0
    return {
        "font.size": font,
        "axes.titlesize": font * 1.1,
        "axes.labelsize": font,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#E6E6E6",
        "grid.linewidth": 0.6 * scale,
        "axes.axisbelow": True,
        "lines.linewidth": 1.4 * scale,
        "lines.markersize": 4.5 * scale,
        "legend.frameon": False,
        "legend.fontsize": font * 0.86,
        "xtick.labelsize": font * 0.9,
        "ytick.labelsize": font * 0.9,
        "figure.dpi": 120,
        "savefig.dpi": 200,
        "pdf.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": "oco",
    }


def panel_grid(
    count: int,
    size: str = "two-column",
    aspect: float = 0.75,
    columns: int | None = None,
) -> tuple[tuple[float, float], int, int]:
    """Figure size in inches, rows and columns for ``count`` panels whose height is ``aspect`` times their width.

    ``columns`` are the panels side by side; by default as many as direct labels have room for.
    """
    across = min(count, columns or PANELS[size])
    rows = -(-count // across)
    alone = count == 1 and size != "one-column"
    width = WIDTHS[size] * ((0.7 if size == "slide" else 0.6) if alone else 1.0)
    return (width, rows * (width / across) * aspect), rows, across


def readable(color: str, background: str, contrast: float) -> str:
    """``color``, moved away from ``background`` in small steps until its WCAG contrast is at least ``contrast``."""
    target = 0.0 if luminance(background) > 0.18 else 1.0
    channels = _channels(color)
    while _contrast(_hex(channels), background) < contrast:
        channels = [value + 0.05 * (target - value) for value in channels]
    return _hex(channels)


def luminance(color: str) -> float:
    """Relative luminance of ``#RRGGBB`` as WCAG defines it: what a grey printer leaves."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in _channels(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _channels(color: str) -> list[float]:
    return [int(color[i : i + 2], 16) / 255.0 for i in (1, 3, 5)]


def _hex(channels: list[float]) -> str:
    return "#" + "".join(f"{round(255 * value):02X}" for value in channels)


def _spare(name: str) -> tuple[str, str]:
    return _spares(name)[0]


def _spares(name: str) -> list[tuple[str, str]]:
    start = sum(name.encode())
    colors, markers = len(_SPARE_COLORS), len(_SPARE_MARKERS)
    return [
        (_SPARE_COLORS[(start + i) % colors], _SPARE_MARKERS[(start + i + i // colors) % markers])
        for i in range(colors * markers)
    ]
