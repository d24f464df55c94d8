"""A wrong config gives one sentence with file, line and path, exit code 2, at once, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

CORPUS = sorted((Path(__file__).parent / "bad_configs").glob("*.yaml"))
EXPECTS = "# expects "


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 100


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    """Pay for imports once; what a fresh process takes is measured below."""
    import oco.datasets
    import oco.environments
    import oco.learners  # noqa: F401

    oco.datasets.load("breast_cancer")


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_one_sentence_and_exit_code_2(path: Path, oco: Any, tmp_path: Path) -> None:
    first, *_ = path.read_text().splitlines()
    expected = first.removeprefix(EXPECTS)
    assert first != expected, "the first line of a bad config says what is expected"
    began = time.process_time()
    said = oco("sweep", path, "--results", tmp_path / "results")
    assert time.process_time() - began < 1.0
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith(f"Error: {path}")
    assert re.search(expected, said.err), said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "results").exists()


def test_a_file_of_100_megabytes_is_refused_unread(oco: Any, tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as stream:
        stream.truncate(100_000_000)
    began = time.process_time()
    said = oco("plan", path)
    assert time.process_time() - began < 1.0
    assert said.code == 2
    assert said.err == f"Error: {path}: a config may have at most 65,536 bytes, this file has 100,000,000\n"


def test_the_largest_file_is_read_in_time(oco: Any, tmp_path: Path) -> None:
    path = tmp_path / "full.yaml"
    path.write_text("name: full\nnothing: [" + "1.5, " * 12_000 + "1]\n")
    began = time.process_time()
    said = oco("plan", path)
    assert time.process_time() - began < 1.0
    assert said.code == 2
    assert "at most 10,000 values" in said.err


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda path: None, "no such config file"),
        (lambda path: path.mkdir(), "a config must be a regular file, this is a directory"),
        (lambda path: os.mkfifo(path), "a config must be a regular file, this is a device, pipe or socket"),
        (lambda path: path.symlink_to("/dev/zero"), "a config must be a regular file"),
        (lambda path: path.write_bytes(b""), "this file is empty"),
        (lambda path: path.write_bytes(b"name: \xff\xfe"), "a config must be UTF-8 text, byte 6 is not"),
        (lambda path: path.write_bytes(b"name: a\x00b"), "not valid YAML"),
        (lambda path: path.write_bytes(b"name: a\x1bb"), "not valid YAML"),
    ],
    ids=["missing", "directory", "pipe", "endless", "empty", "latin-1", "zero-byte", "control"],
)
def test_what_is_no_text_file(make: object, expected: str, oco: Any, tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    make(path)  # type: ignore[operator]
    said = oco("plan", path)
    assert said.code == 2
    assert said.err.startswith(f"Error: {path}")
    assert expected in said.err


def test_a_file_that_may_not_be_read(oco: Any, tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.write_text("name: secret\n")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    said = oco("plan", path)
    assert said.code == 2
    assert "cannot be read: Permission denied" in said.err


@pytest.mark.parametrize("name", ["unknown_key", "python_object", "learner_unknown", "rank_zero", "data_unknown"])
def test_a_fresh_process_takes_less_than_a_second(name: str) -> None:
    path = Path(__file__).parent / "bad_configs" / f"{name}.yaml"
    command = [sys.executable, "-m", "regret_experiments", "sweep", str(path)]
    # As an installed package, whose modules are not compiled from source at every start.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    spent = []
    for _ in range(10):
        # Processor time, to which other work on the machine adds too, by shared caches and clocks: the least counts.
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        if spent[-1] < 1.0:
            break
    assert min(spent) < 1.0


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("orders", "a setting reads key=value"),
        ("=3", "a setting reads key=value"),
        ("a..b=3", "a setting reads key=value"),
        ("learners[0=3", "a setting reads key=value"),
        ("ordrs=3", r"with --set ordrs=3: ordrs: unknown key, .*did you mean 'orders'"),
        ("orders=[1", "--set orders=\\[1:2: not valid YAML"),
        ("orders=none", "with --set orders=none: orders: must be a number of orders"),
        ("learners[7].rank=3", r"learners has 2 entries, counted from 0"),
        ("learners.fd.rank=3", r"learners has no entry called 'fd'"),
        ("learners.fd_adagard.rank=3", r"no entry called 'fd_adagard'; did you mean 'fd_adagrad'"),
        ("learnrs.ogd.rank=3", r"there is no learnrs in the config; did you mean 'learners'"),
        ("orders.x=3", r"orders is not a mapping"),
        ("name[0]=3", r"name is not a list"),
        ("learners.fd_adagrad.rank=0", r"with --set learners.fd_adagrad.rank=0: learners\[1\].rank: .*0"),
        ("learners.ogd.learning_rate=.nan", r"numbers must be finite"),
        ("learners.ogd.learning_rate=!!python/name:os.system", r"plain values only"),
    ],
)
def test_bad_settings(setting: str, expected: str, oco: Any, small: Path, tmp_path: Path) -> None:
    said = oco("sweep", small, "--results", tmp_path / "results", "--set", setting)
    assert said.code == 2
    assert re.search(expected, said.err), said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "results").exists()
