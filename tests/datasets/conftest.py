from __future__ import annotations

import os
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
def offline_copies() -> Path:
    directory = os.environ.get("OCO_DATA_DIR")
    if not directory or not (Path(directory) / "a9a.bz2").exists():
        pytest.skip("OCO_DATA_DIR does not name a directory that holds a9a.bz2 and the other real files")
    return Path(directory)
