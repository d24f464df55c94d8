"""Write results for other programs: CSV, and Parquet where pyarrow is installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from oco.errors import ConfigError
from regret_experiments.store.files import write_atomic

if TYPE_CHECKING:
    import pandas as pd

    from regret_experiments.store.results import Results
    from regret_experiments.store.store import Store


def write_csv(store: Store, results: Results, table: pd.DataFrame) -> None:
    """Write ``runs.csv``, ``curves.csv`` and ``table.csv`` into the directory of results."""
    for name, frame in (("runs", results.runs), ("curves", results.curves), ("table", table)):
        store.write_text(f"{name}.csv", frame.to_csv(index=False, lineterminator="\n"))


def write_parquet(results: Results, directory: Path) -> list[Path]:
    """Write ``runs.parquet`` and ``curves.parquet``; returns their paths."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise ConfigError("Parquet needs the extra: pip install 'oco-regret[parquet]'") from None
    written = []
    for name, frame in (("runs", results.runs), ("curves", results.curves)):
        path = directory / f"{name}.parquet"
        write_atomic((path, frame.to_parquet(index=False)))
        written.append(path)
    return written
