"""Open a directory of results as tidy pandas tables."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from oco.errors import StoreError
from oco.memory import collector_paused
from oco.regret.verdict import verdict
from regret_experiments.store.arrays import Arrays
from regret_experiments.store.completeness import shortfalls
from regret_experiments.store.held import HeldRuns
from regret_experiments.store.hyperparameters import Hyperparameters, tuned_by_config
from regret_experiments.store.index import Summary, summaries
from regret_experiments.store.reading import FINISHED, Fault, StoredRun
from regret_experiments.store.store import Store

_LABELS = ("id", "stage", "environment", "learner", "kind", "rank", "order", "repetition", "status")
_DERIVED = ("point", "verdict", "violations", "seconds", "message")
_NUMBERS = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


class Results:
    """The stored results of a sweep so far.

    Attributes
    ----------
    path
        The directory.
    name
        Name of the sweep.
    hyperparameters
        Columns of ``runs`` that hold hyper-parameters.
    stored
        Every whole run in the directory by its id, asked for or not; read when it is asked for.
    tuned
        Those whose best value tables look for; runs that differ in any other one are different learners in tables.
    """

    def __init__(self, path: str | Path, *, indexed: bool = True) -> None:
        self.path = Path(path)
        self._store = Store(path)
        if not self.path.is_dir():
            raise StoreError(f"there are no results at {self.path}: no such directory")
        with collector_paused():  # a quarter of the time
            self._read(indexed)

    def _read(self, indexed: bool) -> None:
        plan = self._store.plan()
        self._planned = plan is not None
        self.name = str(plan["name"]) if plan else self.path.name
        self.stored = HeldRuns(self._store)
        found, self._faults = summaries(self.path, self.stored.keep, indexed=indexed)
        self.stored.ids = found.keys()
        listed = plan["runs"] if plan else [_labels_of(run) for run in self.stored.values()]
        self._stages: list[str] = plan.get("stages", []) if plan else []
        tuned = plan.get("tuned") if plan else None
        scalars: set[str] = set().union(*(run.get("scalars", ()) for run in found.values()))
        self._points = Hyperparameters(
            listed, tuned_by_config(self._store) if tuned is None else tuned, {*_LABELS, *_DERIVED, *scalars}
        )
        self.hyperparameters, self.tuned = self._points.names, self._points.tuned
        kinds: dict[str, str] = plan["kinds"] if plan else {}
        self._rows: list[tuple[dict[str, Any], Summary | None]] = []
        for row in listed:
            kind = row.get("kind") or kinds.get(row["learner"], row["learner"])
            self._rows.append((row | {"kind": kind} | self._points.describe(row), found.get(row["id"])))
        asked = self._asked = {row["id"] for row in listed}
        self.foreign: tuple[str, ...] = tuple(name for name in found if name not in asked)

    @cached_property
    def shortfalls(self) -> tuple[str, ...]:
        """Sentences on runs that are missing, damaged, failed or not planned, counts first; empty if complete."""
        found = shortfalls(self.runs, self.faults, self.foreign, self._stages, self.path)
        if self._planned:
            return found
        return (*(found or ("what was asked for is not known",)), "plan.json is missing")

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row for every run of the plan, played or not.

        Columns: ``id``, ``stage``, ``environment``, ``learner`` (names in the config), ``kind``, ``rank``, ``order``,
        ``repetition``, ``status`` (finished, failed, missing, damaged), a column for every hyper-parameter that the
        config gives (``learning_rate`` is missing where it is the theorem's), ``point``: the tuned ones as one text,
        final numbers by their names in `oco.Record.scalars`, ``verdict`` on the bound (see `oco.regret.Verdict`),
        ``seconds`` and ``seconds_play`` and so on, ``message`` of a failure.
        """
        with collector_paused():
            frame = pd.DataFrame([_row(labels, summary) for labels, summary in self._rows])
        if frame.empty:
            return pd.DataFrame(columns=[*_LABELS, "message"])
        if (frame["status"] == "missing").any():
            damaged = {fault.path.stem: fault.reason for fault in self.faults}
            harmed = (frame["status"] == "missing") & frame["id"].isin(damaged)
            frame.loc[harmed, "status"] = "damaged"
            frame.loc[harmed, "message"] = frame.loc[harmed, "id"].map(damaged)
        front = dict.fromkeys((*_LABELS, *self.hyperparameters, "point"))
        frame = frame.reindex(columns=[*front, *frame.columns.difference([*front, "message"], sort=False), "message"])
        frame["rank"] = frame["rank"].astype("Int64")
        return frame

    @cached_property
    def faults(self) -> list[Fault]:
        """Stored files that are damaged, by path and reason; their runs count as missing."""
        return self._faults + self._store.faults("games", "provenance")

    @cached_property
    def curves(self) -> pd.DataFrame:
        """One row for every checkpoint of every finished run.

        Columns: ``id``, ``stage``, ``environment``, ``learner``, ``rank``, ``order``, and the curves by their names in
        `oco.Record.curves`.
        """
        return self.curves_of(self._asked)

    def curves_of(self, identifiers: Collection[str]) -> pd.DataFrame:
        """The rows of `curves` of some runs."""
        played = [
            (labels, _curves(self.stored[labels["id"]]))
            for labels, summary in self._rows
            if summary is not None and summary["status"] == FINISHED and labels["id"] in identifiers
        ]
        lengths = [len(curves["round"]) for _, curves in played]
        columns: dict[str, Any] = {}
        for name in ("id", "stage", "environment", "learner"):
            columns[name] = pd.Categorical([labels[name] for labels, _ in played]).repeat(lengths)
        for name in ("rank", "order"):
            values = pd.array([labels[name] for labels, _ in played], dtype="Int64")
            columns[name] = values.repeat(lengths)
        names = dict.fromkeys(name for _, curves in played for name in curves)
        absent = np.full(max(lengths, default=0), np.nan)
        for name in names:
            parts = [
                curves[name] if name in curves else absent[:length]
                for (_, curves), length in zip(played, lengths, strict=True)
            ]
            columns[name] = np.concatenate(parts)
        return pd.DataFrame(columns)

    def arrays(self, identifier: str) -> Arrays:
        """Every array of one run: its curves, ``spectrum_rounds`` and ``spectra``."""
        return self._run(identifier).arrays

    def content(self, identifier: str) -> dict[str, Any]:
        """What the hash of one run covers: environment, order, learner and what was tracked."""
        return dict(self._run(identifier).metadata["content"])

    def _run(self, identifier: str) -> StoredRun:
        if identifier in self._asked and identifier in self.stored:
            return self.stored[identifier]
        raise StoreError(f"there is no run {identifier!r} in {self.path}")

    def _repr_html_(self) -> str:
        """The sweep for a notebook."""
        from regret_experiments.store.notebook import results_html

        return results_html(self)

    def __repr__(self) -> str:
        """Name, directory and number of runs."""
        return f"Results({self.name!r}, {str(self.path)!r}, {len(self._rows)} runs)"


def load(path: str | Path, *, indexed: bool = True) -> Results:
    """Open the results of a sweep.

    Parameters
    ----------
    path
        The directory.
    indexed
        Whether a large directory may have an index, with which only files that have changed are read. False reads
        every byte of every run.

    Examples
    --------
    >>> results = load("results/rank_sweep")                                    # doctest: +SKIP
    >>> results.runs.groupby(["learner", "rank"])["regret_upper"].min()         # doctest: +SKIP
    """
    return Results(path, indexed=indexed)


def _curves(stored: StoredRun) -> Arrays:
    return {name: array for name, array in stored.arrays.items() if array.ndim == 1 and name != "spectrum_rounds"}


def _row(labels: dict[str, Any], summary: Summary | None) -> dict[str, Any]:
    row = {name: labels[name] for name in _LABELS if name in labels}
    row["status"] = "missing" if summary is None else summary["status"]
    row |= labels["hyperparameters"] | {"point": labels["point"]}
    row["message"] = None
    if summary is None:
        return row
    for name, value in summary.get("scalars", {}).items():
        if name not in row:
            row[name] = _NUMBERS.get(value, value) if type(value) is str else value
    row["violations"] = "; ".join(summary.get("violations", []))
    if summary["status"] == FINISHED:
        row["verdict"] = str(
            verdict(*(row.get(name) for name in ("regret_lower", "regret_upper", "bound", "bound_valid")))
        )
    row["seconds"] = summary.get("seconds")
    row |= {f"seconds_{part}": value for part, value in summary.get("timings", {}).items()}
    row["message"] = summary.get("message")
    return row


def _labels_of(stored: StoredRun) -> dict[str, Any]:
    """Labels of a run that no plan lists, from its own content."""
    from oco.learners import LEARNERS
    from oco.learners.requirements import current_names

    content = stored.metadata["content"]
    kind = content["learner"]["kind"]
    hyperparameters = current_names(LEARNERS.built_in.get(kind, object), content["learner"]["hyperparameters"])
    return {
        "id": stored.id,
        "stage": "",
        "environment": content["environment"]["kind"],
        "learner": kind,
        "kind": kind,
        "rank": hyperparameters.get("rank"),
        "order": content["order"],
        "repetition": content["repetition"],
        "point": {key: value for key, value in hyperparameters.items() if key != "rank"},
    }
