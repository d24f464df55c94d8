from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, so that no test sees what another parsed or downloaded."""
    directory = tmp_path / "cache"
    monkeypatch.setenv("OCO_CACHE_DIR", str(directory))
    return directory / "datasets"


@pytest.fixture
def no_offline_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCO_DATA_DIR", raising=False)


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every user of the machine may read (pytest's own are the running user's only)."""
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@contextmanager
def _read_only(directory: Path) -> Iterator[None]:
    """Nobody may write into ``directory`` for a while: root gives up its rights, as it could write anywhere."""
    directories = [directory, *(path for path in directory.rglob("*") if path.is_dir())]
    for path in directories:
        path.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        for path in directories:
            path.chmod(0o755)


@pytest.fixture
def read_only() -> Callable[[Path], AbstractContextManager[None]]:
    return _read_only
