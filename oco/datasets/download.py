"""Download one file of the registry into the cache, with resumption, a checksum, and a lock between processes."""

from __future__ import annotations

import json
import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from oco.datasets.cache import CacheError, cache_directory
from oco.datasets.fingerprint import file_sha256
from oco.datasets.registry import FileInfo
from oco.errors import DataError

_ATTEMPTS = 3
_PIECE = 1 << 16


def download_directory() -> Path:
    """Directory of downloads."""
    return cache_directory() / "downloads"


def download(file: FileInfo, *, timeout: float = 30.0, progress: bool | None = None) -> Path:
    """Return the path of a registry file in the cache, fetching it if it is not there.

    An interrupted transfer is resumed, in this call (three attempts in all) or in the next one, if the server still has
    the same file; otherwise it starts again. A file with a wrong sha256 is never kept. It is compared with the
    registry's sum or, if that has none, with the sum stored by `record_sum`.

    Parameters
    ----------
    file : FileInfo
        The file to fetch; its ``url`` must be set.
    timeout : float, default=30.0
        Seconds without data after which an attempt is abandoned.
    progress : bool, optional
        Whether to draw a progress bar; by default only on a terminal.

    Raises
    ------
    DataError
        If the server cannot be reached or does not have the file, or the sum is wrong; `CacheError` if the cache cannot
        be written.
    """
    import requests
    from filelock import FileLock

    assert file.url is not None
    directory = download_directory()
    path = directory / file.download_name
    expected: str | None = None
    try:
        if path.exists():
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(path.name + ".lock")):
            if path.exists():  # another process fetched it while this one waited
                return path
            expected = file.sha256 or _recorded(directory).get(file.download_name)
            resuming = _Resuming(path, timeout, progress, can_verify=bool(expected))
            try:
                _retrieve(file.url, path, expected, resuming)
            except ValueError:
                if not resuming.resumed:
                    raise
                _retrieve(file.url, path, expected, resuming)  # the earlier partial file may have been damaged
            return path
    except DataError:
        raise
    except requests.exceptions.RequestException as error:
        raise DataError(
            f"{file.url} could not be downloaded ({_reason(error)}); check the network, or put the file into a "
            "directory and name it by OCO_DATA_DIR or data_dir"
        ) from error
    except ValueError as error:  # pooch: the sum is wrong
        raise DataError(
            f"{file.url} served a file with another sha256 than the {expected} expected: it is damaged, or has changed "
            "at its source; it was not kept"
        ) from error
    except OSError as error:
        raise CacheError(
            f"{directory} cannot be written ({error.strerror or error}); set OCO_CACHE_DIR to a directory that can, or "
            f"name one that holds {file.download_name} by OCO_DATA_DIR or data_dir"
        ) from error


def record_sum(file: FileInfo, path: Path) -> None:
    """Record the sum of a download that matches the published facts, if its sum was not known before.

    Nothing is recorded for copies outside the cache, or if the cache cannot be written.
    """
    directory = download_directory()
    name = file.download_name
    if file.sha256 or path != directory / name or name in _recorded(directory):
        return
    from filelock import FileLock

    with suppress(OSError), FileLock(directory / "recorded.lock"):
        sums = {**_recorded(directory), name: file_sha256(path)}
        new = directory / "recorded.json.new"
        new.write_text(json.dumps(sums, indent=1), encoding="utf-8")
        os.replace(new, directory / "recorded.json")


def discard(file: FileInfo, path: Path) -> None:
    """Remove a download that does not match the published facts; copies outside the cache are kept."""
    if path == download_directory() / file.download_name:
        with suppress(OSError):
            path.unlink()


def _retrieve(url: str, path: Path, expected: str | None, downloader: _Resuming) -> None:
    import pooch

    logger: logging.Logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)  # the progress bar is enough
    try:
        known = f"sha256:{expected}" if expected else None
        pooch.retrieve(url, known_hash=known, fname=path.name, path=path.parent, downloader=downloader)
    finally:
        logger.setLevel(level)


class _Resuming:
    """Downloader for pooch that keeps received data in ``<file>.part`` and requests the rest from the server."""

    def __init__(self, path: Path, timeout: float, progress: bool | None, can_verify: bool) -> None:
        self.part = path.with_name(path.name + ".part")
        self.tag = path.with_name(path.name + ".part.tag")
        self.timeout = timeout
        self.progress = progress
        self.can_verify = can_verify
        self.resumed = False

    def __call__(self, url: str, output_file: str | Path, pooch: Any) -> None:
        from requests.exceptions import ChunkedEncodingError, ConnectionError, Timeout

        self.resumed = False
        for attempt in range(_ATTEMPTS):
            try:
                self._continue(url)
                break
            except (ChunkedEncodingError, ConnectionError, Timeout):
                if attempt + 1 == _ATTEMPTS:
                    raise
                time.sleep(0.2 * 2**attempt)
        os.replace(self.part, output_file)
        self.tag.unlink(missing_ok=True)

    def _continue(self, url: str) -> None:
        import requests

        have = self.part.stat().st_size if self.part.exists() else 0
        tag = self.tag.read_text(encoding="utf-8") if self.tag.exists() else ""
        headers = {"Accept-Encoding": "identity", "User-Agent": "oco-regret"}
        # Without the server's confirmation that the file is unchanged, or a sum to check, parts could be mixed.
        if have and (tag or self.can_verify):
            headers["Range"] = f"bytes={have}-"
            if tag:
                headers["If-Range"] = tag
        with requests.get(url, headers=headers, stream=True, timeout=self.timeout) as response:
            if response.status_code == 416:  # our part is not the beginning of the server's file
                self.part.unlink(missing_ok=True)
                raise requests.exceptions.ConnectionError("the server refused to continue")
            response.raise_for_status()
            resumed = response.status_code == 206
            if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                self.part.unlink()
                raise requests.exceptions.ConnectionError("the server continued elsewhere than it was asked to")
            self.resumed |= resumed
            offset = have if resumed else 0
            etag = response.headers.get("ETag", "")
            self.tag.write_text("" if etag.startswith("W/") else etag, encoding="utf-8")
            length = response.headers.get("Content-Length")
            total = None if length is None else int(length) + offset
            with self.part.open("ab" if resumed else "wb") as stream:
                self._copy(response, stream, offset, total, Path(url).name)
                if total is not None and stream.tell() < total:
                    raise requests.exceptions.ChunkedEncodingError("the connection broke off")

    def _copy(self, response: Any, stream: IO[bytes], offset: int, total: int | None, name: str) -> None:
        from tqdm import tqdm

        quiet = None if self.progress is None else not self.progress  # None: quiet unless on a terminal
        with tqdm(total=total, initial=offset, unit="B", unit_scale=True, desc=name, disable=quiet) as bar:
            for piece in response.iter_content(_PIECE):
                stream.write(piece)
                bar.update(len(piece))


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.exceptions.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.Timeout) or "timed out" in str(error):
        return "the server did not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off before the whole file had arrived"
    return "the server cannot be reached"


def _recorded(directory: Path) -> dict[str, str]:
    path = directory / "recorded.json"
    if not path.exists():
        return {}
    try:
        sums = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read ({error}); delete it to record the sums anew") from error
    if not isinstance(sums, dict) or not all(isinstance(value, str) for value in sums.values()):
        raise DataError(f"{path}: expected names of files with their sums; delete it to record the sums anew")
    return sums
