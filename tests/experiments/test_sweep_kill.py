"""Kill a sweep at random moments, resume it, and find the same as if nothing had happened, nothing played twice."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from regret_experiments.store import Store

CONFIG = """
name: killed
orders: {orders}
checkpoints: 8
environments:
  - {{name: power_law, kind: spectrum_linear, dimension: 24, horizon: {horizon}}}
  - {{name: ill, kind: ill_conditioned_regression, dimension: 24, draws: signs, horizon: {horizon}}}
learners:
  - kind: ogd
    learning_rate: [theorem, {{log_grid: {{low: 0.01, high: 10, points: 6}}}}]
  - kind: fd_adagrad
    rank: [1, 4, 16]
    learning_rate: [theorem, {{log_grid: {{low: 0.01, high: 10, points: 6}}}}]
"""


def start(config: Path, results: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "regret_experiments", "sweep", str(config), "--results", str(results)]
    return subprocess.Popen(
        [*command, "--jobs", "2", "--no-figures", "--log-json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def children(process: subprocess.Popen[str]) -> list[int]:
    """Worker processes of a sweep."""
    try:
        found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        threads = Path(f"/proc/{process.pid}/task")
        found += [pid for task in threads.iterdir() for pid in (task / "children").read_text().split()]
    except OSError:
        return []
    return sorted({int(pid) for pid in found})


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def finished(results: Path) -> dict[str, int]:
    """When each finished run and comparator was put in place."""
    found = {}
    for kind in ("runs", "games"):
        for path in (results / kind).glob("??/*.json"):
            json.loads(path.read_bytes())
            found[path.stem] = path.stat().st_mtime_ns
    return found


def table_bytes(results: Path) -> bytes:
    """The table without its timings."""
    return pd.read_csv(results / "table.csv").drop(columns="seconds").to_csv(index=False).encode()


def curves_bytes(results: Path) -> bytes:
    return (results / "curves.csv").read_bytes()


def wait_for(results: Path, more_than: int, seconds: float) -> None:
    """Wait until the sweep is at work."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and len(finished(results)) <= more_than:
        time.sleep(0.05)


def play_through_kills(tmp_path: Path, oco: Any, orders: int, kills: int, seed: int) -> None:
    config = tmp_path / "killed.yaml"
    config.write_text(CONFIG.format(orders=orders, horizon=15000))
    results = tmp_path / "killed"
    random.seed(seed)
    before: dict[str, int] = {}
    for number in range(kills):
        process = start(config, results)
        wait_for(results, len(before), 30.0)
        time.sleep(random.uniform(0.0, 0.5))
        victims = ("parent", "worker", "both")[number % 3]
        if victims in ("worker", "both"):
            workers = children(process)
            for pid in random.sample(workers, k=min(len(workers), random.choice((1, 2)))):
                kill(pid)
        if victims == "worker":
            # The sweep goes on without them; let it, for a while.
            wait_for(results, len(finished(results)) + 5, 10.0)
        kill(process.pid)
        process.communicate(timeout=60)
        after = finished(results)
        assert {name: after[name] for name in before} == before, "a finished run was played again"
        before = after
    total = 2 * orders * 7 * 4 + 2 * orders
    assert 0 < len(before) < total, "the sweep was to be killed in the middle"

    _, log = start(config, results).communicate(timeout=300)
    after = finished(results)
    assert {name: after[name] for name in before} == before
    played = [line["id"] for line in map(json.loads, log.splitlines()) if line["event"] == "finished"]
    assert sorted([*played, *before]) == sorted(after)
    assert len(after) == total
    assert not list(results.rglob("*.tmp"))
    assert all(stored.finished for stored in Store(results).runs())

    whole = oco("sweep", config, "--results", tmp_path / "whole", "--jobs", 1, "--no-figures")
    assert whole.code == 0
    assert table_bytes(results) == table_bytes(tmp_path / "whole")
    assert curves_bytes(results) == curves_bytes(tmp_path / "whole")


def test_killed_three_times(tmp_path: Path, oco: Any) -> None:
    play_through_kills(tmp_path, oco, orders=3, kills=3, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_twenty_five_times(tmp_path: Path, oco: Any) -> None:
    play_through_kills(tmp_path, oco, orders=20, kills=25, seed=2)


def test_workers_leave_with_their_parent(tmp_path: Path) -> None:
    config = tmp_path / "killed.yaml"
    config.write_text(CONFIG.format(orders=20, horizon=15000))
    process = start(config, tmp_path / "r")
    wait_for(tmp_path / "r", 3, 30.0)
    workers = children(process)
    assert len(workers) >= 2
    kill(process.pid)
    process.communicate(timeout=60)
    until = time.monotonic() + 20.0
    while time.monotonic() < until and any(alive(pid) for pid in workers):
        time.sleep(0.1)
    assert not [pid for pid in workers if alive(pid)]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_ctrl_c_finishes_cleanly_and_says_how_to_resume(tmp_path: Path) -> None:
    config = tmp_path / "killed.yaml"
    config.write_text(CONFIG.format(orders=20, horizon=15000))
    process = start(config, tmp_path / "r")
    wait_for(tmp_path / "r", 5, 30.0)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    lines = err.splitlines()
    assert "finishing the runs in progress; a second Ctrl-C stops at once" in lines
    done = len(list((tmp_path / "r" / "runs").glob("??/*.json")))
    assert lines[-1] == (
        f"stopped: {done} runs are done and stored in {tmp_path / 'r'}, {20 * 2 * 28 - done} are left; "
        "the same command goes on from here"
    )
    assert "Traceback" not in err
    assert out == ""


@pytest.mark.slow
def test_a_second_ctrl_c_stops_at_once(tmp_path: Path) -> None:
    config = tmp_path / "killed.yaml"
    config.write_text(CONFIG.format(orders=1, horizon=50_000_000))
    process = start(config, tmp_path / "r", "--set", "comparator=false")
    time.sleep(6.0)
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(1.0)
    assert process.poll() is None
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert time.monotonic() - began < 5.0
    assert process.returncode == 130


@pytest.mark.slow
def test_a_sweep_survives_its_workers(tmp_path: Path) -> None:
    config = tmp_path / "killed.yaml"
    config.write_text(CONFIG.format(orders=2, horizon=15000))
    process = start(config, tmp_path / "r")
    for more in (5, 30):
        wait_for(tmp_path / "r", more, 60.0)
        for pid in children(process)[-1:]:
            kill(pid)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    played = [line["id"] for line in map(json.loads, err.splitlines()) if line["event"] == "finished"]
    assert sorted(played) == sorted(finished(tmp_path / "r"))
    assert len(played) == 2 * 2 * 28 + 4
