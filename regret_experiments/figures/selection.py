"""Which runs and numbers of a sweep a figure shows, as tidy frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from oco.errors import ConfigError
from oco.regret.spectrum import Spectrum
from regret_experiments.plan.content import work_type
from regret_experiments.tables import best_runs, theorem_runs

if TYPE_CHECKING:
    from oco.types import Array
    from regret_experiments.store.arrays import Arrays
    from regret_experiments.store.results import Results

Rate = Literal["best", "theorem"]
"""Which learning rate of a learner is shown."""
RATES: tuple[Rate, ...] = ("best", "theorem")
Against = Literal["u_t", "u_T", "path", "linearised"]
"""What regret is against."""
Scale = Literal["log", "linear", "sqrt"]
"""Of regret curves."""


def learning_rates(runs: pd.DataFrame) -> pd.Series[float]:
    """The learning rate of every run; missing where it was left to the theorem."""
    if "learning_rate" not in runs:
        return pd.Series(np.nan, index=runs.index, dtype=float)
    return pd.to_numeric(runs["learning_rate"], errors="coerce")


def select_runs(runs: pd.DataFrame, rate: Rate = "best") -> pd.DataFrame:
    """Finished runs at the best point of each learner, at each rank, or at the theorem's learning rate."""
    return best_runs(runs) if rate == "best" else theorem_runs(runs)


def selected_curves(results: Results, rate: Rate = "best", runs: pd.DataFrame | None = None) -> pd.DataFrame:
    """Curves of `select_runs`, with the column ``kind``; of some ``runs`` of the results, or of all."""
    chosen = select_runs(results.runs if runs is None else runs, rate)
    return results.curves_of(set(chosen["id"])).merge(chosen[["id", "kind"]], on="id")


def dynamic_frame(results: Results, curves: pd.DataFrame) -> tuple[pd.DataFrame, list[int]]:
    """Dynamic regret at the checkpoints of runs on a game whose optimum moves, and the rounds where it switches.

    Parameters
    ----------
    results
        Where the runs are.
    curves
        Rows of ``Results.curves`` for one environment, with the column ``kind``.

    Returns
    -------
    frame, switches
        ``curves`` with the column ``dynamic_regret``; empty switches where the optimum moves smoothly.

    Raises
    ------
    ConfigError
        If the environment does not know its moving comparator.
    """
    frame = curves.assign(dynamic_regret=curves.get("regret_dynamic", np.nan))
    content: dict[str, Any] = results.content(str(curves["id"].iloc[0])) if len(curves) else {}
    environment = content.get("environment", {})
    if content and work_type(content) == "training":
        raise ConfigError("dynamic regret needs a game, and a network's training is not a game")
    if frame["dynamic_regret"].isna().all():
        kind = environment.get("kind", "this environment")
        raise ConfigError(f"dynamic regret needs a game whose optimum moves and is known; {kind} is none")
    motion = environment.get("described", {}).get("motion", {})
    if motion.get("name") not in ("switches", "recurring"):
        return frame, []
    return frame, list(range(motion["period"], int(frame["round"].max()), motion["period"]))


LEAST_EIGENVALUE = 1e-12
"""Share of the largest eigenvalue below which one is rounding, and not drawn."""


@dataclass(frozen=True)
class SpectrumData:
    """Eigenvalues of the gradient covariance, falling: a row for every round; NaN where they are rounding."""

    rounds: Array
    eigenvalues: Array


def spectrum_data(arrays: Arrays) -> SpectrumData:
    """What a figure of a run's spectrum shows, from its arrays; empty where no spectrum was kept."""
    spectra = arrays.get("spectra", np.empty((0, 0)))
    drawn = spectra > LEAST_EIGENVALUE * np.max(spectra, initial=0.0)
    return SpectrumData(arrays.get("spectrum_rounds", np.empty(0)), np.where(drawn, spectra, np.nan))


def spectrum_frame(results: Results, identifier: str) -> pd.DataFrame:
    """The same as a frame: columns ``round``, ``index`` (from 1) and ``eigenvalue``."""
    found = spectrum_data(results.arrays(identifier))
    count = found.eigenvalues.shape[1]
    return pd.DataFrame(
        {
            "round": np.repeat(found.rounds.astype(int), count),
            "index": np.tile(np.arange(1, count + 1), len(found.rounds)),
            "eigenvalue": found.eigenvalues.ravel(),
        }
    )


def omegas(arrays: Arrays, dimension: int, rank: int) -> list[float]:
    """Omega, Lemma 1's bound on the escaped mass of a sketch of that rank, at each round whose spectrum was kept."""
    at = np.searchsorted(arrays["round"], arrays["spectrum_rounds"])
    traces = arrays["gradient_squares"][at]
    kept = zip(arrays["spectra"], traces, strict=True)
    return [Spectrum(dimension, top, float(trace)).omega(rank + 1) for top, trace in kept]


def escaped_frame(results: Results, runs: pd.DataFrame) -> pd.DataFrame:
    """Escaped mass and Lemma 1's bound on it, Omega, where the spectrum was kept.

    Columns: ``id``, ``environment``, ``learner``, ``kind``, ``rank``, ``order``, ``round``, ``escaped_mass``,
    ``omega``, ``tail_mass``.
    """
    parts = []
    ranked = runs[runs["rank"].notna() & (runs["status"] == "finished")]
    for run in ranked.to_dict("records"):
        arrays = results.arrays(run["id"])
        if "spectra" not in arrays:
            continue
        at = np.searchsorted(arrays["round"], arrays["spectrum_rounds"])
        columns = {name: run[name] for name in ("id", "environment", "learner", "kind", "rank", "order")}
        columns |= {name: arrays[name][at] for name in ("round", "escaped_mass", "tail_mass")}
        columns |= {"omega": omegas(arrays, int(run["dimension"]), int(run["rank"]))}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def time_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Microseconds a round of each learner and rank, a row for each, over all its finished runs.

    Columns: ``learner``, ``kind``, ``rank``, ``state_floats``, ``microseconds`` (the median, which a first run that
    had to compile does not move), ``low`` and ``high`` (quartiles).
    """
    finished = runs[runs["status"] == "finished"]
    each = finished.assign(each=1e6 * finished["seconds_play"].astype(float) / finished["rounds"].astype(float))
    grouped = each.groupby(["learner", "kind", "rank"], sort=False, dropna=False)
    return grouped.agg(
        state_floats=("peak_state_floats", "max"),
        microseconds=("each", "median"),
        low=("each", lambda values: values.quantile(0.25)),
        high=("each", lambda values: values.quantile(0.75)),
    ).reset_index()
