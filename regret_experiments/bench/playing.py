"""Play the suite: what a learner cannot play, its two stages as a sweep, and the numbers of its entry."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oco.errors import OcoError
from regret_experiments.bench.contestant import Contestant
from regret_experiments.bench.suite import SCORE, THEOREM, TUNE, Suite
from regret_experiments.execution import Backend, run_sweep
from regret_experiments.execution.progress import Progress
from regret_experiments.plan import make_plan
from regret_experiments.plan.building import BuiltEnvironment, build_learner, check_suits
from regret_experiments.plan.keywords import KeywordError
from regret_experiments.store import Store
from regret_experiments.store.results import load

if TYPE_CHECKING:
    import pandas as pd

ROW = (
    "order", "loss", "regret_lower", "regret_upper", "regret_dynamic", "bound", "bound_valid", "verdict", "peak_floats",
    "rank", "violations", "seconds",
)  # fmt: skip
"""The numbers of a scored run, as an entry has them. ``regret_dynamic`` is None where nothing drifts."""


@dataclass
class Played:
    """What came of a learner's games.

    Attributes
    ----------
    streams
        By name: ``point``, the best of ``tuning`` (pairs of a point and its loss), ``rows`` on the orders, see `ROW`,
        and ``theorem``, the row of one order at the theorem's learning rate, where there is one.
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


@dataclass(frozen=True)
class Fit:
    """What a learner can play.

    Attributes
    ----------
    names
        Streams that it can start on.
    gaps, absent
        Sentences by name of a stream that the learner cannot play, and of one whose data is not on this machine.
    """

    names: list[str]
    gaps: dict[str, str]
    absent: dict[str, str]


def fit_of(suite: Suite, learner: Contestant, start: Callable[[dict[str, Any], BuiltEnvironment], None]) -> Fit:
    """What ``learner`` can play: ``start`` starts it with some hyper-parameters, or raises an `OcoError`."""
    names: list[str] = []
    gaps: dict[str, str] = {}
    absent = {stream.name: stream.absent for stream in suite.streams if stream.absent}
    for stream in suite.streams:
        if stream.name in absent:
            continue
        try:
            for point in learner.points(stream.built.dimension):
                start(point, stream.built)
        except (KeywordError, OcoError) as error:
            gaps[stream.name] = str(error)
        else:
            names.append(stream.name)
    return Fit(names, gaps, absent)


def start_here(learner: Contestant) -> Callable[[dict[str, Any], BuiltEnvironment], None]:
    """Starts a learner of the library in this process."""

    def start(point: dict[str, Any], built: BuiltEnvironment) -> None:
        check_suits(build_learner(learner.kind, point), built)

    return start


def play_suite(
    suite: Suite,
    learner: Contestant,
    fit: Fit,
    directory: Path,
    *,
    backend: Backend | None = None,
    progress: Progress | None = None,
) -> Played:
    """Tune the learner on one order of every stream that it can play, and score its best point on the other orders.

    Parameters
    ----------
    directory
        Of all learners; the learner's results are in a directory of it, as of any sweep. What is stored there is not
        played again, and best fixed points are taken over from the other learners.
    """
    names, played = list(fit.names), Played(gaps=dict(fit.gaps), absent=fit.absent)
    if not names:
        return played
    store = Store(directory / learner.label)
    _lend_games(directory, store.path)
    run: dict[str, Any] = {"backend": backend, "progress": progress}
    if run_sweep(make_plan(suite.config(learner.entry, names, (TUNE,))), store, **run).interrupted:
        played.interrupted = True
        return played
    runs = load(store.path).runs
    for name in fit.names:
        mine = runs[runs["environment"] == name]
        if not (mine["status"] == "finished").any():
            played.gaps[name] = f"every point failed: {mine['message'].iloc[0]}"
            names.remove(name)
    if names:
        summary = run_sweep(make_plan(suite.config(learner.entry, names, (TUNE, SCORE))), store, **run)
        played.interrupted = summary.interrupted
        if not summary.interrupted:
            _collect(load(store.path).runs, names, played)
    if learner.at_theorem is not None and played.streams and not played.interrupted:
        _play_at_theorem(suite, learner.at_theorem, store.path, played, run)
    return played


def _play_at_theorem(suite: Suite, entry: dict[str, Any], home: Path, played: Played, run: dict[str, Any]) -> None:
    """Play one order of every stream at the theorem's learning rate, where its bound is what the theorem promises."""
    store = Store(home / THEOREM)
    _lend_games(home.parent, store.path)
    summary = run_sweep(make_plan(suite.config(entry, list(played.streams), (THEOREM,))), store, **run)
    played.interrupted = summary.interrupted
    if not summary.interrupted:
        for run_of in load(store.path).runs.to_dict("records"):
            if run_of["status"] == "finished":
                played.streams[run_of["environment"]]["theorem"] = _row(run_of)


def _lend_games(directory: Path, target: Path) -> None:
    """Copy best fixed points that other learners found; files are named by content and checked when read."""
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
    valid = run.get("bound_valid")
    broken = str(run.get("violations") or "")
    return [
        int(run["order"]), _number(run["cumulative_loss"]),
        *(_number(run.get(name)) for name in ("regret_lower", "regret_upper", "regret_dynamic", "bound")),
        None if valid is None or valid != valid else bool(valid), str(run["verdict"]), int(run["peak_state_floats"]),
        None if run["rank"] is None or run["rank"] != run["rank"] else int(run["rank"]),
        len(broken.split("; ")) if broken else 0, round(float(run["seconds"]), 4),
    ]  # fmt: skip


def _number(value: Any) -> float | None:
    """A float; None where it is missing or not finite."""
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None
