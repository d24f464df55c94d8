"""Play the suite: what a learner cannot play, its two stages as a sweep, and the numbers of its entry."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regret_experiments.bench.contestant import Contestant
from regret_experiments.bench.suite import SCORE, TUNE, Suite
from regret_experiments.execution import Backend, run_sweep
from regret_experiments.execution.progress import Progress
from regret_experiments.plan import make_plan
from regret_experiments.plan.building import build_learner, check_suits
from regret_experiments.plan.keywords import KeywordError
from regret_experiments.store import Store
from regret_experiments.store.results import load

if TYPE_CHECKING:
    import pandas as pd

ROW = (
    "order", "loss", "regret_lower", "regret_upper", "bound", "bound_valid", "verdict", "peak_floats", "rank",
    "violations", "seconds",
)  # fmt: skip
"""The numbers of a scored run, in the order in which an entry has them."""


@dataclass
class Played:
    """What came of a learner's games.

    Attributes
    ----------
    streams
        By name: ``point``, the best of ``tuning`` (pairs of a point and its loss), and ``rows``, see `ROW`.
    gaps
        Sentences by name of a stream that the learner cannot play.
    absent
        Sentences by name of a stream whose data is not on this machine.
    interrupted
        Whether it was asked to stop; the same call goes on.
    """

    streams: dict[str, dict[str, Any]] = field(default_factory=dict)
    gaps: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False


def suited(suite: Suite, learner: Contestant) -> tuple[list[str], dict[str, str], dict[str, str]]:
    """Names of the streams that the learner can start on, and reasons for those that it cannot, or nobody can here."""
    fit: list[str] = []
    gaps: dict[str, str] = {}
    absent = {stream.name: stream.absent for stream in suite.streams if stream.absent}
    for stream in suite.streams:
        if stream.name in absent:
            continue
        try:
            for point in learner.points(stream.built.dimension):
                check_suits(build_learner(learner.kind, point), stream.built)
        except KeywordError as error:
            gaps[stream.name] = str(error)
        else:
            fit.append(stream.name)
    return fit, gaps, absent


def play_suite(
    suite: Suite, learner: Contestant, directory: Path, *, backend: Backend | None = None, progress: Progress | None = None
) -> Played:
    """Tune the learner on one order of every stream that it can play, and score its best point on the other orders.

    Parameters
    ----------
    directory
        Of all learners; the learner's results are in a directory of it, as of any sweep. What is stored there is not
        played again, and best fixed points are taken over from the other learners.
    """
    fit, gaps, absent = suited(suite, learner)
    played = Played(gaps=gaps, absent=absent)
    if not fit:
        return played
    store = Store(directory / learner.label)
    _lend_games(directory, store.path)
    run: dict[str, Any] = {"backend": backend, "progress": progress}
    if run_sweep(make_plan(suite.config(learner.entry, fit, (TUNE,))), store, **run).interrupted:
        played.interrupted = True
        return played
    runs = load(store.path).runs
    for name in list(fit):
        mine = runs[runs["environment"] == name]
        if not (mine["status"] == "finished").any():
            gaps[name] = f"every point failed: {mine['message'].iloc[0]}"
            fit.remove(name)
    if fit:
        summary = run_sweep(make_plan(suite.config(learner.entry, fit, (TUNE, SCORE))), store, **run)
        played.interrupted = summary.interrupted
        if not summary.interrupted:
            _collect(load(store.path).runs, fit, played)
    return played


def _lend_games(directory: Path, target: Path) -> None:
    """Copy best fixed points that other learners found; their files are named by their content and checked when read."""
    for document in directory.glob("*/games/*/*.json"):
        place = target / document.relative_to(document.parents[2])
        if not place.exists() and document.parents[2] != target:
            place.parent.mkdir(parents=True, exist_ok=True)
            for source in (document.with_suffix(".npy"), document):
                if source.exists():
                    shutil.copyfile(source, place.with_name(source.name))


def _collect(runs: pd.DataFrame, names: list[str], played: Played) -> None:
    """The numbers of every stream; one on which a scored run failed is a gap."""
    for name in names:
        mine = runs[runs["environment"] == name]
        tuned, scored = mine[mine["stage"] == TUNE], mine[mine["stage"] == SCORE].sort_values("order")
        failed = scored[scored["status"] != "finished"]
        if len(failed):
            played.gaps[name] = f"order {failed['order'].iloc[0]} failed: {failed['message'].iloc[0]}"
            continue
        played.streams[name] = {
            "point": str(scored["point"].iloc[0]),
            "tuning": [[str(run["point"]), _number(run.get("cumulative_loss"))] for run in tuned.to_dict("records")],
            "rows": [_row(run) for run in scored.to_dict("records")],
        }


def _row(run: dict[Any, Any]) -> list[Any]:
    dynamic = _number(run.get("regret_dynamic"))
    lower, upper = (_number(run.get(name)) if dynamic is None else dynamic for name in ("regret_lower", "regret_upper"))
    valid = run.get("bound_valid")
    broken = str(run.get("violations") or "")
    return [
        int(run["order"]), _number(run["cumulative_loss"]), lower, upper, _number(run.get("bound")),
        None if valid is None or valid != valid else bool(valid), str(run["verdict"]), int(run["peak_state_floats"]),
        None if run["rank"] is None or run["rank"] != run["rank"] else int(run["rank"]),
        len(broken.split("; ")) if broken else 0, round(float(run["seconds"]), 4),
    ]  # fmt: skip


def _number(value: Any) -> float | None:
    """A float; None where it is missing or not finite."""
    import math

    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None
