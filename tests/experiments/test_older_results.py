"""Results that an older version wrote: every command opens them, and a sweep goes on with them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from regret_experiments import load
from regret_experiments.store import Store
from regret_experiments.store.sealed import MIGRATIONS, SCHEMA, Damaged, unseal

OLDER = Path(__file__).with_name("older_results")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A copy of six finished runs of schema 1."""
    return Path(shutil.copytree(OLDER / "schema_1", tmp_path / "results"))


def stored_files(path: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for kind in ("runs", "games") for file in (path / kind).glob("??/*")}


def test_there_are_results_of_every_older_schema() -> None:
    assert sorted(MIGRATIONS) == list(range(1, SCHEMA))
    assert all((OLDER / f"schema_{version}").is_dir() for version in MIGRATIONS)


def test_the_fixture_is_of_schema_1(results: Path) -> None:
    for file in results.rglob("*.json"):
        assert not {"schema", "sha256"} & json.loads(file.read_bytes()).keys()


def test_every_command_opens_them(results: Path, tmp_path: Path, oco: Any) -> None:
    assert load(results).faults == []
    assert load(results).runs["status"].tolist() == ["finished"] * 6
    before = stored_files(results)
    said = oco("table", results)
    assert said.code == 0
    assert "fd_adagrad" in said.out
    assert oco("plan", OLDER / "config.yaml", "--results", results).out.count("6 runs: 6 done, 0 failed, 0 left") == 1
    said = oco("check", results)
    assert (said.code, said.err) == (0, "")
    assert oco("report", results).code == 0
    assert oco("export", results).code == 0
    assert stored_files(results) == before


def test_a_sweep_goes_on_with_them(results: Path, oco: Any) -> None:
    table = load(results).runs.set_index("id")
    lost = next(Store(results).runs()).id
    for file in (results / "runs").glob(f"??/{lost}.*"):
        file.unlink()
    before = stored_files(results)
    said = oco("sweep", OLDER / "config.yaml", "--results", results, "--jobs", 1, "--no-figures")
    assert said.code == 0
    assert "1 runs played now, 5 were stored already" in said.out
    after = stored_files(results)
    assert {file: after[file] for file in before} == before
    new = results / "runs" / lost[:2] / f"{lost}.json"
    assert json.loads(new.read_bytes())["schema"] == SCHEMA
    again = load(results).runs.set_index("id")
    assert again.loc[lost, "regret_upper"] == pytest.approx(table.loc[lost, "regret_upper"], rel=1e-9)
    assert load(results).faults == []


def test_damage_to_the_content_of_an_older_run_is_seen(results: Path) -> None:
    for file in (results / "runs").glob("??/*.json"):
        file.write_text(file.read_text().replace('"horizon": 40', '"horizon": 41', 1))
    assert len(load(results).faults) == 6


def test_a_document_that_lost_its_schema_is_not_an_older_one(results: Path) -> None:
    document = {"id": "x", "sha256": "0" * 64}
    with pytest.raises(Damaged, match="its schema is missing"):
        unseal(json.dumps(document).encode())
