"""What all tests share: where the real data is, one thread for BLAS, and the system's Chromium."""

from __future__ import annotations

import gc
import os
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
gc.set_threshold(100_000, 50, 50)  # as the command line does: collecting 20,000 tests takes a fifth less

CHROMIUM = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with the reason, what needs files that are not here."""
    directory = os.environ.get("OCO_DATA_DIR")
    data = Path(directory) if directory else None
    have_data = data is not None and data.is_dir()
    have_golden = have_data and (data.parent / "golden").is_dir()
    for item in items:
        if item.get_closest_marker("data") and not have_data:
            item.add_marker(pytest.mark.skip(reason="needs the real data sets: set OCO_DATA_DIR to their directory"))
        if item.get_closest_marker("golden") and not have_golden:
            item.add_marker(pytest.mark.skip(reason="needs the reference numbers beside OCO_DATA_DIR"))


def pytest_collection_finish() -> None:
    """Leave 20,000 tests, which live to the end, out of later garbage collections; keep no more byte code.

    A test that edits a module must not meet the byte code of before the edit, in this process or in one that it starts.
    """
    gc.freeze()
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"


@pytest.fixture(autouse=True)
def _seed() -> None:
    """Seed what draws without a seed of its own, such as an estimator of scikit-learn with ``random_state=None``."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 -- the generator that they draw from


@pytest.fixture(scope="session")
def data_directory() -> Path:
    """The directory of the real data sets (use with ``@pytest.mark.data``)."""
    return Path(os.environ["OCO_DATA_DIR"])


@pytest.fixture(scope="session")
def golden_directory(data_directory: Path) -> Path:
    """The directory of numbers of public reference implementations (use with ``@pytest.mark.golden``)."""
    return data_directory.parent / "golden"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The system's Chromium; the test is skipped where it, or Playwright, is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install 'oco-regret[test]'")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("needs a browser: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=found, args=CHROMIUM)
        yield chromium
        chromium.close()
