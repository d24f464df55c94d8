"""What the page shows of a sweep, as plain values: learners, games, points with their curves, and every run."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from oco.regret.spectrum import Spectrum
from regret_experiments.figures.common import styles_of
from regret_experiments.figures.selection import Rate, select_runs
from regret_experiments.figures.style import LearnerStyle, luminance, readable
from regret_experiments.report.encoding import dumps, rounded, rounded_list, thinned
from regret_experiments.report.runs import run_columns
from regret_experiments.store import Store
from regret_experiments.tables.group import floats, loss_column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regret_experiments.store.results import Results
    from regret_experiments.store.store import StoredRun

RATES: tuple[Rate, ...] = ("best", "theorem")
REGRET = "regret"
DARK = "#14181D"
"""Background of the page's dark theme."""


@dataclass(frozen=True)
class Detail:
    """How much of the curves is kept: rounds of a curve, eigenvalues of a spectrum, spectra of a run."""

    rounds: int
    eigenvalues: int
    spectra: int


LEVELS = (Detail(60, 64, 5), Detail(30, 40, 3), Detail(16, 24, 2), Detail(8, 12, 1), Detail(4, 6, 1), Detail(2, 0, 0))
"""From much to little; the first that fits is taken."""


def build_payload(results: Results, limit: int | None = None) -> dict[str, Any]:
    """Everything the page needs.

    Every run is there with its final numbers (5 digits). Curves and spectra (4 digits) are those of the best and of the
    theorem's learning rate, means over the orders with their range; they are thinned, evenly in their checkpoints,
    until the whole has at most ``limit`` characters (900,000 up to 500 runs, 2,800,000 above), and ``thinning`` says
    in a sentence what was left out.
    """
    runs = results.runs
    store = Store(results.path)
    plan = store.plan() or {}
    styles = styles_of(runs) if len(runs) else {}
    status = runs["status"].value_counts()
    games: list[Any] = list(runs.groupby(["stage", "environment"], sort=False)) if len(runs) else []
    measure = _measure(runs)
    payload: dict[str, Any] = {
        "name": results.name,
        "measure": measure,
        "description": plan.get("description", ""),
        "counts": {name: int(status.get(name, 0)) for name in ("finished", "failed", "missing")},
        "shortfalls": list(results.shortfalls),
        "learners": [_learner(name, style) for name, style in styles.items()],
        "reproduce": f"oco reproduce {shlex.quote(_shown_path(results.path))}",
    }
    stored = {run.id: run for run in store.runs()}
    if "damaged" in status:
        payload["counts"]["damaged"] = int(status["damaged"])
    payload |= run_columns(results, stored, styles, [key for key, _ in games], _measured(runs, measure))
    base = len(dumps(payload))
    limit = limit or (900_000 if len(runs) <= 500 else 2_800_000)
    places = {identifier: i for i, identifier in enumerate(runs["id"])}
    chosen = [{rate: select_runs(rows, rate) for rate in RATES} for _, rows in games]
    curves = sum(len(_points(picked)) for each in chosen for picked in each.values())
    for detail in LEVELS:
        if detail is not LEVELS[-1] and base + curves * _least_size(stored, detail) > limit:
            continue
        built = [
            _game(stored, key, rows, picked, styles, places, detail, measure)
            for (key, rows), picked in zip(games, chosen, strict=True)
        ]
        payload["games"] = built
        if base + len(dumps(built)) <= limit:
            break
    payload["thinning"] = _thinning(results, detail)
    return payload


def _least_size(stored: Mapping[str, StoredRun], detail: Detail) -> int:
    """Characters that a curve and its spectrum take at the very least: three digits or so and a comma a number."""
    arrays: Any = next((run.arrays for run in stored.values() if run.finished), {})
    rounds = min(detail.rounds, len(arrays.get("round", ())))
    count, kept = arrays["spectra"].shape if "spectra" in arrays else (0, 0)
    return 4 * (7 * rounds + min(detail.spectra, count) * min(detail.eigenvalues, kept))


def _learner(name: str, style: LearnerStyle) -> dict[str, Any]:
    return {
        "name": name,
        "label": style.label,
        "color": readable(style.color, "#FFFFFF", 3.0),
        "dark": "#FFFFFF" if luminance(style.color) < 0.01 else readable(style.color, DARK, 4.5),
        "marker": marker_path(style.marker),
    }


def marker_path(marker: str) -> str:
    """Outline of a Matplotlib marker as an SVG path that fits into a circle of radius 1."""
    from matplotlib.markers import MarkerStyle

    drawn = MarkerStyle(marker)
    path = drawn.get_path().transformed(drawn.get_transform())
    polygons: Any = path.to_polygons(closed_only=False)
    size = max(float(np.abs(polygon).max()) for polygon in polygons)
    pieces = []
    for polygon in polygons:
        corners = " ".join(f"{x / size:.2f},{-y / size:.2f}" for x, y in polygon)
        pieces.append(f"M{corners}Z")
    return "".join(pieces)


def _shown_path(path: Path) -> str:
    """The directory as the reader would name it: relative, or by its name alone."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return path.name if path.is_absolute() else str(path)


def _game(
    stored: Mapping[str, StoredRun],
    key: tuple[str, str],
    rows: pd.DataFrame,
    picked: Mapping[Rate, pd.DataFrame],
    styles: dict[str, Any],
    places: dict[str, int],
    detail: Detail,
    measure: str,
) -> dict[str, Any]:
    stage, environment = key
    finished = rows[rows["status"] == "finished"]
    dimension = int(finished["dimension"].max()) if len(finished) else None
    ranks = sorted({int(rank) for rank in rows["rank"].dropna()})
    game: dict[str, Any] = {"stage": stage, "environment": environment, "dimension": dimension, "ranks": ranks}
    if finished.empty:
        return game | {"rounds": [], "indices": [], "groups": []}
    some = stored[finished["id"].iloc[0]].arrays
    kept_rounds = thinned(len(some["round"]), detail.rounds)
    count = some["spectra"].shape[1] if "spectra" in some else 0
    kept_values = thinned(count, detail.eigenvalues, ranks + [rank - 1 for rank in ranks]) if detail.spectra else []
    groups = []
    chosen = {rate: {_key(key): group for key, group in _points(runs)} for rate, runs in picked.items()}
    for key_of, all_runs in _points(finished):
        learner, rank = _key(key_of)
        entry: dict[str, Any] = {
            "learner": list(styles).index(learner),
            "rank": rank,
            "floats": int(all_runs["peak_state_floats"].max()),
            "formula": rounded(all_runs["memory_formula"].iloc[0]) if "memory_formula" in all_runs else None,
        }
        for rate, by_point in chosen.items():
            group = by_point.get((learner, rank))
            point = None if group is None else _point(stored, group, kept_rounds, kept_values, detail, measure)
            if point is not None and group is not None:
                point["runs"] = [places[identifier] for identifier in group["id"]]
                point["orders"] = _orders(rows, group)
            entry[rate] = point
        groups.append(entry)
    rounds = [int(some["round"][i]) for i in kept_rounds]
    return game | {"rounds": rounds, "indices": [i + 1 for i in kept_values], "groups": groups}


def _orders(rows: pd.DataFrame, group: pd.DataFrame) -> list[int]:
    """How many orders a point is a mean of, and how many were asked for."""
    same = (rows["learner"] == group["learner"].iloc[0]) & (rows["point"] == group["point"].iloc[0])
    rank = group["rank"].iloc[0]
    same &= rows["rank"].isna() if pd.isna(rank) else rows["rank"] == rank
    return [len(group), int(same.sum())]


def _points(runs: pd.DataFrame) -> Any:
    return runs.groupby(["learner", "rank"], sort=False, dropna=False)


def _key(key: tuple[Any, Any]) -> tuple[str, int | None]:
    return str(key[0]), None if pd.isna(key[1]) else int(key[1])


def _point(
    stored: Mapping[str, StoredRun],
    group: pd.DataFrame,
    kept_rounds: list[int],
    kept_values: list[int],
    detail: Detail,
    measure: str,
) -> dict[str, Any]:
    """One learner at one rank at one learning rate: means over the orders and their range, curves, a spectrum."""
    ends = ("regret_lower", "regret_upper") if measure == REGRET else (loss_column(group),) * 2
    lower, upper = (floats(group, name) for name in ends)
    arrays = [stored[identifier].arrays for identifier in group["id"]]
    point: dict[str, Any] = {
        "regret": [_mean(upper), rounded(float(np.min(lower))), rounded(float(np.max(upper)))],
        "bound": _mean(floats(group, "bound")),
        "tail": _mean(floats(group, "tail_mass")),
        "escaped": _mean(floats(group, "escaped_mass")),
        "curve": _curve(arrays, kept_rounds, measure),
    }
    if kept_values and "spectra" in arrays[0]:
        rank = group["rank"].iloc[0]
        spectra, rounds = arrays[0]["spectra"], arrays[0]["spectrum_rounds"]
        shown = thinned(len(spectra), detail.spectra)[-detail.spectra :]
        point["spectrum"] = {
            "rounds": [int(rounds[i]) for i in shown],
            "values": [rounded_list(spectra[i][kept_values]) for i in shown],
        }
        if not pd.isna(rank):
            trace = float(arrays[0]["gradient_squares"][-1])
            whole = Spectrum(int(group["dimension"].iloc[0]), spectra[-1], trace)
            point["omega"] = rounded(whole.omega(int(rank) + 1))
    return point


def _measure(runs: pd.DataFrame) -> str:
    """What the page compares learners by: regret, or the loss where runs ended and none has a known regret."""
    if not (runs["status"] == "finished").any() or floats(runs, "regret_upper").notna().any():
        return REGRET
    return {"final_loss": "training loss"}.get(loss_column(runs), "cumulative loss")


def _measured(runs: pd.DataFrame, measure: str) -> tuple[str, str]:
    """Heading and source of the column of runs that says how well they did."""
    return ("Regret at most", "regret_upper") if measure == REGRET else (measure.capitalize(), loss_column(runs))


def _curve(arrays: list[Any], kept: list[int], measure: str) -> dict[str, Any]:
    """Mean, least and largest regret over the orders, against u_t and u_T, and the mean bound; or of the loss."""
    if measure != REGRET:
        losses = np.array([one[measure.replace(" ", "_")][kept] for one in arrays])
        triple = [rounded_list(a) for a in (losses.mean(axis=0), losses.min(axis=0), losses.max(axis=0))]
        return {"u_t": triple, "u_T": triple, "bound": [None] * len(kept)}
    stacked = {
        name: np.array([one[name][kept] for one in arrays])
        for name in ("regret_lower", "regret_upper", "regret_final", "bound")
    }
    lower, upper, final = (stacked[name] for name in ("regret_lower", "regret_upper", "regret_final"))
    return {
        "u_t": [rounded_list(a) for a in (upper.mean(axis=0), lower.min(axis=0), upper.max(axis=0))],
        "u_T": [rounded_list(a) for a in (final.mean(axis=0), final.min(axis=0), final.max(axis=0))],
        "bound": rounded_list(stacked["bound"].mean(axis=0)),
    }


def _mean(values: Any) -> Any:
    return rounded(float(np.mean(values)))


def _thinning(results: Results, detail: Detail) -> str:
    stored = int(results.curves.groupby("id", observed=True).size().max()) if len(results.curves) else 0
    text = "Curves are means over the data orders, at the best and at the theorem's learning rate"
    if stored > detail.rounds:
        text += f", thinned to {detail.rounds} of {stored} stored rounds"
    else:
        text += ", with every stored round"
    if not detail.spectra:
        text += ", without spectra"
    elif detail != LEVELS[0]:
        text += f", and spectra to about {detail.eigenvalues} eigenvalues at up to {detail.spectra} rounds"
    return text + "; 4 digits. Every run's final numbers are here; 5 digits. The directory of results has it all."
