"""The store: whole files or none, claims that end with their process, tables that open fast."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from stored_runs import a_run, curves, finished

import regret_experiments
from oco.errors import StoreError
from regret_experiments.plan.runs import Run
from regret_experiments.store import Store
from regret_experiments.store.arrays import pack, unpack
from regret_experiments.store.claims import Claims
from regret_experiments.store.files import remove_leftovers, write_atomic
from regret_experiments.store.sealed import seal

RUN = a_run()


def stored(store: Store, run: Run = RUN) -> Path:
    store.write(
        "runs", finished(run, loss=float("inf")), curves() | {"spectra": np.ones((2, 3)), "spectrum_rounds": np.ones(2)}
    )
    return store.path / "runs" / run.id[:2] / run.id


@given(
    st.dictionaries(st.text(max_size=5), hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, min_side=0)), max_size=4)
)
def test_arrays_come_back_bit_for_bit(arrays: dict[str, np.ndarray]) -> None:
    data, description = pack(arrays)
    back = unpack(data, json.loads(json.dumps(description)))
    assert list(back) == list(arrays)
    for name, array in arrays.items():
        assert back[name].shape == array.shape
        assert back[name].tobytes() == array.tobytes()


def test_numpy_reads_the_file_without_us(tmp_path: Path) -> None:
    home = stored(Store(tmp_path))
    assert np.load(home.with_suffix(".npy"), allow_pickle=False).tolist() == [1, 2, 3, *[1] * 17]
    assert json.loads(home.with_suffix(".json").read_text())["scalars"]["loss"] == "inf"


def test_what_is_damaged_is_not_a_result(tmp_path: Path) -> None:
    store = Store(tmp_path)
    home = stored(store)
    whole = {suffix: home.with_suffix(suffix).read_bytes() for suffix in (".json", ".npy")}
    for suffix, data in whole.items():
        path = home.with_suffix(suffix)
        for broken in (b"", data[:10], data[:-1], data[:-8] + b"\0" * 8, None):
            if broken is None:
                path.unlink()
            else:
                path.write_bytes(broken)
            assert store.read("runs", RUN.id) is None, (suffix, broken)
            assert list(store.runs()) == []
        path.write_bytes(data)
    found = store.read("runs", RUN.id)
    assert found is not None
    assert found.arrays["spectra"].shape == (2, 3)


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a" / "file"
    write_atomic((path, b"old"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        StoreError, match="cannot be written to .*: No space left on device; what is finished there is kept"
    ):
        write_atomic((path, b"new"))
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_leftovers_are_cleared_by_a_lone_process_only(tmp_path: Path) -> None:
    store, other = Store(tmp_path), Store(tmp_path)
    home = stored(store)
    leftover = home.parent / ".x.json.1.0.tmp"
    leftover.write_text("{")
    with other.opened():
        leftover.write_text("{")
        with store.opened():
            assert leftover.exists()
    assert list(store.runs())
    with store.opened():
        assert not leftover.exists()
    remove_leftovers(tmp_path)
    assert store.status(RUN.id) == "finished"


def test_a_claim_is_for_one_and_ends_with_its_holder(tmp_path: Path) -> None:
    mine, theirs = Claims(tmp_path), Claims(tmp_path)
    assert mine.take("run")
    assert not theirs.take("run")
    mine.release("run")
    assert theirs.take("run")
    assert not mine.take("run")
    theirs.leave()
    code = f"""
import sys, time
from pathlib import Path
from regret_experiments.store.claims import Claims
claims = Claims(Path({str(tmp_path)!r}))
print(claims.take("run"), flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        assert not mine.take("run")
        process.kill()
        process.wait()
    assert mine.take("run")


def test_a_file_system_without_locks_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    sentence = r"claims is on a file system without locks \(No locks available\); use another directory"
    with pytest.raises(StoreError, match=sentence), Store(tmp_path).opened():
        pass
    with pytest.raises(StoreError, match=sentence):
        Claims(tmp_path / "claims").take("run")


def test_claims_under_contention_are_exclusive(tmp_path: Path) -> None:
    code = f"""
import os, sys
from pathlib import Path
from regret_experiments.store.claims import Claims
claims, done = Claims(Path({str(tmp_path / "claims")!r})), Path({str(tmp_path)!r})
for name in range(300):
    if claims.take(str(name)):
        try:
            os.close(os.open(done / f"{{name}}.done", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            pass
        inside = done / f"{{name}}.inside"
        os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
        inside.unlink()
        claims.release(str(name))
"""
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert len(list(tmp_path.glob("*.done"))) == 300


def test_no_results(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there are no results at"):
        regret_experiments.load(tmp_path / "absent")
    assert regret_experiments.load(tmp_path).runs.empty


def test_10_000_runs_load_in_3_seconds(tmp_path: Path) -> None:
    store = Store(tmp_path)
    rounds = np.unique(np.geomspace(1, 4000, 30).round())
    names = ["round", "cumulative_loss", "regret_lower", "regret_upper", "bound", "escaped_mass", "tail_mass"]
    arrays = dict.fromkeys(names, rounds) | {"spectra": np.ones((5, 64)), "spectrum_rounds": np.ones(5)}
    data, description = pack(arrays)
    rows = []
    for i in range(10_000):
        run = a_run(i, a=list(range(40)))
        home = tmp_path / "runs" / run.id[:2] / run.id
        home.parent.mkdir(parents=True, exist_ok=True)
        metadata = finished(run, **{f"number_{j}": 21.0 * j for j in range(22)})
        home.with_suffix(".json").write_bytes(seal(metadata | {"arrays": description}))
        home.with_suffix(".npy").write_bytes(data)
        labels = {"stage": "sweep", "environment": "x", "learner": "y", "order": i, "repetition": 0, "rank": i % 8}
        rows.append({"id": run.id, "point": {"learning_rate": 0.1 * i}} | labels)
    store.write_plan({"name": "large", "kinds": {}, "runs": rows})
    seconds = []
    for _ in range(2):
        began = time.process_time()
        results = regret_experiments.load(tmp_path)
        runs, curves = results.runs, results.curves
        seconds.append(time.process_time() - began)
    assert len(runs) == 10_000
    assert len(curves) == 10_000 * rounds.size
    assert runs["number_3"].iloc[7] == 63.0
    assert min(seconds) < 3.0


def test_a_content_is_hashed_in_parts_as_it_is_as_a_whole() -> None:
    """The canonical text has sorted keys and no 5.0, wherever a number stands, and leaves text alone."""
    from regret_experiments.plan.content import _ENCODER, _numbers, content_hash, content_hash_of_json

    for content in (
        {"b": 1.0, "a": {"z": [1.0, 2.5, {"y": -0.0}], "x": "1.0,"}, "c": True, "d": None, 'q"': 2.0**60},
        {"schema": 1, "text": "[3.0]", "empty": {}, "list": [], "large": 1e300, "ä": [2.0, "ä"]},
        [1.0, {"a": 2.0}],
        7.0,
    ):
        whole = hashlib.sha256(_ENCODER.encode(_numbers(content)).encode()).hexdigest()[:20]
        assert content_hash_of_json(content) == content_hash(content) == whole


def test_arrays_of_a_stored_run_are_read_only_and_as_they_were_written(tmp_path: Path) -> None:
    store, run = Store(tmp_path), a_run()
    arrays = curves() | {"spectra": np.arange(6.0).reshape(2, 3), "spectrum_rounds": np.ones(2)}
    store.write("runs", finished(run), arrays)
    stored = store.read("runs", run.id)
    assert stored is not None
    assert list(stored.arrays) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(stored.arrays[name], array)
        assert not stored.arrays[name].flags.writeable
