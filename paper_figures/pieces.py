"""Shared by the scripts of the paper: directories, and tables and figures with their provenance."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from regret_experiments.figures.drawing import save
from regret_experiments.store import Store

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Places:
    """Where a script reads and writes.

    Attributes
    ----------
    results
        Directory of the sweeps' results.
    tables, figures
        Where tables and figures are written.
    """

    results: Path = ROOT / "results"
    tables: Path = ROOT / "results" / "reference" / "paper"
    figures: Path = ROOT / "paper_figures"

    @classmethod
    def from_arguments(cls, description: str | None, arguments: list[str] | None = None) -> Places:
        """Read the places from a script's command line; by default they are those of the repository."""
        parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
        for name in ("results", "tables", "figures"):
            parser.add_argument(f"--{name}", type=Path, default=getattr(cls, name))
        return cls(**vars(parser.parse_args(arguments)))

    @classmethod
    def inside(cls, directory: Path) -> Places:
        """Everything in one directory."""
        return cls(directory, directory / "tables", directory / "figures")

    def sweep(self, name: str) -> Path | None:
        """Directory of the results of the sweep of configs/paper/NAME.yaml; None where it was not run."""
        path = self.results / f"paper_{name}"
        return path if (path / "plan.json").is_file() else None

    def require(self, name: str) -> Path:
        """Directory of the results of a sweep; exits with one sentence if it was not run."""
        path = self.sweep(name)
        if path is None:
            raise SystemExit(f"there are no results of {name} yet: oco sweep configs/paper/{name}.yaml")
        return path

    def write_table(self, name: str, table: pd.DataFrame, sources: Iterable[Path] = (), **facts: Any) -> None:
        """Write NAME.csv, and NAME.json with what it was made from: sweeps (configs, seeds) and other facts."""
        self.tables.mkdir(parents=True, exist_ok=True)
        table.to_csv(self.tables / f"{name}.csv", index=False, float_format="%.9g", lineterminator="\n")
        provenance = {"sweeps": {path.name: _provenance(path) for path in sources}} | facts
        text = json.dumps(provenance, indent=1, sort_keys=True) + "\n"
        (self.tables / f"{name}.json").write_text(text, encoding="utf-8")

    def write_figure(self, name: str, figure: Any, caption: str) -> None:
        """Write NAME.pdf and NAME.png, and NAME.txt with the caption."""
        self.figures.mkdir(parents=True, exist_ok=True)
        for ending in ("pdf", "png"):
            save(figure, self.figures / f"{name}.{ending}")
        (self.figures / f"{name}.txt").write_text(" ".join(caption.split()) + "\n", encoding="utf-8")


def data_of(path: Path, identifier: str) -> str:
    """Name of the data set that a stored run was played on; of a file, its name without directory and ending."""
    run = Store(path).read("runs", identifier)
    assert run is not None
    return Path(run.metadata["content"]["environment"]["keywords"]["data"]).stem


def _provenance(path: Path) -> dict[str, Any]:
    """The config's checksum, the packages and commits of the runs, and every stream's seed by environment and order."""
    store = Store(path)
    seeds: dict[str, dict[str, int]] = {}
    played: set[str] = set()
    for listed in (store.plan() or {"runs": []})["runs"]:
        run = store.read("runs", listed["id"])
        if run is not None and run.finished:
            seeds.setdefault(listed["environment"], {})[str(listed["order"])] = run.metadata["seeds"]["order"]
            played.add(run.metadata["provenance"])
    facts = [fact for name in sorted(played) if (fact := store.provenance(name)) is not None]
    return {
        "config_sha256": hashlib.sha256((path / "config.yaml").read_bytes()).hexdigest(),
        "seeds": seeds,
        "packages": _once(fact["machine"]["packages"] for fact in facts),
        "commits": _once((fact["git"] or {}).get("commit") for fact in facts),
    }


def _once(values: Iterable[Any]) -> list[Any]:
    return list({json.dumps(value, sort_keys=True): value for value in values}.values())
