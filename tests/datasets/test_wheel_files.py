"""Data of scikit-learn's wheel are read from its files, so that no worker of a sweep imports it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import sklearn.datasets

import oco.datasets.bundled
import oco.datasets.patches
from oco.datasets.bundled import load_bundled
from oco.datasets.patches import photographs
from oco.datasets.wheel_files import wheel_file


def test_photographs_are_scikit_learns() -> None:
    photographs.cache_clear()
    for name, plane in zip(("china", "flower"), photographs("both", "red"), strict=True):
        assert np.array_equal(plane, sklearn.datasets.load_sample_image(f"{name}.jpg")[:, :, 0] / 255.0 - 0.5)


@pytest.mark.parametrize("name", ["breast_cancer", "iris", "wine"])
def test_a_wheel_with_other_files_gives_the_same_data(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = load_bundled(name)
    monkeypatch.setattr(oco.datasets.bundled, "wheel_file", lambda *_: None)
    other = load_bundled(name)
    assert np.array_equal(known.rows, other.rows)
    assert np.array_equal(known.targets, other.targets)


def test_a_wheel_with_other_files_gives_the_same_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    known = photographs.__wrapped__("both", "grey")
    monkeypatch.setattr(oco.datasets.patches, "wheel_file", lambda *_: None)
    for plane, other in zip(known, photographs.__wrapped__("both", "grey"), strict=True):
        assert np.array_equal(plane, other)


def test_a_file_that_is_not_in_the_wheel_is_none() -> None:
    assert wheel_file("data", "no_such_table.csv") is None


def test_tables_and_photographs_are_read_without_scikit_learn() -> None:
    code = (
        "import sys; from oco.datasets.bundled import load_bundled; from oco.datasets.patches import photographs; "
        "load_bundled('breast_cancer'); photographs('both', 'grey'); sys.exit('sklearn' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
