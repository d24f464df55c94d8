"""One figure of what a :class:`~oco.torch.SpectrumProbe` recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANELS = (
    ("intrinsic_dimension", "intrinsic dimension  tr C / largest eigenvalue", "log"),
    ("top_quarter", "share of the trace in the leading d/4 directions", "linear"),
    ("overlap", "overlap of leading spaces with the snapshot before", "linear"),
)


def spectrum_figure(rows: Iterable[Mapping[str, Any]]) -> Figure:
    """Draw median (line) and range (band) over all axes against the step, gradients next to their Gaussian control.

    ``rows`` are those of :meth:`oco.torch.SpectrumProbe.snapshot`. Of each pair of bounds the conservative one is
    drawn: the upper bound on the intrinsic dimension, the lower bound on the mass. Raises ValueError without rows.
    """
    from matplotlib.figure import Figure

    kept = list(rows)
    if not kept:
        raise ValueError("spectrum_figure needs at least one row of a snapshot, got none")
    figure = Figure(figsize=(12.0, 3.6), layout="constrained")
    for panel, (key, label, scale) in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        for source, color in (("gradient", "C0"), ("control", "C7")):
            steps = sorted({row["step"] for row in kept if row["source"] == source})
            bands = [
                [
                    _cautious(row, key)
                    for row in kept
                    if (row["step"], row["source"]) == (step, source) and row[key] is not None
                ]
                for step in steps
            ]
            found = [
                (step, np.quantile(band, [0.0, 0.5, 1.0])) for step, band in zip(steps, bands, strict=True) if band
            ]
            if found:
                x, quantiles = [step for step, _ in found], np.array([values for _, values in found])
                panel.plot(x, quantiles[:, 1], color=color, marker="o", label=source)
                panel.fill_between(x, quantiles[:, 0], quantiles[:, 2], color=color, alpha=0.2, linewidth=0)
        panel.set(xlabel="step", title=label, yscale=scale)
        panel.title.set_fontsize(9)
    figure.axes[0].legend(frameon=False)
    return figure


def _cautious(row: Mapping[str, Any], key: str) -> float:
    value = row[key]
    if isinstance(value, (tuple, list)):
        value = value[1] if key == "intrinsic_dimension" else value[0]
    return float(value)
