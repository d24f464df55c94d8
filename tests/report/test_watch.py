"""The live page: on this machine only, and new while the sweep runs."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import Open
from small_sweeps import FAILURES, fail

from oco.errors import StoreError
from regret_experiments.report.live import LOOPBACK, make_server


@pytest.fixture
def running(played: Path, tmp_path: Path) -> Path:
    """A directory in which half of the runs are still missing, beside it those that are to come."""
    path = tmp_path / "results"
    shutil.copytree(played, path)
    rows = json.loads((path / "plan.json").read_text())["runs"]
    for row in rows[60:]:
        for file in (path / "runs").glob(f"??/{row['id']}.*"):
            file.unlink()
    return path


@pytest.fixture
def port(running: Path) -> Iterator[int]:
    """Port of a server of that directory."""
    with make_server(running) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


def arrive(running: Path, played: Path) -> None:
    """What was missing is stored."""
    shutil.copytree(played / "runs", running / "runs", dirs_exist_ok=True)


def ask(port: int, path: str, **headers: str) -> tuple[int, str, Any]:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer.headers


def test_it_listens_on_loopback_only(running: Path) -> None:
    with make_server(running) as server:
        assert server.server_address[0] == "127.0.0.1"
        with pytest.raises(StoreError, match=f"port {server.server_address[1]} of 127.0.0.1 cannot be had"):
            make_server(running, int(server.server_address[1]))


def test_other_names_of_this_machine_are_refused(port: int) -> None:
    status, text, _ = ask(port, "/", Host="evil.example:80")
    assert (status, text) == (403, "this server answers to 127.0.0.1 only\n")
    assert ask(port, "/", Host=f"localhost:{port}")[0] == 200
    assert ask(port, "/../config.yaml")[0] == 404
    assert ask(port, "/runs")[0] == 404


def test_data_is_sent_again_only_when_there_is_more(port: int, running: Path, played: Path) -> None:
    status, text, headers = ask(port, "/payload.json")
    assert status == 200
    assert json.loads(text)["counts"] == {"finished": 60, "failed": 0, "missing": 60}
    tag = headers["ETag"]
    assert ask(port, "/payload.json", **{"If-None-Match": tag})[0] == 304
    arrive(running, played)
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline:
        time.sleep(0.1)
        status, text, headers = ask(port, "/payload.json", **{"If-None-Match": tag})
        if status == 200:
            break
    assert json.loads(text)["counts"]["finished"] == 120
    assert headers["ETag"] != tag


def test_the_command_says_where_it_serves_and_stops_quietly(running: Path) -> None:
    command = [sys.executable, "-m", "regret_experiments", "watch", str(running), "--no-open"]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "bufsize": 1}
    # A shell's background jobs ignore Ctrl-C, and so would what they start.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, preexec_fn=heed, **pipes) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.fullmatch(rf"watching {running} at http://127\.0\.0\.1:(\d+)/ \(Ctrl-C stops\)\n", said)
        assert found, said
        assert ask(int(found.group(1)), "/")[0] == 200
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=60)
    assert (rest, complaints, process.returncode) == ("stopped\n", "", 0)


def test_the_page_follows_the_sweep(open_page: Open, port: int, running: Path, played: Path) -> None:
    opened = open_page(f"http://{LOOPBACK}:{port}/", "#scale=linear&filter=ogd")
    assert opened.inner_text("#counts") == "60 of 120 runs finished, 60 not run yet."
    assert opened.locator("#progress").evaluate("(bar) => bar.value / bar.max") == 0.5
    arrive(running, played)
    fail(running, 1)
    opened.get_by_text("119 of 120 runs finished, 1 failed.").wait_for(timeout=30_000)
    assert opened.texts("#failure-list li") == [f"{': '.join(FAILURES)} 1 run of FD-AdaGrad"]
    assert opened.locator("#game option").count() == 2
    assert opened.input_value("#filter") == "ogd"
    assert opened.is_checked("input[name=scale][value=linear]")
    assert {url.split("/")[2] for url in opened.requests if url.startswith("http")} == {f"{LOOPBACK}:{port}"}
