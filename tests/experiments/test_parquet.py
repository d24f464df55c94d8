"""Results as Parquet and back with every value and type, and their curves as an xarray dataset."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from small_sweeps import fail, play

from oco.errors import ConfigError, StoreError
from regret_experiments import curves_dataset, load, read_parquet
from regret_experiments.store.export import write_parquet
from regret_experiments.store.results import Results

parquet = pytest.importorskip("pyarrow.parquet")

CONFIG = """
name: tables
orders: 2
checkpoints: 4
environments:
  - {name: "a+b", kind: spectrum_linear, dimension: 3, horizon: 30, domain: {kind: ball, radius: 1.0}}
  - {name: late, kind: delayed, delay: 2, environment: {kind: spectrum_linear, dimension: 3, horizon: 20}}
learners:
  - {kind: ogd, learning_rate: [theorem, 0.5], schedule: constant}
  - {kind: fd_adagrad, rank: [1, 2], environments: ["a+b"]}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    path = play(CONFIG, tmp_path_factory.mktemp("tables"))
    fail(path, 1)
    return load(path)


def test_what_is_written_is_what_is_read(results: Results, tmp_path: Path) -> None:
    assert [path.name for path in write_parquet(results, tmp_path)] == ["runs.parquet", "curves.parquet"]
    read = read_parquet(tmp_path)
    assert (results.runs["status"] == "failed").sum() == 1
    for found, expected in ((read.runs, results.runs), (read.curves, results.curves)):
        assert_frame_equal(found, expected, check_exact=True)
        assert list(map(str, found.dtypes)) == list(map(str, expected.dtypes))
    written = parquet.read_schema(tmp_path / "curves.parquet")
    assert written.metadata[b"oco.schema"] == b"1"
    assert {str(written.field(name).type) for name in ("rank", "order")} == {"int64"}
    assert {str(written.field(name).type) for name in ("round", "regret_upper", "cumulative_loss")} == {"double"}


def test_foreign_files_are_refused_in_one_sentence(results: Results, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"runs\.parquet cannot be read as Parquet"):
        read_parquet(tmp_path)
    write_parquet(results, tmp_path)
    (tmp_path / "curves.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(StoreError, match=r"curves\.parquet cannot be read as Parquet"):
        read_parquet(tmp_path)
    pd.DataFrame({"id": ["a"]}).to_parquet(tmp_path / "runs.parquet")
    with pytest.raises(StoreError, match=r"runs\.parquet is no table of a sweep"):
        read_parquet(tmp_path)


def test_a_dataset_has_the_curves_by_run_and_round(results: Results, tmp_path: Path) -> None:
    pytest.importorskip("xarray")
    dataset = curves_dataset(results)
    assert dict(dataset.sizes) == {
        "id": results.curves["id"].nunique(), "round": results.curves["round"].nunique()
    }  # fmt: skip
    for row in results.curves.to_dict("records"):
        at = dataset.sel(id=row["id"], round=int(row["round"]))
        np.testing.assert_array_equal(float(at["regret_upper"]), row["regret_upper"])
        assert (str(at["environment"].item()), str(at["learner"].item())) == (row["environment"], row["learner"])
        assert int(at["order"]) == row["order"]
    late = dataset.where(dataset["environment"] == "late", drop=True)
    assert np.isnan(late["rank"]).all()
    empty = play(CONFIG.replace("tables", "none"), tmp_path)
    shutil.rmtree(empty / "runs")
    with pytest.raises(ConfigError, match="there are no curves"):
        curves_dataset(load(empty))
