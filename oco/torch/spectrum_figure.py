"""One figure of what :class:`~oco.torch.SpectrumProbe` recorded, of one run or of several side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oco.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
PANELS = (
    ("intrinsic_dimension", "intrinsic dimension\ntr C / largest eigenvalue", "log"),
    ("top_quarter", "share of the trace in the\nleading quarter of directions", "linear"),
    ("overlap", "overlap of leading spaces\nwith the snapshot before", "linear"),
)
STYLES = (("C0", "-", "o"), ("C0", "--", "o"), ("C1", "-", "s"), ("C1", "--", "s"), ("C2", "-", "^"), ("C2", "--", "^"))


def spectrum_figure(rows: Iterable[Mapping[str, Any]] | Mapping[str, Iterable[Mapping[str, Any]]]) -> Figure:
    """Draw medians over all axes against the step, each run next to the Gaussian control, and what sketches keep.

    Parameters
    ----------
    rows : iterable of rows, or mapping of names to them
        Those of :meth:`oco.torch.SpectrumProbe.snapshot` of one run, or of several as
        :func:`oco.torch.controlled_spectra` returns them. The range over the axes is a band, of the first run if there
        are several. Of each pair of bounds the conservative one is drawn: the upper bound on the intrinsic dimension,
        the lower bound on the mass. If the first run has rows of ``ranks``, a fourth panel shows, at its last snapshot,
        the share of the traces that sketches hold and the cosine of their direction to the exact one (median and range
        over the parameters), next to that of the raw gradient.

    Raises
    ------
    ConfigError
        Without rows.
    """
    from matplotlib.figure import Figure

    runs = {name: list(own) for name, own in (rows if isinstance(rows, Mapping) else {"gradient": rows}).items()}
    if not any(runs.values()):
        raise ConfigError("spectrum_figure needs at least one row of a snapshot, got none")
    first, several = next(iter(runs)), len(runs) > 1
    directions = [row for row in runs[first] if row["source"] == "direction"]
    count = len(PANELS) + bool(directions)
    figure = Figure(figsize=(3.2 * count, 3.4), layout="constrained")
    panels = figure.subplots(1, count)
    for panel, (key, title, scale) in zip(panels, PANELS, strict=False):
        for (name, own), style in zip(runs.items(), _styles(len(runs)), strict=True):
            _draw(panel, own, "gradient", key, style, name, band=name == first)
        control = [row for own in runs.values() for row in own]
        _draw(panel, control, "control", key, ("C7", ":", "x"), "Gaussian matrices", band=not several)
        panel.set(xlabel="step", yscale=scale)
        panel.set_title(title, fontsize=9)
        if scale == "linear":
            panel.set_ylim(0.0, 1.03)
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=6, frameon=False, fontsize=9
    )
    if directions:
        _draw_directions(panels[-1], directions, first)
    return figure


def _styles(count: int) -> list[tuple[str, str, str]]:
    return [STYLES[index % len(STYLES)] for index in range(count)]


def _draw(
    panel: Axes, rows: Sequence[Row], source: str, key: str, style: tuple[str, str, str], label: str, *, band: bool
) -> None:
    own = [row for row in rows if row["source"] == source and row[key] is not None]
    steps = sorted({row["step"] for row in own})
    if not steps:
        return
    values = [
        np.quantile([_cautious(row, key) for row in own if row["step"] == step], [0.0, 0.5, 1.0]) for step in steps
    ]
    low, median, high = np.array(values).T
    color, line, marker = style
    panel.plot(steps, median, color=color, linestyle=line, marker=marker, markersize=4, label=label)
    if band:
        panel.fill_between(steps, low, high, color=color, alpha=0.15, linewidth=0, label=f"range over axes, {label}")


def _draw_directions(panel: Axes, rows: Sequence[Row], name: str) -> None:
    last = max(row["step"] for row in rows)
    own = [row for row in rows if row["step"] == last]
    ranks = sorted({row["rank"] for row in own})
    at = np.arange(len(ranks))
    kept = [np.median([share for row in own if row["rank"] == rank for share in row["kept"]]) for rank in ranks]
    cosines = [np.quantile([row["cosine"] for row in own if row["rank"] == rank], [0.0, 0.5, 1.0]) for rank in ranks]
    low, median, high = np.array(cosines).T
    panel.plot(at, kept, color="C2", marker="^", label="share of the traces held")
    panel.plot(at, median, color="C3", marker="D", label="cosine to exact direction")
    panel.fill_between(at, low, high, color="C3", alpha=0.15, linewidth=0)
    raw = float(np.median([row["raw_cosine"] for row in own]))
    panel.axhline(raw, color="C3", linestyle=":", label="cosine of the raw gradient")
    panel.set_xticks(at, [str(rank) for rank in ranks])
    panel.set(xlabel="rank k of the sketches", ylim=(0.0, 1.03))
    panel.set_title(f"share held and fidelity\n{name}, step {last}", fontsize=9)
    panel.legend(loc="lower right", fontsize=7)


def _cautious(row: Row, key: str) -> float:
    value = row[key]
    if isinstance(value, (tuple, list)):
        value = value[1] if key == "intrinsic_dimension" else value[0]
    return float(value)
