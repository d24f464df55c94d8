"""Write results for other programs: CSV, and Parquet where pyarrow is installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from oco.errors import ConfigError
from regret_experiments.store.files import write_atomic

if TYPE_CHECKING:
    import pandas as pd

    from regret_experiments.store.results import Results
    from regret_experiments.store.store import Store


def write_csv(store: Store, results: Results, table: pd.DataFrame) -> None:
    """Write ``curves.csv``, ``runs.csv`` and ``table.csv`` into the directory of results.

    The curves take longest. They are left alone while ``runs.csv``, which is written after them, is what it would be:
    it has the id of every run and how long that took, so the curves are of the same runs.
    """
    runs = csv_text(results.runs)
    if not (store.has_text("runs.csv", runs) and (store.path / "curves.csv").is_file()):
        store.write_text("curves.csv", csv_text(results.curves))
    store.write_text("runs.csv", runs)
    store.write_text("table.csv", csv_text(table))


def csv_text(frame: pd.DataFrame) -> str:
    """``frame`` as CSV that a spreadsheet does not run.

    A spreadsheet takes a cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line end for a formula, so such
    text gets a ``'`` in front; numbers stay as they are.
    """
    safe = frame.rename(columns=_no_formula).copy(deep=False)
    for place, kind in enumerate(safe.dtypes):
        if kind.kind not in "biufc":
            column = safe.iloc[:, place]
            # Of a categorical column only the few categories are looked at, not the cells.
            column = column if kind.name == "category" else column.astype(object)
            safe.isetitem(place, column.map(_no_formula).to_numpy())
    return safe.to_csv(index=False, lineterminator="\n")


def _no_formula(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    cell = cell.replace("\r\n", "\n").replace("\r", "\n")  # a bare \r is not quoted, and begins a row in a spreadsheet
    if not cell.startswith(("=", "+", "-", "@", "\t", "\n")):
        return cell
    try:
        float(cell)
    except ValueError:
        return "'" + cell
    return cell


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
