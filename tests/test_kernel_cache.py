"""The kernel cache holds code: nobody else's is run, and what is damaged is compiled again."""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import pytest

import oco.dispatcher  # noqa: F401 (it sets the directory of the cache)
from oco.compile import kernel
from oco.kernel_cache import _CheckedFiles, why_not_private

ROOT = Path(__file__).parents[1]
NOBODY = 65534


def twice(number):
    return number + number


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache in which kernels made by this test are kept."""
    directory = tmp_path / "cache"
    directory.mkdir(mode=0o700)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(directory))
    return directory


def results_and_misses(*numbers: Any) -> tuple[list[Any], int]:
    """What a new process's kernel gives, and how many signatures it had to compile."""
    compiled: Any = kernel(twice).compiled  # type: ignore[attr-defined]
    results = [compiled(number) for number in numbers]
    assert [type(result) for result in results] == [type(number) for number in numbers]
    return results, sum(compiled.stats.cache_misses.values())


def only(cache: Path, ending: str) -> Path:
    (path,) = cache.rglob(f"*.{ending}")
    return path


def flipped(data: bytes, place: int) -> bytes:
    """``data`` with one bit changed."""
    return data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "one byte": lambda data: data[:1],
    "no pickle": lambda data: data[:32],
    "half": lambda data: data[: len(data) // 2],
    "less one byte": lambda data: data[:-1],
    "more": lambda data: data + b"\0",
    "first bit": lambda data: flipped(data, 0),
    "a bit in the middle": lambda data: flipped(data, len(data) // 2),
    "last bit": lambda data: flipped(data, len(data) - 1),
    "zeros": lambda data: bytes(len(data)),
}


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_compiled_again(cache: Path, damage: Callable[[bytes], bytes], ending: str) -> None:
    assert results_and_misses(2.0) == ([4.0], 1)
    assert results_and_misses(2.0) == ([4.0], 0)
    path = only(cache, ending)
    path.write_bytes(damage(path.read_bytes()))
    assert results_and_misses(2.0) == ([4.0], 1)
    assert results_and_misses(2.0) == ([4.0], 0), "the cache is not mended"


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
def test_a_directory_in_the_place_of_a_file_costs_a_compilation(cache: Path, ending: str) -> None:
    results_and_misses(2.0)
    path = only(cache, ending)
    path.unlink()
    path.mkdir()
    assert results_and_misses(2.0) == ([4.0], 1)


def test_code_of_another_signature_is_not_run(cache: Path) -> None:
    """Two processes that compile for two signatures at once may name one data file: its key tells whose it is."""
    assert results_and_misses(2.0, 3) == ([4.0, 6], 2)
    first, second = sorted(cache.rglob("*.nbc"))
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    assert results_and_misses(2.0, 3) == ([4.0, 6], 2)
    assert results_and_misses(2.0, 3) == ([4.0, 6], 0)


def test_a_full_disk_costs_the_next_process_a_compilation(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_CheckedFiles, "_write", full)
    assert results_and_misses(2.0) == ([4.0], 1)
    assert not list(cache.rglob("*.nb?"))


class Planted:
    """A pickle that leaves a mark where it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def plant(path: Path, mark: Path) -> None:
    data = pickle.dumps(Planted(mark))
    path.write_bytes(hashlib.sha256(data).digest() + data)


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_not_read(cache: Path, tmp_path: Path, ending: str, mode: int) -> None:
    results_and_misses(2.0)
    plant(only(cache, ending), tmp_path / "ran")
    only(cache, ending).chmod(mode)
    assert results_and_misses(2.0) == ([4.0], 1)
    assert not (tmp_path / "ran").exists()
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in cache.rglob("*.nb?"))


@pytest.mark.skipif(os.getuid() != 0, reason="only the superuser can give files away")
@pytest.mark.parametrize("ending", ["nbi", "nbc"])
def test_another_user_s_file_is_not_read(cache: Path, tmp_path: Path, ending: str) -> None:
    results_and_misses(2.0)
    plant(only(cache, ending), tmp_path / "ran")
    os.chown(only(cache, ending), NOBODY, NOBODY)
    assert results_and_misses(2.0) == ([4.0], 1)
    assert not (tmp_path / "ran").exists()


def test_planting_works(cache: Path, tmp_path: Path) -> None:
    """The two tests above would see a mark: this user's own file is trusted."""
    results_and_misses(2.0)
    plant(only(cache, "nbi"), tmp_path / "ran")
    with pytest.raises(TypeError):
        results_and_misses(2.0)
    assert (tmp_path / "ran").exists()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A private directory in a private directory."""
    place = tmp_path / "above" / "place"
    place.mkdir(parents=True)
    place.chmod(0o700)
    place.parent.chmod(0o700)
    return place


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o500])
def test_what_only_this_user_can_write_is_private(place: Path, mode: int) -> None:
    place.chmod(mode)
    assert why_not_private(place) == ""


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775, 0o702, 0o720])
def test_what_others_can_write_is_not_private(place: Path, mode: int) -> None:
    place.chmod(mode)
    assert why_not_private(place) == f"{place} can be written by others (mode {mode:o})"


def test_what_others_can_replace_is_not_private(place: Path) -> None:
    place.parent.chmod(0o777)
    assert why_not_private(place) == f"{place.parent}, above {place}, can be written by others (mode 777)"
    place.parent.chmod(0o1777)
    assert why_not_private(place) == ""


def test_a_link_is_followed(place: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(place)
    assert why_not_private(tmp_path / "link") == ""
    place.chmod(0o777)
    assert "can be written by others" in why_not_private(tmp_path / "link")


@pytest.mark.skipif(os.getuid() != 0, reason="only the superuser can give files away")
def test_what_another_user_owns_is_not_private(place: Path) -> None:
    os.chown(place, NOBODY, NOBODY)
    assert why_not_private(place) == f"{place} belongs to another user"
    os.chown(place, 0, 0)
    os.chown(place.parent, NOBODY, NOBODY)
    assert why_not_private(place) == f"{place.parent}, above {place}, belongs to another user"
    os.chown(place.parent, 0, NOBODY)
    place.parent.chmod(0o770)
    assert "can be written by others (mode 770)" in why_not_private(place)
    os.chown(place.parent, 0, 0)
    assert why_not_private(place) == "", "the superuser's own group is nobody else"


@pytest.mark.parametrize("variable", ["OCO_CACHE_DIR", "NUMBA_CACHE_DIR"])
def test_an_open_cache_is_refused_in_one_line(tmp_path: Path, variable: str) -> None:
    """A game on a cache that others may write: it is played, one line says why, and nothing in there is used."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment |= {"OCO_CACHE_DIR": str(shared), variable: str(shared), "PYTHONPATH": str(ROOT)}
    code = "import numpy as np\nfrom oco.losses import Squared\n"
    code += "print(Squared().values_and_derivatives(np.ones(1), np.zeros(1))[1])"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[1.]\n"), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"oco: {shared}")
    assert "can be written by others (mode 777), so kernels are compiled anew; set OCO_CACHE_DIR" in line
    assert not list(shared.rglob("*.nb?"))
