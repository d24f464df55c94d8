"""The same sweep on a Dask cluster: the same table, also when a worker dies."""

from __future__ import annotations

import contextlib
import pickle
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from regret_experiments.execution.cluster import MOST_TASKS, Pace, in_messages, perform_several
from regret_experiments.execution.work import Outcome, finished
from regret_experiments.plan.content import WorkType

pytest.importorskip("distributed", reason="needs the extra: cluster")

CONFIG = """
name: cluster
orders: {orders}
checkpoints: 6
environments:
  - {{name: power_law, kind: spectrum_linear, dimension: 12, horizon: 800}}
learners:
  - {{kind: ogd, learning_rate: [theorem, 0.1, 1.0]}}
  - {{kind: fd_adagrad, rank: [1, 3], learning_rate: [theorem, 0.1, 1.0]}}
"""


@contextlib.contextmanager
def cluster() -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two worker processes on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    module = [sys.executable, "-W", "ignore", "-m"]
    options = ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    processes = [subprocess.Popen([*module, "distributed.cli.dask_scheduler", *options], **quiet)]
    options = [address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
    processes += [subprocess.Popen([*module, "distributed.cli.dask_worker", *options], **quiet) for _ in range(2)]
    try:
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a cluster that tests share if they kill none of its workers."""
    with cluster() as (address, _):
        yield address


def sweep(config: Path, results: Path, *options: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "regret_experiments",
        "sweep",
        str(config),
        "--results",
        str(results),
        "--no-figures",
    ]
    return subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def table(results: Path) -> str:
    return pd.read_csv(results / "table.csv").drop(columns="seconds").to_csv(index=False)


@pytest.mark.parametrize(
    "kill", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["whole", "one worker killed"]
)
def test_the_same_table_as_locally(kill: bool, tmp_path: Path, oco: Any, request: pytest.FixtureRequest) -> None:
    config = tmp_path / "cluster.yaml"
    config.write_text(CONFIG.format(orders=12 if kill else 2))
    assert oco("sweep", config, "--results", tmp_path / "local", "--no-figures", "--jobs", 1).code == 0
    own = cluster() if kill else contextlib.nullcontext((request.getfixturevalue("scheduler"), []))
    with own as (address, workers):
        far = sweep(config, tmp_path / "far", "--backend", "dask", "--scheduler", address)
        if kill:
            until = time.monotonic() + 60.0
            while time.monotonic() < until and len(list((tmp_path / "far").glob("runs/??/*.json"))) < 10:
                time.sleep(0.02)
            workers[0].kill()
        _, err = far.communicate(timeout=400)
        assert far.returncode == 0, err
    assert table(tmp_path / "far") == table(tmp_path / "local")
    assert (tmp_path / "far" / "curves.csv").read_bytes() == (tmp_path / "local" / "curves.csv").read_bytes()


COUNTED = """
import os
import oco

class Counted(oco.environments.SpectrumLinear):
    name = "counted"

    def __init__(self, log: str) -> None:
        self.log = log
        with open(log, "a") as stream:
            stream.write(f"{os.getpid()}\\n")
        super().__init__(3, 30)
"""


def test_data_are_opened_once_in_every_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheduler: str) -> None:
    (tmp_path / "counted.py").write_text(COUNTED)
    log = tmp_path / "opened"
    config = tmp_path / "counted.yaml"
    environment = f"{{kind: counted, log: {log}}}"
    learner = "{kind: ogd, learning_rate: [0.1, 0.2, 0.3, 0.4]}"
    config.write_text(
        f"name: counted\norders: 6\ncheckpoints: 3\nenvironments: [{environment}]\nlearners: [{learner}]\n"
    )
    monkeypatch.chdir(tmp_path)
    far = sweep(config, tmp_path / "far", "--backend", "dask", "--scheduler", scheduler, "--plugin", "counted")
    out, err = far.communicate(timeout=400)
    assert far.returncode == 0, err
    assert "24 runs played now" in out
    opened = Counter(log.read_text().split())
    assert set(opened.values()) == {1}
    assert opened.keys() > {str(far.pid)}, "no worker has opened the data"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--backend", "dask"], "--backend dask needs the scheduler's address"),
        (["--backend", "dask", "--scheduler", "tcp://127.0.0.1:1"], "no Dask scheduler answers at tcp://127.0.0.1:1"),
        (["--backend", "dask", "--scheduler", "nonsense://x"], "no Dask scheduler answers at nonsense://x"),
    ],
)
def test_no_scheduler(options: list[str], expected: str, small: Path, tmp_path: Path, oco: Any) -> None:
    said = oco("sweep", small, "--results", tmp_path / "r", "--no-figures", *options)
    assert said.code == 2
    assert expected in said.err
    assert "Traceback" not in said.err


class Threads:
    """A client of a cluster with this many threads."""

    def __init__(self, count: int) -> None:
        self.count = count

    def nthreads(self) -> dict[str, int]:
        return {"one": self.count - 1, "another": 1}


@pytest.mark.parametrize(
    ("threads", "seconds", "tasks"),
    [(2, 1.0, 1), (2, 0.01, 6), (2, 0.0, MOST_TASKS), (1000, 1.0, 30), (1000, 60.0, 1), (1000, 0.1, MOST_TASKS)],
)
def test_messages_take_a_fixed_part_of_the_main_processs_time(threads: int, seconds: float, tasks: int) -> None:
    """1,000 threads with runs of 1 s end 1,000 runs a second, which 33 messages of 6 ms bring: a fifth of a second."""
    pace = Pace(Threads(threads), 1_000_000)
    assert pace.messages() == 2 * threads
    assert pace.tasks() == 1
    pace.learn([took(seconds, None)])
    assert pace.tasks() == tasks


def test_tasks_in_hand_hold_no_more_files_than_the_process_may_open() -> None:
    pace = Pace(Threads(1000), 20_000)
    pace.learn([took(1.0, None)])
    assert pace.messages() * pace.tasks() <= 16_000
    assert pace.tasks() == 8


def took(seconds: float, environment: str | None) -> Outcome:
    return Outcome("a", {"status": "finished", "seconds": seconds, "content": {"environment": environment}})


def test_a_message_has_tasks_of_one_stream() -> None:
    """What short runs of one stream took says nothing of the next stream's."""
    pace = Pace(Threads(2), 1_000_000)
    assert pace.messages() == 4
    messages = in_messages([Doubling(number, stream) for stream in "ab" for number in range(20)], pace)
    sizes = [len(next(messages)), len(next(messages))]
    pace.learn([took(0.01, "a")])
    sizes += [len(next(messages)) for _ in range(4)]
    pace.learn([took(0.01, "a")])
    sizes += [len(next(messages))]
    pace.learn([took(60.0, "b")])
    sizes += [len(message) for message in messages]
    assert sizes == [1, 1, 6, 6, 6, 1, 1] + 18 * [1]


def test_outcomes_of_a_message_are_those_of_its_tasks() -> None:
    tasks = [Doubling(1.0), Doubling(-1.0), Doubling(3.0)]
    outcomes = pickle.loads(perform_several(tasks, ()))
    assert [outcome.id for outcome in outcomes] == [task.id for task in tasks]
    assert [outcome.failed for outcome in outcomes] == [False, True, False]
    assert outcomes[2].arrays["twice"].tolist() == [6.0]


@dataclass(frozen=True)
class Doubling:
    """A task that fails for negative numbers."""

    number: float
    stream: str | None = None
    type: ClassVar[WorkType] = "run"

    @property
    def id(self) -> str:
        return f"twice {self.number}"

    @property
    def content(self) -> dict[str, Any]:
        return {"number": self.number, "environment": self.stream}

    def perform(self) -> Outcome:
        if self.number < 0.0:
            raise ValueError("a negative number")
        return Outcome(self.id, finished(self), {"twice": np.array([2.0 * self.number])})
