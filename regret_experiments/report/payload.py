"""The content of the report page as plain values: learners, games, points with their curves, and every run."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from regret_experiments.figures.common import styles_of
from regret_experiments.figures.curves import axis_titles
from regret_experiments.figures.memory import memory_data
from regret_experiments.figures.selection import RATES, Against, Rate, omegas, spectrum_data
from regret_experiments.figures.style import LearnerStyle, luminance, readable
from regret_experiments.report.curves import AGAINST, Curves, averaged, thinned_curves
from regret_experiments.report.encoding import dumps, rounded, rounded_list, thinned
from regret_experiments.report.findings import REGRET, findings, memory_table, opening
from regret_experiments.report.games import Game, games_of
from regret_experiments.report.runs import listed, run_columns
from regret_experiments.store import Store
from regret_experiments.tables.group import Group as TableGroup
from regret_experiments.tables.group import draws
from regret_experiments.tables.run_columns import floats, loss_column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regret_experiments.store.reading import StoredRun
    from regret_experiments.store.results import Results

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
    games = games_of(runs)
    measure, known = _measure(runs), listed(results)
    payload: dict[str, Any] = {
        "name": results.name,
        "measure": measure,
        "description": plan.get("description", ""),
        "counts": {name: int(status.get(name, 0)) for name in ("finished", "failed", "missing")},
        "shortfalls": list(results.shortfalls),
        "learners": [_learner(name, style) for name, style in styles.items()],
        "titles": {against: _titles(known.names, against, measure) for against in AGAINST},
        "reproduce": f"oco reproduce {shlex.quote(_shown_path(results.path))}",
    }
    stored = results.stored
    if "damaged" in status:
        payload["counts"]["damaged"] = int(status["damaged"])
    payload |= run_columns(results, known.metadata, styles, games, _measured(runs, measure))
    base = len(dumps(payload))
    limit = limit or (900_000 if len(runs) <= 500 else 2_800_000)
    places = {identifier: i for i, identifier in enumerate(runs["id"].tolist())}
    count = sum(len(group.values(rate, "id")) > 0 for game in games for group in game.groups for rate in RATES)
    seen = [Seen.of(game, styles, measure) for game in games]
    curves: Curves = {}
    for detail in LEVELS:
        if detail is not LEVELS[-1] and base + count * _least_size(stored, detail) > limit:
            continue
        built = [
            _game(stored, game, each, styles, places, detail, measure, curves)
            for game, each in zip(games, seen, strict=True)
        ]
        payload["games"] = built
        if base + len(dumps(built)) <= limit:
            break
    payload["opening"] = opening(games, measure)
    payload["thinning"] = _thinning(known.rounds, detail)
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


@dataclass(frozen=True)
class Seen:
    """What is said of a game at every level of detail: the findings, and regrets by rate, learner and rank."""

    findings: dict[str, Any]
    regrets: dict[Rate, dict[tuple[str, int | None], list[Any]]]

    @classmethod
    def of(cls, game: Game, styles: dict[str, LearnerStyle], measure: str) -> Seen:
        """Of one game."""
        table = memory_table(game, measure)
        return cls(findings(game, styles, measure), {rate: _triples(table, rate) for rate in RATES})


def _game(
    stored: Mapping[str, StoredRun],
    game: Game,
    seen: Seen,
    styles: dict[str, Any],
    places: dict[str, int],
    detail: Detail,
    measure: str,
    curves: Curves,
) -> dict[str, Any]:
    finished = game.runs[game.runs["status"] == "finished"]
    dimension = int(finished["dimension"].max()) if len(finished) else None
    ranks = sorted({int(rank) for rank in game.runs["rank"].dropna()})
    shown: dict[str, Any] = {"stage": game.stage, "environment": game.environment, "title": game.title}
    shown |= {"dimension": dimension, "ranks": ranks} | seen.findings
    if finished.empty:
        return shown | {"rounds": [], "indices": [], "groups": []}
    some = stored[finished["id"].iloc[0]].arrays
    kept_rounds = thinned(len(some["round"]), detail.rounds)
    count = some["spectra"].shape[1] if "spectra" in some else 0
    kept_values = thinned(count, detail.eigenvalues, ranks + [rank - 1 for rank in ranks]) if detail.spectra else []
    thinning = Thinning(kept_rounds, kept_values, detail.spectra)
    groups = []
    for group in game.groups:
        if not group.runs_finished:
            continue
        learner, rank = group.key["learner"], None if pd.isna(group.key["rank"]) else int(group.key["rank"])
        entry: dict[str, Any] = {"learner": list(styles).index(learner), "rank": rank}
        entry |= {"floats": group.largest("peak_state_floats"), "formula": rounded(group.memory_formula)}
        for rate in RATES:
            entry[rate] = None
            if identifiers := group.values(rate, "id"):
                entry[rate] = {
                    "regret": seen.regrets[rate][learner, rank],
                    **_point(stored, group, rate, thinning, measure, curves),
                }
                entry[rate] |= {"runs": [places[identifier] for identifier in identifiers]}
                entry[rate] |= {"rate": group.point(rate)}
                entry[rate] |= {"orders": [group.orders(rate), group.orders_planned(rate)]}
                if draws(group.key["kind"]):
                    entry[rate] |= {"expected": _expected(group, rate)}
        groups.append(entry)
    rounds = [int(some["round"][i]) for i in kept_rounds]
    return shown | {"rounds": rounds, "indices": [i + 1 for i in kept_values], "groups": groups}


def _triples(table: pd.DataFrame, rate: Rate) -> dict[tuple[str, int | None], list[Any]]:
    """What `regret_vs_memory` draws, by learner and rank: mean over the orders, and their range."""
    return {
        (learner, line.ranks[i] if line.ranked else None): [rounded(float(values[i])) for values in line.regrets]
        for learner, line in memory_data(table, rate).items()
        for i in range(len(line.x))
    }


@dataclass(frozen=True)
class Thinning:
    """Places of the rounds and of the eigenvalues that are kept, and how many spectra are."""

    rounds: list[int]
    eigenvalues: list[int]
    spectra: int


def _point(
    stored: Mapping[str, StoredRun], group: TableGroup, rate: Rate, thinning: Thinning, measure: str, curves: Curves
) -> dict[str, Any]:
    """One learner at one rank at one learning rate: means over the orders, curves, the spectrum of the first order."""
    identifiers = tuple(group.values(rate, "id"))
    arrays = [stored[identifier].arrays for identifier in identifiers]
    if identifiers not in curves:
        curves[identifiers] = averaged(arrays, measure)
    point: dict[str, Any] = {
        "bound": _mean(group.floats(rate, "bound")),
        "tail": _mean(group.floats(rate, "tail_mass")),
        "escaped": _mean(group.floats(rate, "escaped_mass")),
        "curve": thinned_curves(curves[identifiers], thinning.rounds),
    }
    if thinning.eigenvalues and "spectra" in arrays[0]:
        rank, dimension = group.key["rank"], group.values(rate, "dimension")[0]
        found = spectrum_data(arrays[0])
        shown = thinned(len(found.rounds), thinning.spectra)[-thinning.spectra :]
        point["spectrum"] = {
            "rounds": [int(found.rounds[i]) for i in shown],
            "values": [rounded_list(found.eigenvalues[i][thinning.eigenvalues]) for i in shown],
        }
        if not pd.isna(rank):
            point["omega"] = rounded(omegas(arrays[0], int(dimension), int(rank))[-1])
    return point


def _titles(names: set[str], against: Against, measure: str) -> list[str]:
    """What is across and up in the figure of curves."""
    titles = axis_titles(dict.fromkeys(names), against if measure == REGRET else "loss")
    return [title.replace("$", "") for title in titles]


def _measure(runs: pd.DataFrame) -> str:
    """The measure that the page compares learners by: regret, or the loss if no finished run has a regret."""
    if not (runs["status"] == "finished").any() or floats(runs, "regret_upper").notna().any():
        return REGRET
    return {"final_loss": "training loss"}.get(loss_column(runs), "cumulative loss")


def _measured(runs: pd.DataFrame, measure: str) -> tuple[str, str]:
    """Heading and source of the column with the measure of the runs."""
    return ("Regret at most", "regret_upper") if measure == REGRET else (measure.capitalize(), loss_column(runs))


def _expected(group: TableGroup, rate: Rate) -> list[Any]:
    """Mean regret of a learner that draws, half the 95 % interval (null for one run), and the number of runs."""
    mean = group.error(rate, "regret")
    runs = group.values(rate, "id")
    return [rounded(mean.value), rounded(mean.high - mean.value), len(runs)]


def _mean(values: Any) -> Any:
    return rounded(float(np.mean(values)))


def _thinning(stored: int, detail: Detail) -> str:
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
