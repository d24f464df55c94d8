"""The parsed form in the cache is believed only while every byte of it is the one that was written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oco.datasets import load

DENSE = b"a,b,t\n" + b"".join(b"%d,%d,%d\n" % (i, i + 1, i % 2) for i in range(200))
SPARSE = b"".join(b"%d %d:%d.5 %d:2\n" % (1 - 2 * (i % 2), 1 + i % 7, i, 9 + i % 30) for i in range(200))


@pytest.fixture(params=["dense.csv", "sparse.svm"])
def source(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OCO_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / request.param
    path.write_bytes(DENSE if path.suffix == ".csv" else SPARSE)
    return path


def parsed(source: Path) -> Path:
    (directory,) = (source.parent / "cache" / "datasets" / "parsed").iterdir()
    return directory


def rows(source: Path) -> tuple[bytes, bytes, str]:
    data = load(source)
    dense = data.rows if isinstance(data.rows, np.ndarray) else data.rows.toarray()
    return dense.tobytes(), data.targets.tobytes(), data.checksum


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [flip, truncate, empty, Path.unlink])
def test_a_damaged_file_is_parsed_anew(source: Path, damage: Callable[[Path], None]) -> None:
    first = rows(source)
    names = sorted(path.name for path in parsed(source).iterdir())
    assert len(names) >= 3
    for name in names:
        damage(parsed(source) / name)
        assert rows(source) == first, name
        assert sorted(path.name for path in parsed(source).iterdir()) == names
        whole = {path.name: path.read_bytes() for path in parsed(source).iterdir()}
        assert rows(source) == first
        assert whole == {path.name: path.read_bytes() for path in parsed(source).iterdir()}


def test_every_bit_of_the_facts_counts(source: Path) -> None:
    first = rows(source)
    facts = parsed(source) / "facts.json"
    whole = facts.read_bytes()
    for place in range(0, len(whole), 7):
        facts.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        assert rows(source) == first, place
        assert json.loads(facts.read_bytes()) == json.loads(whole)


@pytest.mark.parametrize("facts", [b"[]", b"{", b"7", b'{"dimension": 2, "content": "0"}', b"[" * 100_000, b"\xff"])
def test_other_facts_are_parsed_anew(source: Path, facts: bytes) -> None:
    first = rows(source)
    (parsed(source) / "facts.json").write_bytes(facts)
    assert rows(source) == first


def test_a_file_too_many_is_not_read(source: Path) -> None:
    first = rows(source)
    np.save(parsed(source) / "rows.npy", np.zeros((200, 2)))
    assert rows(source) == first
