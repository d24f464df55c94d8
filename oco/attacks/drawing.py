"""An attack drawn with Matplotlib: where the learner went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from oco.learners.base import Problem

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from oco.attacks.found import Found

_COLORS = ("#0072B2", "#D55E00", "#009E73")


def draw(found: Found, axes: Axes | None) -> Axes:
    """Draw the coordinates of the points played in which the gradients are largest, and the best fixed point's."""
    if axes is None:
        from matplotlib import pyplot

        axes = pyplot.subplots(figsize=(5.0, 3.4), layout="constrained")[1]
    arena = found.arena
    player = arena.learner.fresh()
    game = arena.game(found.rows)
    player.start(Problem.of(game, arena.seed))
    points = np.empty(arena.shape)
    for t in range(arena.horizon):
        points[t] = player.prediction
        player.update(game.reveal(points[t]).gradient(points[t]))
    best = arena.record(found.rows).best_point
    rounds = np.arange(1, arena.horizon + 1)
    shown = np.argsort(-np.abs(found.rows).sum(axis=0), kind="stable")[: len(_COLORS)]
    for color, axis in zip(_COLORS, shown, strict=False):
        axes.plot(rounds, points[:, axis], color=color, linewidth=1.0, label=f"coordinate {axis + 1}")
        if best is not None:
            axes.axhline(float(best[axis]), color=color, linestyle=":", linewidth=1.0)
    axes.set(xlabel="round t", ylabel="point played\n(dotted: best fixed point)")
    ratio = f", {found.ratio:.3f} of the bound" if np.isfinite(found.bound) else ""
    axes.set_title(f"{type(arena.learner).__name__}: regret {found.regret.lower:.4g}{ratio}", fontsize="medium")
    axes.legend(fontsize="small", framealpha=0.85, edgecolor="none")
    return axes
