"""A sweep that was played once for all tests of figures, and an Axes to draw in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from matplotlib.figure import Figure
from small_sweeps import CONFIG, HELD_OUT, PLANE, play

from regret_experiments.figures.style import base_style
from regret_experiments.store.results import Results, load


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a small sweep."""
    return play(CONFIG, tmp_path_factory.mktemp("sweep"))


@pytest.fixture(scope="session")
def results(stored: Path) -> Results:
    """A small sweep."""
    return load(stored)


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A sweep in two dimensions whose optimum moves."""
    return load(play(PLANE, tmp_path_factory.mktemp("plane")))


@pytest.fixture(scope="session")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A sweep on three quarters of a data set, evaluated on the rest."""
    return load(play(HELD_OUT, tmp_path_factory.mktemp("held_out")))


@pytest.fixture
def axes() -> Iterator[Any]:
    """An Axes of a one-column figure."""
    with matplotlib.rc_context(base_style("one-column")):
        yield Figure(figsize=(3.4, 2.6), layout="constrained").subplots()
