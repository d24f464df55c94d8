"""The index: tables read only what has changed, `oco check` reads everything, and no index is ever needed."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pandas.testing import assert_frame_equal
from stored_runs import a_run, curves, finished

from oco.errors import StoreError
from regret_experiments import load
from regret_experiments.cli import oco
from regret_experiments.store import Store, held, index
from regret_experiments.store.index import NAME, _read, _write

RUNS = [a_run(number) for number in range(3)]
TICK = 0.02
"""Seconds after which a file system gives another time."""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Two finished runs and a failed one in a directory of which an index is made at once."""
    monkeypatch.setattr(index, "LEAST", 1)
    monkeypatch.setattr(index, "SETTLED", -60.0)
    made = Store(tmp_path / "r")
    for number, run in enumerate(RUNS[:2]):
        made.write("runs", finished(run, regret_upper=0.1 + number, regret_lower="-inf", own=[1, None]), curves())
    failure = {"status": "failed", "error": "NumericsError", "message": 'round 2:\n"no"'}
    made.write("runs", {"id": RUNS[2].id, "content": RUNS[2].content} | failure, {})
    write_plan(made, *RUNS)
    return made


def write_plan(store: Store, *runs: Any) -> None:
    labels = {"stage": "sweep", "environment": "e", "learner": "x", "rank": None, "repetition": 0, "point": {}}
    rows = [{"id": run.id, "order": order} | labels for order, run in enumerate(runs)]
    store.write_plan({"name": "three", "kinds": {"x": "x"}, "runs": rows})


def home_of(store: Store, number: int = 0) -> Path:
    identifier = RUNS[number].id
    return store.path / "runs" / identifier[:2] / f"{identifier}.json"


def read_of(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs whose files the next `load` reads."""
    read = []
    with monkeypatch.context() as patch:
        whole = index.examined
        patch.setattr(index, "examined", lambda kind, folder, name: read.append(name) or whole(kind, folder, name))
        load(store.path)
    return read


def test_what_the_index_gives_is_what_the_files_give(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first, (faults, shortfalls) = load(store.path), (load(store.path).faults, load(store.path).shortfalls)
    assert (store.path / NAME).is_file()
    assert read_of(store, monkeypatch) == []
    again = load(store.path)
    assert_frame_equal(again.runs, load(store.path, indexed=False).runs, check_exact=True)
    assert_frame_equal(again.runs, first.runs, check_exact=True)
    assert_frame_equal(again.curves, first.curves, check_exact=True)
    assert (again.faults, again.shortfalls) == (faults, shortfalls)
    assert list(again.stored) == sorted(run.id for run in RUNS)
    assert [again.runs["regret_upper"][0], again.runs["message"][2]] == [0.1, 'round 2:\n"no"']


@pytest.mark.parametrize("suffix", [".json", ".npy"])
def test_a_damaged_file_is_found_behind_an_index(store: Store, suffix: str) -> None:
    path = home_of(store).with_suffix(suffix)
    load(store.path)
    whole, times = path.read_bytes(), os.stat(path)
    time.sleep(TICK)
    path.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # as a program that restores times would
    for _ in range(2):
        found = load(store.path)
        assert list(found.runs["status"]) == ["damaged", "finished", "failed"]
        assert [fault.path for fault in found.faults] == [path]
    path.write_bytes(whole)
    assert list(load(store.path).runs["status"]) == ["finished", "finished", "failed"]


def test_a_file_that_is_missing_added_or_replaced(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    load(store.path)
    home_of(store, 1).with_suffix(".npy").unlink()
    assert read_of(store, monkeypatch) == [RUNS[1].id]
    assert list(load(store.path).runs["status"]) == ["finished", "damaged", "failed"]
    home_of(store, 1).unlink()
    assert list(load(store.path).runs["status"]) == ["finished", "missing", "failed"]
    store.write("runs", finished(RUNS[1], regret_upper=7.0), curves())
    assert read_of(store, monkeypatch) == [RUNS[1].id]
    assert load(store.path).runs["regret_upper"][1] == 7.0
    assert read_of(store, monkeypatch) == []


def test_check_reads_what_the_index_vouches_for(store: Store) -> None:
    load(store.path)
    path = home_of(store)
    path.write_bytes(path.read_bytes().replace(b'"seconds": 0.3', b'"seconds": 0.4'))
    entries = _read(store.path / NAME)
    entries[RUNS[0].id]["files"] = index._files(str(path.with_suffix("")))[0]  # a disk that forgets a bit tells nobody
    _write(store.path / NAME, list(entries.values()))
    assert load(store.path).runs["status"][0] == "finished"
    with pytest.raises(StoreError, match=f"run {RUNS[0].id} in .* is damaged or gone: oco check says more"):
        load(store.path).stored[RUNS[0].id]
    assert load(store.path, indexed=False).runs["status"][0] == "damaged"
    load(store.path)
    _write(store.path / NAME, list(entries.values()))
    done = CliRunner().invoke(oco, ["check", str(store.path)])
    assert done.exit_code == 1
    assert "its bytes do not have the checksum that it states" in done.output


def test_no_byte_of_the_index_can_change_a_table(store: Store) -> None:
    runs = load(store.path).runs
    path = store.path / NAME
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        assert _read(path) == {}, place
    assert_frame_equal(load(store.path).runs, runs, check_exact=True)
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "edit",
    [{"scalars": {"regret_upper": []}}, {"status": "lost"}, {"timings": [1]}, {"files": 3}, {"id": "../x"}],
    ids=str,
)
def test_an_index_of_other_types_is_none(store: Store, edit: dict[str, Any]) -> None:
    load(store.path)
    entries = list(_read(store.path / NAME).values())
    _write(store.path / NAME, [entries[0] | edit, *entries[1:]])
    assert _read(store.path / NAME) == {}
    assert len(load(store.path).runs) == 3


def test_an_index_of_another_version_is_none(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    load(store.path)
    monkeypatch.setattr(index, "SCHEMA", index.SCHEMA + 1)
    assert len(read_of(store, monkeypatch)) == 3
    head = (store.path / NAME).read_bytes().partition(b"\n")[0]
    assert json.loads(head)["schema"] == index.SCHEMA


def test_files_that_have_just_changed_are_not_indexed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "SETTLED", 60.0)
    load(store.path)
    assert not (store.path / NAME).exists()
    assert len(read_of(store, monkeypatch)) == 3


def test_a_small_directory_has_no_index(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "LEAST", 4)
    load(store.path)
    assert not (store.path / NAME).exists()


def test_where_no_index_can_be_written(store: Store) -> None:
    (store.path / NAME).mkdir()
    assert len(load(store.path).runs) == 3


def test_few_runs_are_held_and_all_can_be_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = load(store.path)
    monkeypatch.setattr(held, "MOST_HELD", 1)
    for indexed in (True, False):
        few = load(store.path, indexed=indexed)
        assert {name: run.metadata for name, run in few.stored.items()} == {
            name: run.metadata for name, run in whole.stored.items()
        }
        assert_frame_equal(few.curves, whole.curves, check_exact=True)
        assert len(few.stored._held) <= 1
        assert few.stored.get("absent") is None
        assert len(few.stored) == 3
