"""Write results for other programs: CSV, and Parquet where pyarrow is installed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from oco.errors import ConfigError, StoreError
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


SCHEMA = 1
"""Version of the layout of the Parquet files, kept in their metadata under ``oco.schema``; docs/sweeps.md has it."""
_SCHEMA_KEY = b"oco.schema"


class Tables(NamedTuple):
    """The runs and the curves of a sweep, as `Results.runs` and `Results.curves` have them."""

    runs: pd.DataFrame
    curves: pd.DataFrame


def write_parquet(results: Results, directory: Path) -> list[Path]:
    """Write ``runs.parquet`` and ``curves.parquet``; returns their paths."""
    pyarrow, parquet = _pyarrow()
    written = []
    for name, frame in (("runs", results.runs), ("curves", results.curves)):
        path = Path(directory) / f"{name}.parquet"
        table = pyarrow.Table.from_pandas(frame, preserve_index=False)
        table = table.replace_schema_metadata(table.schema.metadata | {_SCHEMA_KEY: str(SCHEMA).encode()})
        stream = io.BytesIO()
        parquet.write_table(table, stream)
        write_atomic((path, stream.getvalue()))
        written.append(path)
    return written


def read_parquet(directory: str | Path) -> Tables:
    """Read what `write_parquet` or ``oco export --parquet`` wrote: the same frames, with the same types.

    Raises
    ------
    ConfigError
        If pyarrow is not installed.
    StoreError
        If a file cannot be read, is no table of a sweep, or is one of another version.
    """
    pyarrow, parquet = _pyarrow()
    frames = []
    for name in ("runs", "curves"):
        path = Path(directory) / f"{name}.parquet"
        try:
            table = parquet.read_table(path)
        except (OSError, pyarrow.ArrowException) as error:
            raise StoreError(f"{path} cannot be read as Parquet: {error}") from error
        version = (table.schema.metadata or {}).get(_SCHEMA_KEY)
        if version != str(SCHEMA).encode():
            found = "no table of a sweep" if version is None else f"of version {version.decode(errors='replace')}"
            raise StoreError(
                f"{path} is {found}; this program reads version {SCHEMA}, which oco export --parquet writes"
            )
        frames.append(table.to_pandas())
    return Tables(*frames)


def curves_dataset(results: Results) -> Any:
    """The curves as an `xarray.Dataset` with the dimensions ``id`` (a run) and ``round``; NaN where a run has none.

    Coordinates of ``id``: ``environment``, ``learner``, ``rank`` (NaN without one) and ``order``. One variable for
    every curve.

    Raises
    ------
    ConfigError
        If xarray is not installed, or no run is finished.
    """
    try:
        import xarray  # noqa: F401
    except ImportError:
        raise ConfigError("a dataset of curves needs the extra: pip install 'oco-regret[xarray]'") from None
    curves = results.curves
    if curves.empty:
        raise ConfigError(f"no run in {results.path} is finished yet: there are no curves")
    labels = ["stage", "environment", "learner", "rank", "order"]
    indexed = curves.drop(columns=labels).astype({"id": str, "round": int}).set_index(["id", "round"])
    dataset = indexed.to_xarray()
    runs = curves.drop_duplicates("id").set_index("id").loc[dataset["id"].to_numpy()]
    for name in labels:
        values = runs[name].astype(float if name == "rank" else int if name == "order" else str).to_numpy()
        dataset = dataset.assign_coords({name: ("id", values)})
    return dataset


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise ConfigError("Parquet needs the extra: pip install 'oco-regret[parquet]'") from None
    return pyarrow, parquet
