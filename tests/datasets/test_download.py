"""Downloads from a server on this machine that behaves as badly as real ones do."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from oco.datasets.download import download, download_directory
from oco.datasets.named import read_named
from oco.datasets.registry import DatasetInfo, FileInfo, SplitInfo
from oco.errors import DataError

CONTENT = b"".join(b"%d 1:%d 2:0.5\n" % (row % 2, row) for row in range(20_000))
SUM = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT at every path; the path's first part says how."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.log: list[tuple[str, str | None, int]] = []
        self.etag = '"one"'

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"

    def ranges(self) -> list[str | None]:
        return [requested for _, requested, _ in self.log]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        manner = self.path.split("/")[1]
        requested = self.headers.get("Range")
        condition = self.headers.get("If-Range")
        start = 0
        status = 200
        if requested and manner != "no-ranges" and condition in (None, self.server.etag):
            start, status = int(requested.removeprefix("bytes=").rstrip("-")), 206
            if start >= len(CONTENT):
                status = 416
        if manner == "missing":
            status = 404
        self.server.log.append((self.path, requested, status))
        if status in (404, 416):
            self.send_error(status)
            return
        body = b"<html>log in</html>" if manner == "page" else CONTENT[start:]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 206:
            claimed = start + 7 if manner == "elsewhere" else start
            self.send_header("Content-Range", f"bytes {claimed}-{len(CONTENT) - 1}/{len(CONTENT)}")
        if manner != "no-tag":
            self.send_header("ETag", self.server.etag)
        self.end_headers()
        if manner == "always-cut" or (manner in ("cut-once", "no-ranges", "no-tag") and len(self.server.log) == 1):
            body = body[: len(body) // 3]
        if manner == "stall":
            self.wfile.write(body[:1000])
            self.wfile.flush()
            time.sleep(3.0)
            return
        if manner == "slow":
            for piece in range(0, len(body), len(body) // 4):
                self.wfile.write(body[piece : piece + len(body) // 4])
                self.wfile.flush()
                time.sleep(0.15)
            return
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


def file(server: Server, manner: str, sha256: str = SUM) -> FileInfo:
    return FileInfo({"toy": sha256}, url=server.url(f"{manner}/toy"))


def kept() -> list[str]:
    directory = download_directory()
    return sorted(path.name for path in directory.glob("*") if not path.name.endswith(".lock"))


def test_good_file_is_fetched_once(server: Server) -> None:
    path = download(file(server, "good"))
    assert path.read_bytes() == CONTENT
    assert download(file(server, "good")) == path
    assert len(server.log) == 1
    assert kept() == ["toy"]


def test_wrong_sum_is_refused_and_nothing_is_kept(server: Server) -> None:
    with pytest.raises(DataError, match=r"/good/toy served a file with another sha256 than the 0000.* it was not kept"):
        download(file(server, "good", "0" * 64))
    assert kept() == []


def toy(server: Server, manner: str, rows: int = 20_000) -> DatasetInfo:
    """A named set whose sum nobody knows."""
    splits = {"train": SplitInfo(rows, classes=2, files=(file(server, manner, sha256=""),))}
    return DatasetInfo("toy", "", "binary", "", "", "", features=2, format="svmlight", splits=splits)


def test_first_sum_is_recorded_and_a_changed_file_is_refused_later(server: Server, no_offline_copies) -> None:
    assert read_named(toy(server, "good"), "train").rows.shape == (20_000, 2)
    assert kept() == ["recorded.json", "toy"]
    recorded = download_directory() / "recorded.json"
    assert json.loads(recorded.read_text()) == {"toy": SUM}
    (download_directory() / "toy").unlink()
    assert download(file(server, "good", sha256="")).read_bytes() == CONTENT
    (download_directory() / "toy").unlink()
    recorded.write_text(json.dumps({"toy": "1" * 64}))
    with pytest.raises(DataError, match="another sha256 than the 1111"):
        download(file(server, "good", sha256=""))
    assert kept() == ["recorded.json"]


@pytest.mark.parametrize("content", ["{", "[]", '{"toy": 1}', "\xff"])
def test_recorded_sums_that_are_damaged_are_an_error_of_one_sentence(
    server: Server, no_offline_copies, content
) -> None:
    download_directory().mkdir(parents=True)
    (download_directory() / "recorded.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(DataError, match="recorded.json: .*; delete it to record the sums anew"):
        download(FileInfo({"toy": ""}, url=server.url("good/toy")))


@pytest.mark.parametrize(
    ("manner", "rows", "message"),
    [("page", 20_000, "line 1, column 1: expected a label"), ("good", 20_001, "is published with 20,001 x 2 entries")],
)
def test_download_that_is_not_what_is_published_is_neither_kept_nor_recorded(
    server: Server, no_offline_copies, cache: Path, manner: str, rows: int, message: str
) -> None:
    for requests_so_far in (1, 2):
        with pytest.raises(DataError, match=message):
            read_named(toy(server, manner, rows), "train")
        assert len(server.log) == requests_so_far
        assert kept() == []
        assert list(cache.glob("parsed/*")) == []


def test_offline_copy_that_is_wrong_is_not_deleted(server: Server, tmp_path: Path) -> None:
    (tmp_path / "toy").write_text("<html>")
    with pytest.raises(DataError, match="line 1, column 1: expected a label"):
        read_named(toy(server, "good"), "train", data_dir=tmp_path)
    assert (tmp_path / "toy").read_text() == "<html>"
    assert server.log == []


def test_full_disk_does_not_cost_the_download(server: Server, no_offline_copies, monkeypatch) -> None:
    def full(self, values) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("oco.datasets.compact._NpyFile.append", full)
    with pytest.raises(DataError, match="No space left on device"):
        read_named(toy(server, "good"), "train")
    assert kept() == ["toy"]


def test_server_that_continues_elsewhere_is_not_believed(server: Server) -> None:
    download_directory().mkdir(parents=True)
    (download_directory() / "toy.part").write_bytes(CONTENT[:1000])
    assert download(file(server, "elsewhere")).read_bytes() == CONTENT
    assert server.ranges() == ["bytes=1000-", None]


def test_broken_transfer_is_resumed_where_it_stopped(server: Server) -> None:
    assert download(file(server, "cut-once")).read_bytes() == CONTENT
    first, second = server.ranges()
    assert first is None
    assert second is not None
    assert 0 < int(second.removeprefix("bytes=").rstrip("-")) <= len(CONTENT) // 3
    assert kept() == ["toy"]


def test_server_that_always_breaks_off_is_given_up_and_the_part_is_resumed_by_the_next_call(server: Server) -> None:
    with pytest.raises(DataError, match=r"could not be downloaded \(the connection broke off before the whole file"):
        download(file(server, "always-cut"))
    assert len(server.log) == 3
    assert kept() == ["toy.part", "toy.part.tag"]
    part = (download_directory() / "toy.part").stat().st_size
    assert download(file(server, "good")).read_bytes() == CONTENT
    assert server.ranges()[-1] == f"bytes={part}-"


def test_server_without_ranges_starts_again(server: Server) -> None:
    assert download(file(server, "no-ranges")).read_bytes() == CONTENT
    assert [status for _, _, status in server.log] == [200, 200]


def test_part_of_a_file_that_changed_since_is_thrown_away(server: Server) -> None:
    with pytest.raises(DataError):
        download(file(server, "always-cut"))
    server.etag = '"two"'
    assert download(file(server, "good")).read_bytes() == CONTENT
    assert server.log[-1][2] == 200


def test_without_tag_and_without_sum_parts_are_never_joined(server: Server) -> None:
    assert download(file(server, "no-tag", sha256="")).read_bytes() == CONTENT
    assert server.ranges() == [None, None]


def test_part_that_is_not_of_this_file_is_found_out_and_fetched_again(server: Server) -> None:
    download_directory().mkdir(parents=True)
    (download_directory() / "toy.part").write_bytes(b"x" * 100)
    assert download(file(server, "no-tag-good")).read_bytes() == CONTENT
    assert server.ranges() == ["bytes=100-", None]


def test_part_longer_than_the_file_is_thrown_away(server: Server) -> None:
    download_directory().mkdir(parents=True)
    (download_directory() / "toy.part").write_bytes(CONTENT + b"more")
    assert download(file(server, "good")).read_bytes() == CONTENT
    assert [status for _, _, status in server.log] == [416, 200]


def test_missing_file_says_what_the_server_answered(server: Server) -> None:
    with pytest.raises(DataError, match=r"/missing/toy could not be downloaded \(the server answered 404 Not Found\)"):
        download(file(server, "missing"))
    assert len(server.log) == 1
    assert kept() == []


def test_slow_server_is_waited_for(server: Server) -> None:
    assert download(file(server, "slow"), timeout=0.5).read_bytes() == CONTENT
    assert len(server.log) == 1


def test_server_that_stops_answering_is_given_up(server: Server) -> None:
    with pytest.raises(DataError, match="the server did not answer in time"):
        download(file(server, "stall"), timeout=0.2)


def test_offline_says_what_to_do() -> None:
    with Server() as stopped:
        url = stopped.url("good/toy")
    with pytest.raises(DataError, match=r"the server cannot be reached\); check the network, or put the file"):
        download(FileInfo({"toy": SUM}, url=url))


def test_two_processes_fetch_one_file_once(server: Server) -> None:
    script = (
        "import sys; from oco.datasets.download import download; from oco.datasets.registry import FileInfo; "
        "print(download(FileInfo({'toy': sys.argv[2]}, url=sys.argv[1])).stat().st_size)"
    )
    command = [sys.executable, "-c", script, server.url("slow/toy"), SUM]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    results = [process.communicate(timeout=60) for process in running]
    assert results == [(f"{len(CONTENT)}\n", "")] * 2  # and no progress bar where nobody looks
    assert len(server.log) == 1


def test_progress_bar_shows_on_request(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    download(file(server, "good"), progress=True)
    assert "toy: 100%" in capsys.readouterr().err


def test_cache_that_cannot_be_written_says_so(
    server: Server, open_directory: Path, read_only, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCO_CACHE_DIR", str(open_directory))
    with (
        read_only(open_directory),
        pytest.raises(DataError, match=r"cannot be written \(Permission denied\); set OCO_CACHE_DIR"),
    ):
        download(file(server, "good"))
    assert server.log == []


def test_read_only_cache_that_has_the_file_is_enough(
    server: Server, open_directory: Path, read_only, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCO_CACHE_DIR", str(open_directory))
    download(file(server, "good"))
    with read_only(open_directory):
        assert download(file(server, "good")).read_bytes() == CONTENT
    assert len(server.log) == 1
