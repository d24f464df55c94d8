"""The curves of a point on the page: averaged once, and thinned at each level of detail."""

from __future__ import annotations

from typing import Any

import numpy as np

from regret_experiments.figures.curves import ENDS, Curve, curve_data
from regret_experiments.figures.selection import Against
from regret_experiments.report.encoding import rounded_list
from regret_experiments.report.findings import REGRET

AGAINST: tuple[Against, ...] = ("u_t", "u_T")
_READ = (
    "round", "training_loss", "cumulative_loss", "bound", "bound_holds",
    *dict.fromkeys(name for against in AGAINST for name in ENDS[against]),
)  # fmt: skip
"""The arrays that `curve_data` reads."""
Curves = dict[tuple[str, ...], "dict[Against, Curve]"]
"""Those of runs that are averaged, by their ids: found once for all levels of detail."""


def averaged(arrays: list[Any], measure: str) -> dict[Against, Curve]:
    """The curves that `regret_curves` draws: both regrets and the bound, or the loss."""
    columns = {name: np.concatenate([one[name] for one in arrays]) for name in _READ if name in arrays[0]}
    if measure == REGRET:
        return {against: curve_data(columns, against) for against in AGAINST}
    return dict.fromkeys(AGAINST, curve_data(columns, "loss"))


def thinned_curves(curves: dict[Against, Curve], kept: list[int]) -> dict[str, Any]:
    """Curves at some of their rounds."""
    shown: dict[str, Any] = {
        against: [rounded_list(values[kept]) for values in (curve.middle, curve.low, curve.high)]
        for against, curve in curves.items()
    }
    return shown | {"bound": rounded_list(curves["u_t"].bound[kept])}
