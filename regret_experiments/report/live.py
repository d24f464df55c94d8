"""The page of a sweep that is still running, served on this machine only and kept up to date."""

from __future__ import annotations

import re
import socket
import sys
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from oco.errors import OcoError, StoreError
from regret_experiments.report.encoding import dumps
from regret_experiments.report.page import render

LOOPBACK = "127.0.0.1"
PATIENCE = 10.0
"""Seconds that a connection may take to send its request, and again to take the answer."""
MOST_CONNECTIONS = 32
"""Connections that are answered at once, each by a thread; others are turned away."""
_THIS_MACHINE = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?", re.IGNORECASE)
_BUSY = b"HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


class Latest:
    """The payload of a directory of results, built again where something was stored since.

    Building takes at most a fifth of the time, whatever the size of the sweep, so that watching does not slow it down.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: Any = None
        self._not_before = 0.0
        self._payload: dict[str, Any] = {}

    def get(self) -> tuple[str, dict[str, Any]]:
        """A tag that changes with the payload, and the payload."""
        with self._lock:
            seen = self._look()
            if self._seen is None or (seen != self._seen and time.monotonic() >= self._not_before):
                self._build()
                self._seen = seen
            return f'"{abs(hash(self._seen)):x}"', self._payload

    def _look(self) -> Any:
        """A value that changes whenever a run is stored; runs are written whole, so names and times are enough."""
        shelves = sorted((self.path / "runs").glob("??"))
        plan = self.path / "plan.json"
        return tuple((path.name, path.stat().st_mtime_ns) for path in [*shelves, plan] if path.exists())

    def _build(self) -> None:
        from regret_experiments.report.payload import build_payload
        from regret_experiments.store.results import load

        began = time.monotonic()
        self._payload = build_payload(load(self.path))
        self._not_before = time.monotonic() + 4.0 * (time.monotonic() - began)


class _Server(ThreadingHTTPServer):
    """One thread for each connection, up to a limit; idle and closed connections are dropped."""

    daemon_threads = True

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self.silent: dict[socket.socket, float] = {}
        super().__init__((LOOPBACK, port), handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, or turn the client away."""
        if self._free.acquire(blocking=False):
            self.silent[request] = time.monotonic() + PATIENCE
            super().process_request(request, client_address)
        else:
            request.settimeout(0.0)
            request.send(_BUSY)
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, then let the next one come."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.silent.pop(request, None)
            self._free.release()

    def service_actions(self) -> None:
        """End connections whose request is not there in time, however slowly it comes; called twice a second."""
        for request, until in list(self.silent.items()):
            if time.monotonic() >= until:
                with suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)  # half a request is not answered

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that disconnects is not an error."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def make_server(path: Path, port: int = 0) -> ThreadingHTTPServer:
    """A server of the page at ``127.0.0.1``; call ``serve_forever``. Port 0 takes a free one.

    It answers requests that name this machine only, so that no other page in the browser can read it under a name of
    its own. A connection without a whole request after `PATIENCE` seconds is ended.

    Raises
    ------
    StoreError
        If the port cannot be had.
    """
    latest = Latest(path)

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "oco", ""
        server: _Server

        def setup(self) -> None:
            """Wait for no read or write longer than `PATIENCE`."""
            super().setup()
            self.connection.settimeout(PATIENCE)

        def do_GET(self) -> None:
            """The page, or its data where that has changed."""
            self.server.silent.pop(self.connection, None)
            hosts = self.headers.get_all("Host", [])
            if len(hosts) != 1 or not _THIS_MACHINE.fullmatch(hosts[0]):
                self._answer(HTTPStatus.FORBIDDEN, "text/plain", "this server answers to 127.0.0.1 only\n")
                return
            where = self.path.partition("?")[0]
            if where not in ("/", "/payload.json"):
                self._answer(HTTPStatus.NOT_FOUND, "text/plain", "there is / and /payload.json\n")
                return
            try:
                tag, payload = latest.get()
            except OcoError as error:
                self._answer(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", f"{error}\n")
                return
            if where == "/":
                self._answer(HTTPStatus.OK, "text/html", render(payload, live=True))
            elif self.headers.get("If-None-Match") == tag:
                self._answer(HTTPStatus.NOT_MODIFIED, "application/json", "", tag)
            else:
                self._answer(HTTPStatus.OK, "application/json", dumps(payload | {"live": True}), tag)

        def _answer(self, status: HTTPStatus, kind: str, text: str, tag: str | None = None) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            if tag is not None:
                self.send_header("ETag", tag)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing, so that the terminal shows only the address."""

    try:
        return _Server(port, Handler)
    except OSError as error:
        raise StoreError(f"port {port} of {LOOPBACK} cannot be had: {error.strerror or error}") from error
