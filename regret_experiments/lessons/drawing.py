"""Figures of lessons in a few lines: curves that are named at their ends, in the course's style."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oco.errors import ConfigError
from oco.learners import LEARNERS
from oco.types import Array
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.style import base_style, learner_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FEW = 8
"""Up to so many places on a logarithmic axis are its ticks."""
_LOOK = re.compile(r"(#[0-9A-Fa-f]{6}|[a-z_0-9]+) ?(.*)")


def panels(count: int = 1, height: float = 3.1) -> list[Axes]:
    """Axes of a new figure, side by side, in the style of the course.

    Parameters
    ----------
    count
        How many.
    height
        Of the figure, in inches.

    Examples
    --------
    >>> from regret_experiments.lessons.drawing import panels
    >>> len(panels(2))
    2
    """
    from matplotlib import pyplot

    pyplot.rcParams.update(base_style())
    width = 5.4 if count == 1 else 3.6 * count
    _, axes = pyplot.subplots(1, count, figsize=(width, height), layout="constrained", squeeze=False)
    return list(axes[0])


def lines(axes: Axes, curves: Mapping[str, tuple[Any, ...]], *, log: str = "", **texts: Any) -> None:
    """Draw curves, each with its name at its end.

    Parameters
    ----------
    axes
        Where, from `panels`.
    curves
        ``(x, y)`` or ``(x, y, look)`` of each name. A look is the registry name of a learner, whose color is taken, or
        a color ``"#RRGGBB"``, and after a space matplotlib's letters for a line: ``"ogd"``, ``"hedge :"``,
        ``"#000000 o-"``. A name that begins with an underscore is not shown.
    log
        The logarithmic axes: ``"x"``, ``"y"`` or ``"xy"``.
    texts
        What ``axes.set`` takes: ``xlabel``, ``ylabel``, ``title``, ``ylim``, ...

    Raises
    ------
    ConfigError
        If a look names neither a learner nor a color.

    Examples
    --------
    >>> from regret_experiments.lessons.drawing import lines, panels
    >>> [axes] = panels()
    >>> lines(axes, {"OGD": ([1, 10, 100], [1, 3, 10], "ogd o-")}, log="xy", xlabel="rounds")
    >>> axes.get_xscale()
    'log'
    """
    from matplotlib.ticker import NullLocator

    labels = DirectLabels(axes)
    for name, (x, y, *rest) in curves.items():
        color, form = _look(rest[0] if rest else "#000000")
        axes.plot(x, y, form or "-", color=color)
        if not name.startswith("_"):
            labels.at_end(name, x[-1], y[-1], color)
    for axis in log:
        axes.set(**{f"{axis}scale": "log"})
    places = sorted({float(x) for x_values, *_ in curves.values() for x in x_values})
    if "x" in log and len(places) <= _FEW:
        axes.set_xticks(places, [f"{place:,g}" for place in places])
        axes.xaxis.set_minor_locator(NullLocator())
    axes.set(**texts)


def triangle(axes: Axes, names: Sequence[str]) -> Array:
    """Draw the simplex of three coordinates, and return its corners ``(3, 2)``: weights times these are places.

    Parameters
    ----------
    axes
        Where, from `panels`.
    names
        Of the three corners: the top one, left, right.

    Examples
    --------
    >>> from regret_experiments.lessons.drawing import panels, triangle
    >>> [axes] = panels()
    >>> corners = triangle(axes, ["rock", "paper", "scissors"])
    >>> (np.array([0.0, 0.5, 0.5]) @ corners).tolist()
    [0.5, 0.0]
    """
    corners = np.array([[0.5, np.sqrt(0.75)], [0.0, 0.0], [1.0, 0.0]])
    axes.fill(*corners.T, facecolor="#F6F6F6", edgecolor="#999999")
    for (across, up), name, shift in zip(corners, names, (0.03, -0.08, -0.08), strict=True):
        axes.text(across, up + shift, name, ha="center")
    axes.set(aspect="equal", ylim=(-0.12, 0.98))
    axes.set_axis_off()
    return corners


def _look(look: str) -> tuple[str, str]:
    """Color and line of a look."""
    match = _LOOK.fullmatch(look)
    name = match[1] if match else ""
    if match is None or not (name.startswith("#") or name in LEARNERS):
        raise ConfigError(f"a look is a learner's name or a color such as #0072B2, and a line, got {look!r}")
    return (name if name.startswith("#") else learner_style(name).ink), match[2]
