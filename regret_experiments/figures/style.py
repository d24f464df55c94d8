"""One visual language: each learner has one colour, marker and name in every figure, and survives a grey printer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

WIDTHS = {"one-column": 3.4, "two-column": 7.0, "slide": 10.0}
"""Figure widths in inches: a column of a two-column paper, its full width, a 16:9 slide."""


@dataclass(frozen=True)
class LearnerStyle:
    """How a learner is drawn and called."""

    label: str
    color: str
    marker: str


_STYLES = {
    "ogd": LearnerStyle("OGD", "#7F7F7F", "s"),
    "adagrad_norm": LearnerStyle("AdaGrad-norm", "#56B4E9", "D"),
    "diagonal_adagrad": LearnerStyle("diagonal AdaGrad", "#E69F00", "^"),
    "full_matrix_adagrad": LearnerStyle("full-matrix AdaGrad", "#000000", "*"),
    "fd_adagrad": LearnerStyle("FD-AdaGrad", "#0072B2", "o"),
    "ada_fd": LearnerStyle("Ada-FD", "#D55E00", "v"),
    "fd_son": LearnerStyle("FD-SON", "#CC79A7", "P"),
    "rfd_son": LearnerStyle("RFD-SON", "#009E73", "X"),
    "online_newton_step": LearnerStyle("ONS", "#882255", "p"),
    "ftsl": LearnerStyle("FTSL", "#AA4499", "h"),
}
_SPARE = [("#44AA99", "<"), ("#999933", ">"), ("#661100", "d"), ("#6699CC", "8"), ("#332288", "H"), ("#DDCC77", "+")]


def learner_style(kind: str) -> LearnerStyle:
    """The style of a learner by its registry name; one that is not listed gets a spare colour, always the same one."""
    if kind in _STYLES:
        return _STYLES[kind]
    color, marker = _SPARE[sum(kind.encode()) % len(_SPARE)]
    return LearnerStyle(kind.replace("_", " "), color, marker)


def base_style() -> dict[str, Any]:
    """Matplotlib settings that every figure uses; pass them to ``matplotlib.rc_context``."""
    return {
        "font.size": 8,
        "axes.titlesize": 9,
        "axes.labelsize": 8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#E6E6E6",
        "grid.linewidth": 0.6,
        "axes.axisbelow": True,
        "lines.linewidth": 1.4,
        "lines.markersize": 4.5,
        "legend.frameon": False,
        "legend.fontsize": 7,
        "figure.dpi": 120,
        "savefig.dpi": 200,
        "savefig.bbox": "tight",
        "pdf.fonttype": 42,
        "svg.fonttype": "none",
    }
