"""Every stored byte counts: whoever reads a damaged run finds none, `faults` names it, and the next sweep heals it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from small_sweeps import Silent, plan_of
from stored_runs import a_run, curves, finished

from oco.errors import StoreError
from regret_experiments import load, load_config, make_plan, rank_table, run_sweep
from regret_experiments.plan.content import content_hash
from regret_experiments.plan.estimates import run_rows
from regret_experiments.store import Store
from regret_experiments.store.sealed import SCHEMA, seal, unseal
from regret_experiments.tables import table_text

OLDER = Path(__file__).with_name("older_results")
RUN = a_run()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One run, a plan and a provenance."""
    made = Store(tmp_path / "r")
    made.write("runs", finished(RUN) | {"provenance": made.write_provenance({"command": ["oco"]})}, curves())
    row = {"id": RUN.id, "stage": "sweep", "environment": "e", "learner": "x", "rank": None, "order": 0}
    made.write_plan({"name": "one", "kinds": {"x": "x"}, "runs": [row | {"repetition": 0, "point": {}}]})
    return made


def home_of(store: Store, identifier: str = RUN.id, kind: str = "runs") -> Path:
    return store.path / kind / identifier[:2] / f"{identifier}.json"


def each_byte(path: Path) -> Iterator[int]:
    """Flip a bit of every byte of a file in turn, and mend it."""
    whole = path.read_bytes()
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        yield place
    path.write_bytes(whole)


@pytest.mark.parametrize("suffix", [".json", ".npy"])
def test_every_byte_of_a_run_counts(store: Store, suffix: str) -> None:
    path = home_of(store).with_suffix(suffix)
    for place in each_byte(path):
        assert store.read("runs", RUN.id) is None, place
        assert [fault.path for fault in store.faults("runs")] == [path], place
    assert store.status(RUN.id) == "finished"
    assert store.faults() == []


def test_every_byte_of_the_plan_counts(store: Store) -> None:
    for place in each_byte(store.path / "plan.json"):
        with pytest.raises(StoreError, match="plan.json cannot be read: "):
            store.plan()
        assert store.status(RUN.id) == "finished", place
    assert plan_of(store)["name"] == "one"


def test_every_byte_of_a_provenance_that_says_something_counts(store: Store) -> None:
    (path,) = (store.path / "provenance").iterdir()
    facts = json.loads(path.read_bytes())
    for place in each_byte(path):
        assert store.provenance(path.stem) in (None, facts), place
        assert [fault.path for fault in store.faults()] in ([path], []), place
    path.write_bytes(b"{}")
    assert [fault.path for fault in store.faults()] == [path]
    assert store.write_provenance(facts) == path.stem
    assert store.faults() == []


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def reseal(path: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    """Change a document and give it a right checksum again."""
    document = unseal(path.read_bytes())
    edit(document)
    path.write_bytes(seal(document))


def another_rate(document: dict[str, Any]) -> None:
    document["content"]["learner"]["hyperparameters"]["learning_rate"] = 0.25


def another_meaning(document: dict[str, Any]) -> None:
    document["content"]["schema"] = 999
    document["id"] = content_hash(document["content"])


@pytest.mark.parametrize("older", [False, True])
def test_content_has_the_hash_that_names_it(store: Store, older: bool) -> None:
    path = home_of(store)
    reseal(path, another_rate)
    if older:
        path.write_text(json.dumps(unseal(path.read_bytes())))
    assert [str(fault) for fault in store.faults()] == [f"{path}: its id is not the hash of its content"]


def test_a_result_of_another_meaning_is_refused(store: Store) -> None:
    path = home_of(store)
    reseal(path, another_meaning)
    assert [str(fault) for fault in store.faults()] == [
        f"{path}: its content is of schema 999; this version of oco reads 1"
    ]


def test_a_newer_schema_is_named_and_not_written_over(store: Store) -> None:
    for path in (home_of(store), store.path / "plan.json"):
        change(path, f'"schema": {SCHEMA}', '"schema": 999')
    reason = f"its schema is 999; this version of oco reads 1 to {SCHEMA}"
    assert [fault.reason for fault in store.faults()] == [reason]
    with pytest.raises(StoreError, match=reason):
        load(store.path)
    with pytest.raises(StoreError, match=reason), store.opened():
        pass


def test_a_game_names_certificates_that_exist(tmp_path: Path) -> None:
    results = Store(shutil.copytree(OLDER / "schema_1", tmp_path / "results"))
    assert results.faults("games") == []
    path = next((results.path / "games").glob("??/*.json"))
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps(document | {"certificates": ["by example"] * len(document["certificates"])}))
    (fault,) = results.faults("games")
    assert "certificates" in fault.reason


@pytest.mark.parametrize("suffixes", [(".json",), (".npy",), (".json", ".npy")])
def test_two_runs_with_swapped_files(tmp_path: Path, suffixes: tuple[str, ...]) -> None:
    store, runs = Store(tmp_path), [a_run(1), a_run(2)]
    for run in runs:
        arrays = curves()
        arrays["cumulative_loss"] *= 1 + run.repetition
        store.write("runs", finished(run), arrays)
    for suffix in suffixes:
        first, second = (home_of(store, run.id).with_suffix(suffix) for run in runs)
        kept = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(kept)
    assert list(store.runs()) == []
    assert {fault.path for fault in store.faults()} == {home_of(store, run.id).with_suffix(suffixes[0]) for run in runs}
    assert all(store.status(run.id) is None for run in runs)


def put_a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def put_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def put_a_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def put_a_hole(path: Path) -> None:
    os.truncate(path, 1 << 40)


@pytest.mark.parametrize("suffix", [".json", ".npy"])
@pytest.mark.parametrize("put", [put_a_directory, put_a_pipe, put_a_loop, put_a_hole])
def test_what_is_no_file_of_ours_is_a_fault(store: Store, suffix: str, put: Callable[[Path], None]) -> None:
    path = home_of(store).with_suffix(suffix)
    put(path)
    assert [fault.path for fault in load(store.path).faults] == [path]
    assert load(store.path).runs["status"].tolist() == ["damaged"]


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"[]", b"7", b"null", b"[" * 200_000, b'{"a":' * 200_000, b'{"a": NaN}', b'{"a": "\\ud800"}']
    + [
        b'{"schema": true}',
        b'{"schema": -1}',
        b'{"schema": [1]}',
        b'{"schema": 1e400}',
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
@pytest.mark.parametrize("where", ["run", "plan", "provenance"])
def test_what_is_no_document_of_ours_is_one_sentence(store: Store, data: bytes, where: str) -> None:
    (provenance,) = (store.path / "provenance").iterdir()
    path = {"run": home_of(store), "plan": store.path / "plan.json", "provenance": provenance}[where]
    path.write_bytes(data)
    if where == "plan":
        with pytest.raises(StoreError, match="plan.json cannot be read"):
            load(store.path)
    else:
        (fault,) = load(store.path).faults
        assert fault.path == path
        assert "\n" not in str(fault)
        assert len(fault.reason) < 200


WRONG: list[Any] = [None, True, -1, 10**400, 1.5, "../x", "Fenchel dual", [1], {"a": 1}]


def places(document: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the values of a document are."""
    parts = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in parts:
        yield (*at, key)
        yield from places(value, (*at, key))


def put(document: dict[str, Any], place: tuple[Any, ...], value: Any) -> None:
    for key in place[:-1]:
        document = document[key]
    document[place[-1]] = value


def use(path: Path) -> None:
    """Read everything that tables are made of."""
    results = load(path)
    table_text(rank_table(results.runs))
    assert results.curves is not None
    assert all(str(fault) for fault in results.faults)


@pytest.mark.parametrize("kind", ["runs", "games", "plan.json"])
def test_values_of_any_type_are_results_or_one_sentence(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "r"
    shutil.copytree(OLDER / "schema_1", path)
    store = Store(path)
    file = path / kind if kind == "plan.json" else sorted((path / kind).glob("??/*.json"))[0]
    whole = file.read_bytes()
    accepted, refusals = 0, []
    for place in places(json.loads(whole)):
        for value in WRONG:
            document = json.loads(whole)
            put(document, place, value)
            file.write_text(json.dumps(document))
            try:
                if store.plan() and (kind == "plan.json" or store.read(kind, file.stem)):
                    accepted += 1
                    if accepted % 5 == 0:  # reading all takes a hundred times as long as refusing
                        use(path)
            except StoreError as error:
                refusals.append(str(error))
    assert accepted > 20
    assert (not refusals) == (kind != "plan.json")
    assert all(refusal.startswith(f"{file} cannot be read: ") for refusal in refusals)


CONFIG = """
name: heal
orders: 2
checkpoints: 4
environments:
  - {name: power_law, kind: spectrum_linear, dimension: 4, horizon: 40}
learners:
  - kind: ogd
    learning_rate: [theorem, 0.5]
"""


def sweep(config: Path, path: Path) -> tuple[int, int]:
    counts = run_sweep(make_plan(load_config(config, ())), Store(path), progress=Silent()).runs
    return counts.before, counts.finished


def numbers(path: Path) -> str:
    results = load(path)
    timings = [name for name in results.runs if name.startswith("seconds")]
    return results.runs.drop(columns=timings).to_csv() + results.curves.to_csv()


def states(config: Path, path: Path) -> list[str]:
    return [row["status"] for row in run_rows(make_plan(load_config(config, ())), Store(path))]


def test_a_sweep_heals_what_the_plan_calls_missing(tmp_path: Path) -> None:
    config, path = tmp_path / "heal.yaml", tmp_path / "r"
    config.write_text(CONFIG)
    assert sweep(config, path) == (0, 4)
    before = numbers(path)
    for kind in ("runs", "games"):
        for file in sorted((path / kind).glob("??/*")):
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 4
            file.write_bytes(data)
            assert [fault.path for fault in Store(path).faults()] == [file]
            missing = states(config, path).count("missing")
            assert missing == (kind == "runs")
            assert load(path).runs["status"].isin(["missing", "damaged"]).sum() == missing
            if kind == "games":
                home_of(Store(path), next(Store(path).runs()).id).unlink()  # a run that asks for the game
                for run in list(Store(path).runs()):
                    home_of(Store(path), run.id).unlink()
            assert sweep(config, path)[1] == max(missing, 4 * (kind == "games"))
            assert Store(path).faults() == []
            assert states(config, path) == ["finished"] * 4
            assert numbers(path) == before
