"""A record drawn with Matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oco.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from oco.record.record import Record

_COLOR, _BOUND_COLOR = "#0072B2", "#444444"


def draw(record: Record, axes: Axes | None) -> Axes:
    """Draw the regret with its certificate and the bound; the cumulative loss if the regret is not known."""
    if axes is None:
        from matplotlib import pyplot

        axes = pyplot.subplots(figsize=(5.0, 3.4), layout="constrained")[1]
    if not hasattr(axes, "fill_between"):
        raise ConfigError(f"plot draws on the Axes of Matplotlib, such as pyplot.subplots()[1], got {axes!r}")
    curves = record.curves
    rounds = curves["round"]
    marker = "o" if rounds.size == 1 else None
    if not np.isfinite(curves["regret_upper"]).any():
        axes.plot(rounds, curves["cumulative_loss"], color=_COLOR, marker=marker, label="cumulative loss")
        axes.set_ylabel(r"cumulative loss $\sum_{s \leq t} f_s(x_s)$")
    else:
        _draw_regret(axes, curves, marker)
        if record.bound is not None:
            holds = "" if not record.violations else " (an assumption is violated)"
            label = f"bound: {record.bound.theorem}{holds}"
            axes.plot(rounds, curves["bound"], ":", color=_BOUND_COLOR, marker=marker, label=label)
        axes.set_ylabel("regret against the best fixed point\nof the rounds so far")
    axes.set_xlabel("round t")
    axes.set_title(f"{record.learner['name']} on {record.environment['kind']}, seed {record.seed}", fontsize="medium")
    _scale(axes)
    axes.legend(fontsize="small", framealpha=0.85, edgecolor="none")
    return axes


def _draw_regret(axes: Axes, curves: dict[str, Any], marker: str | None) -> None:
    rounds, lower, upper = curves["round"], curves["regret_lower"], curves["regret_upper"]
    width = float(upper[-1] - lower[-1])
    axes.fill_between(rounds, lower, upper, color=_COLOR, alpha=0.25, linewidth=0)
    label = f"regret, certified to {width:.1g}" if np.isfinite(width) else "regret, upper bound"
    axes.plot(rounds, upper, color=_COLOR, marker=marker, label=label)


def _scale(axes: Axes) -> None:
    """Logarithmic rounds, as checkpoints are spaced; logarithmic heights if every height is positive."""
    axes.set_xscale("log")
    heights = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in axes.get_lines()])
    if (heights[np.isfinite(heights)] > 0.0).all():
        axes.set_yscale("log")
