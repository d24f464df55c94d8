"""The same sweep on a Dask cluster: the same table, also when a worker dies."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

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
