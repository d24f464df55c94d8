"""Mutated store files: every reader gives results or one sentence, soon, and never takes much memory.

python tests/experiments/test_store_fuzz.py 10000 0       # so many mutations, from that seed
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from oco.errors import OcoError
from regret_experiments import load, load_config, make_plan, rank_table
from regret_experiments.compare import compare
from regret_experiments.plan.estimates import estimate, plan_text
from regret_experiments.plan.runs import Run
from regret_experiments.report.payload import build_payload
from regret_experiments.store import Store
from regret_experiments.store.sealed import Damaged, seal, unseal
from regret_experiments.tables import table_text
from regret_experiments.verification import verify

OLDER = Path(__file__).with_name("older_results")
TOKENS = [
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"9" * 400,
    b'"',
    b"{",
    b"[" * 5000,
    b"\\ud800",
    b"\xff",
    b"NaN",
    b'"a":',
    b",",
]
VALUES: list[Any] = [None, True, 0, -1, 2**64, 10**400, 0.5, "", "x", "../../x", [], [[]], [1, "a"], {}, {"a": {}}]


def mutate_bytes(data: bytes, generator: random.Random) -> bytes:
    """Flip, cut, repeat, insert."""
    for _ in range(generator.choice((1, 1, 2, 8))):
        at, stop = sorted(generator.randrange(len(data) + 1) for _ in range(2))
        how = generator.randrange(5)
        if how == 0 and data:
            at = min(at, len(data) - 1)
            data = data[:at] + bytes([data[at] ^ 1 << generator.randrange(8)]) + data[at + 1 :]
        elif how == 1:
            data = data[:at] + generator.choice(TOKENS) + data[at:]
        elif how == 2:
            data = data[:at] + data[min(stop, at + 40) :]
        elif how == 3:
            data = data[:stop] + data[at : at + 40] + data[stop:]
        else:
            data = data[:at]
    return data


def mutate_values(document: Any, generator: random.Random) -> None:
    """Change, rename or remove a value somewhere in a document."""
    while True:
        keys = list(document) if isinstance(document, dict) else list(range(len(document)))
        if not keys:
            return
        key = generator.choice(keys)
        if isinstance(document[key], (dict, list)) and generator.random() < 0.85:
            document = document[key]
            continue
        how = generator.randrange(4)
        if how == 0:
            del document[key]
        elif how == 1 and isinstance(document, dict):
            document[f"{key}x"] = document.pop(key)
        else:
            document[key] = generator.choice(VALUES)
        return


def mutate(path: Path, generator: random.Random) -> None:
    """Mutate a file as bytes, or as a document of the older schema or of this one with its checksum made right."""
    data = path.read_bytes()
    how = generator.randrange(3) if path.suffix == ".json" and path.parent.name != "provenance" else 0
    if how == 0:
        path.write_bytes(mutate_bytes(data, generator))
        return
    document = unseal(data)
    mutate_values(document, generator)
    path.write_bytes(json.dumps(document).encode() if how == 1 else seal(document))


def tables(path: Path, faults: list[str]) -> None:
    """Read all runs, and append what is damaged to ``faults``."""
    results = load(path)
    assert len(results.runs) >= len(set(results.curves["id"]))
    faults += map(str, results.faults)


def readers(path: Path, plan: Any) -> list[Callable[[], Any]]:
    """What takes a tenth of a second."""
    store = Store(path)
    return [
        lambda: table_text(rank_table(load(path).runs)),
        lambda: plan_text(plan, store, estimate(plan, store, 1), every=True),
        lambda: build_payload(load(path)),
        lambda: compare(path, OLDER / "schema_1"),
        lambda: verify(path),
    ]


def fuzz(count: int, seed: int, folder: Path) -> Counter[str]:
    """Read ``count`` directories with a mutated file; returns how readers answered.

    Raises whatever a reader raised that is no `OcoError`, and AssertionError where one took over 2 s.
    """
    generator, answers = random.Random(seed), Counter[str]()
    plan = make_plan(load_config(OLDER / "config.yaml", ()))
    store = Store(shutil.copytree(OLDER / "schema_1", folder / "r"))
    for stored in list(store.runs()):
        if generator.random() < 0.5:  # so that both schemas are there
            store.write("runs", stored.metadata, stored.arrays)
    assert Run.from_content(next(store.runs()).metadata["content"]).id == next(store.runs()).id
    files = sorted(path for path in store.path.rglob("*") if path.is_file())
    for number in range(count):
        path = generator.choice(files)
        kept = path.read_bytes()
        mutate(path, generator)
        faults: list[str] = []
        # Most mutations make a run missing, which the slow readers need not meet every time.
        for reader in (partial(tables, store.path, faults), generator.choice(readers(store.path, plan))):
            if faults and generator.random() < 0.9:
                continue
            began = time.process_time()
            try:
                reader()
            except OcoError as error:
                answers["one sentence"] += 1
                answers["more than a sentence"] += "\n" in str(error)
            except Exception as error:
                error.add_note(f"seed {seed}, mutation {number} of {path}: {path.read_bytes()[:3000]!r}")
                raise
            else:
                answers["an answer"] += 1
            assert time.process_time() - began < 2.0, (seed, number, path)
        answers["faults"] += bool(faults)
        path.write_bytes(kept)
    assert store.faults() == []
    return answers


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_readers_of_mutated_files(seed: int, tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answers = fuzz(60 if seed == 0 else 300, seed, tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000  # KB
    assert answers["more than a sentence"] == 0
    assert answers["faults"] > 20
    assert answers["an answer"] > 20


def test_a_mutated_document_does_not_pass_for_the_one_that_was_sealed() -> None:
    data = seal({"id": "x", "numbers": [1.0, 2.5], "text": "é"})
    generator = random.Random(3)
    for _ in range(5000):
        changed = mutate_bytes(data, generator)
        if changed != data:
            with pytest.raises(Damaged):
                unseal(changed)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        print(dict(fuzz(int(sys.argv[1]), int(sys.argv[2]), Path(directory))))
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB in all")
