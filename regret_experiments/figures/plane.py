"""Two dimensions, for teaching: the path of the decisions, and a covariance with its sketch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from regret_experiments.figures.common import Styles, each_learner
from regret_experiments.figures.kind import Kind, Panel
from regret_experiments.figures.labels import DirectLabels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from oco.types import Array


def decision_path(
    frame: pd.DataFrame,
    axes: Axes,
    *,
    best: tuple[float, float] | None = None,
    radius: float | None = None,
    styles: Styles | None = None,
) -> Axes:
    """Draw the points that learners played in the plane, from pale (early) to full colour (late).

    Parameters
    ----------
    frame
        Columns ``learner``, ``kind``, ``round``, ``x`` and ``y``, as `decisions` gives them.
    axes
        Where to draw.
    best
        The best fixed point, marked by a cross.
    radius
        Of the ball around the origin that is the domain.
    styles
        Colours, markers and names by learner; by default those of the frame's learners.
    """
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Circle

    labels = DirectLabels(axes)
    axes.set_aspect("equal")
    if radius is not None:
        axes.add_patch(Circle((0.0, 0.0), radius, fill=False, color="#999999", linewidth=1.0))
    for style, rows in each_learner(frame, styles):
        path = rows.sort_values("round")[["x", "y"]].to_numpy(float)
        segments = np.stack([path[:-1], path[1:]], axis=1)
        fade: Any = np.linspace(0.2, 1.0, len(segments)) if len(segments) else []
        axes.add_collection(LineCollection(list(segments), colors=style.color, alpha=fade, linewidths=1.0))
        axes.plot(*path[0], marker="o", color="#444444", ms=3)
        axes.plot(*path[-1], marker=style.marker, color=style.color, ms=7, zorder=4)
        labels.avoid(path[:, 0], path[:, 1])
        labels.near(style.label, path[-1, 0], path[-1, 1], style.ink)
    if best is not None:
        axes.plot(*best, marker="x", color="#CC0000", ms=8, mew=2, zorder=5)
        labels.near("best fixed point", best[0], best[1], "#CC0000")
    if radius is None:
        axes.autoscale_view()
        axes.margins(0.1)
    else:
        axes.set(xlim=(-1.15 * radius, 1.15 * radius), ylim=(-1.15 * radius, 1.15 * radius))
    axes.set_xlabel("$x_1$")
    axes.set_ylabel("$x_2$")
    return axes


def sketch_ellipses(covariance: Array, sketch: Array, escaped: float, axes: Axes) -> Axes:
    """Draw a 2 x 2 covariance G, its sketch Gbar and what preconditions, Gbar + rho I, as ellipses ``z' M^-1 z = 1``.

    A sketch of rank 1 is a segment. Its axis and the escaped mass rho together cover G.

    Parameters
    ----------
    covariance, sketch
        ``(2, 2)``, positive semidefinite.
    escaped
        rho >= 0.
    axes
        Where to draw.
    """
    labels = DirectLabels(axes)
    axes.set_aspect("equal")
    outlines = [
        ("G", np.asarray(covariance, dtype=float), "#000000", "-", np.deg2rad(100)),
        ("sketch Gbar", np.asarray(sketch, dtype=float), "#D55E00", "-", np.deg2rad(0)),
        ("Gbar + rho I", np.asarray(sketch, dtype=float) + escaped * np.eye(2), "#0072B2", "--", np.deg2rad(60)),
    ]
    for name, matrix, color, line, label_at in outlines:
        points = _ellipse(matrix)
        axes.plot(points[0], points[1], line, color=color, gid=name)
        labels.avoid(points[0], points[1])
        place = points[:, int(label_at / (2 * np.pi) * (points.shape[1] - 1))]
        labels.near(name, float(place[0]), float(place[1]), color)
    axes.margins(0.18)
    axes.set_xlabel("$z_1$")
    axes.set_ylabel("$z_2$")
    return axes


def _ellipse(matrix: Array) -> Any:
    values, vectors = np.linalg.eigh(matrix)
    angle = np.linspace(0.0, 2.0 * np.pi, 181)
    # The larger axis comes first, so that angle 0 is the end of the sketch's own direction.
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    return vectors @ (np.sqrt(values)[:, None] * np.vstack([np.cos(angle), np.sin(angle)]))


def _path(panel: Panel, axes: Axes) -> Axes:
    from regret_experiments.figures.replay import best_fixed_point, decisions, domain_radius

    chosen = panel.one_each
    frame = decisions(panel.results, chosen)
    best = best_fixed_point(panel.results, chosen["id"].iloc[0])
    point = None if best is None else (float(best.ravel()[0]), float(best.ravel()[1]))
    radius = domain_radius(panel.results, chosen["id"].iloc[0])
    return decision_path(frame, axes, best=point, radius=radius, styles=panel.styles)


def _sketch(panel: Panel, axes: Axes) -> Axes:
    from oco.sketching import FrequentDirections
    from regret_experiments.figures.replay import decisions

    chosen = panel.one_each
    sketched = chosen[chosen["rank"].notna()]
    frame = decisions(panel.results, (sketched if len(sketched) else chosen).head(1))
    gradients = frame[["gradient_x", "gradient_y"]].to_numpy(float)
    sketch = FrequentDirections(2, 1)
    for gradient in gradients:
        sketch.update(gradient[None, :])
    return sketch_ellipses(gradients.T @ gradients, sketch.covariance(), sketch.escaped_mass, axes)


KINDS = {
    "path": Kind(
        "path of the decisions (2-dimensional games)", _path, aspect=1.0, scales=False,
        caption="The points that learners played, {rate}, from pale (early) to full colour (late); the cross is the "
        "best fixed point, the circle the domain.",
    ),
    "sketch": Kind(
        "covariance, sketch and preconditioner as ellipses (2-dimensional games)", _sketch, aspect=1.0, scales=False,
        caption="The gradient covariance G of one run, its sketch of rank 1, and the sketch with the escaped mass "
        "added, as ellipses.",
    ),
}  # fmt: skip
