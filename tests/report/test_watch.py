"""The live page: on this machine only, and new while the sweep runs."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import Open
from small_sweeps import FAILURES, fail

from oco.errors import StoreError
from regret_experiments.report import live
from regret_experiments.report.live import LOOPBACK, MOST_CONNECTIONS, make_server


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


def raw(port: int, request: bytes) -> bytes:
    """What the server answers to these bytes."""
    with socket.create_connection((LOOPBACK, port), timeout=60) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        ([b"127.0.0.1:8000"], b"404"),
        ([b"localhost"], b"404"),
        ([b"LOCALHOST:80"], b"404"),
        ([], b"403"),
        ([b""], b"403"),
        ([b"localhost:80", b"evil.example:80"], b"403"),
        ([b"evil.example:80", b"localhost:80"], b"403"),
        ([b"localhost:80", b"localhost:80"], b"403"),
        ([b"localhost:80, evil.example"], b"403"),
        ([b"localhost.evil.example:80"], b"403"),
        ([b"evil.example#localhost:80"], b"403"),
        ([b"127.0.0.1:"], b"403"),
    ],
)
def test_one_host_header_names_this_machine(port: int, hosts: list[bytes], status: bytes) -> None:
    request = b"GET /nothing HTTP/1.1\r\n" + b"".join(b"Host: %s\r\n" % host for host in hosts) + b"\r\n"
    assert raw(port, request).split()[1] == status


def answering_threads() -> int:
    return sum("process_request_thread" in thread.name for thread in threading.enumerate())


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("beginning", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\n"])
def test_silent_connections_are_few_and_are_ended(port: int, beginning: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    connections = [socket.create_connection((LOOPBACK, port), timeout=60) for _ in range(MOST_CONNECTIONS)]
    try:
        for connection in connections:
            connection.sendall(beginning)
        wait_until(lambda: answering_threads() == MOST_CONNECTIONS)
        assert ask(port, "/nothing")[0] == 503
        assert answering_threads() == MOST_CONNECTIONS
    finally:
        for connection in connections:
            connection.close()
    wait_until(lambda: answering_threads() == 0)
    monkeypatch.setattr(live, "PATIENCE", 0.1)
    with socket.create_connection((LOOPBACK, port), timeout=60) as connection:
        connection.sendall(beginning)
        assert connection.recv(100) == b""
    assert ask(port, "/nothing")[0] == 404


def test_a_request_that_trickles_in_is_ended(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then restarts no clock."""
    monkeypatch.setattr(live, "PATIENCE", 1.0)
    ended = False
    with socket.create_connection((LOOPBACK, port), timeout=60) as connection:
        for letter in b"GET /" + b"x" * 600:
            try:
                connection.send(bytes([letter]))
            except ConnectionError:
                ended = True
                break
            time.sleep(0.02)
    assert ended


def test_a_client_that_goes_away_leaves_no_trace(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    reset = struct.pack("ii", 1, 0)
    for request in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"):
        for _ in range(5):
            connection = socket.create_connection((LOOPBACK, port), timeout=60)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            connection.sendall(request)
            connection.close()
    wait_until(lambda: answering_threads() == 0)
    assert ask(port, "/nothing")[0] == 404
    assert capfd.readouterr().err == ""


def test_a_client_that_never_reads_is_given_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PATIENCE", 0.2)
    monkeypatch.setattr(live, "render", lambda *_, **__: "x" * 50_000_000)
    with socket.create_connection((LOOPBACK, port), timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: answering_threads() == 1)
        wait_until(lambda: answering_threads() == 0)


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
