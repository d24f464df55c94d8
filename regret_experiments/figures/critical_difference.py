"""The critical-difference diagram: average ranks of learners over environments, and who is not told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib import rcParams
from matplotlib.font_manager import FontProperties

from regret_experiments.comparison import LearnerRanks, rank_learners
from regret_experiments.figures.common import Styles, styles_of
from regret_experiments.figures.kind import Kind, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAR = 0.55
"""Distance of two bars that join learners, in lines of text."""
LONGEST = 24.0
"""Letters of a name and its rank for which there is room on either side."""


def critical_difference_diagram(ranks: LearnerRanks, axes: Axes, *, styles: Styles | None = None) -> Axes:
    """Draw learners at their average ranks, the best at the left, as in Demsar (2006).

    A bar joins learners whose average ranks differ by less than Nemenyi's critical difference, whose length is drawn
    above the axis.

    Parameters
    ----------
    ranks
        What `regret_experiments.comparison.rank_learners` returned.
    axes
        Where to draw; its own axes are hidden.
    styles
        Colors and names by learner; by default those of the learners' kinds.
    """
    found, count = ranks.found, len(ranks.rows)
    styles = styles_of(ranks.frame) if styles is None else styles
    best_first = sorted(range(count), key=lambda place: found.ranks[place])
    left = best_first[: (count + 1) // 2]
    first_line = 0.8 + BAR * (len(found.groups) + 1)
    depth = first_line + len(left)
    width, size = 0.5 * (count - 1), _letters(axes, depth + 2.6)
    axes.set_axis_off()
    axes.set_xlim(1.0 - 1.1 * width, count + 1.1 * width)
    axes.set_ylim(-depth, 2.6)
    ink: dict[str, Any] = {"color": "black", "linewidth": 0.8, "solid_capstyle": "butt"}
    axes.plot([1.0, count], [0.0, 0.0], **ink)
    for rank in range(1, count + 1):
        axes.plot([rank, rank], [0.0, 0.25], **ink)
        axes.text(rank, 0.35, str(rank), ha="center", va="bottom", fontsize=size)
    _draw_critical_difference(ranks, axes, size)
    for bar, group in enumerate(found.groups):
        ends = [found.ranks[place] for place in group]
        y = -0.5 - BAR * bar
        reach = 0.02 * width  # so that a bar is seen where all ranks of a group are equal
        axes.plot([min(ends) - reach, max(ends) + reach], [y, y], color="black", linewidth=2.4, solid_capstyle="butt")
    for line, place in enumerate(left):
        _name(ranks, place, axes, styles, 1.0 - 0.15 * width, -first_line - line, size)
    for line, place in enumerate(reversed(best_first[len(left) :])):
        _name(ranks, place, axes, styles, count + 0.15 * width, -first_line - line, size)
    return axes


def _draw_critical_difference(ranks: LearnerRanks, axes: Axes, size: float) -> None:
    found, count = ranks.found, len(ranks.rows)
    length = min(found.critical_difference, count - 1.0)
    text = f"CD = {found.critical_difference:.2f}, {found.environments} environments"
    if found.critical_difference > count - 1.0:
        text += ": no two are told apart"
    axes.plot([1.0, 1.0 + length], [1.6, 1.6], color="black", linewidth=1.4, marker="|", markersize=5)
    axes.text(1.0, 1.8, text, ha="left", va="bottom", fontsize=size)


def _name(ranks: LearnerRanks, place: int, axes: Axes, styles: Styles, end: float, y: float, size: float) -> None:
    """A line from the axis down to a name at one side."""
    row, average = ranks.rows[place], ranks.found.ranks[place]
    style = styles[row.learner]
    name = style.label if row.rank is None else f"{style.label}, k = {row.rank}"
    axes.plot([average, average, end], [0.0, y, y], color=style.color, linewidth=1.0)
    side = "right" if end < average else "left"
    text = f"{name}  {average:.2f}" if side == "right" else f"{average:.2f}  {name}"
    axes.text(end, y, f" {text} ", ha=side, va="center", color=style.ink, fontsize=size, parse_math=False)


def _letters(axes: Axes, lines: float) -> float:
    """Size in points at which that many lines of text have room, and names at both sides."""
    figure: Any = axes.get_figure()
    place = axes.get_position()
    width, height = 72.0 * figure.get_figwidth(), 72.0 * figure.get_figheight()
    across = 0.3 * width * place.width / (0.5 * LONGEST)
    usual = FontProperties(size=rcParams["legend.fontsize"]).get_size_in_points()
    return float(min(usual, 0.8 * height * place.height / lines, across))


def _draw(panel: Panel, axes: Axes) -> Axes:
    column = f"regret_{panel.rate}"
    return critical_difference_diagram(rank_learners(panel.runs, column=column), axes, styles=panel.styles)


KINDS = {
    "critical-difference": Kind(
        "average ranks of learners over environments, and who is not told apart",
        _draw,
        0.5,
        over_environments=True,
        scales=False,
        caption="Average rank of each learner over the environments, 1 is the least regret, {rate}. Bars join learners "
        "that the Nemenyi test at 5 % does not tell apart: their ranks differ by less than the critical difference CD "
        "(Demsar 2006).",
    )  # fmt: skip
}
