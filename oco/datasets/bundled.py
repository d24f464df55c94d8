"""The data sets inside scikit-learn's wheel, which need no file and no network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from oco.datasets.compact import Compact
from oco.datasets.fingerprint import ContentHash
from oco.datasets.packages import needs_package
from oco.datasets.patches import Patches, patches_of
from oco.datasets.wheel_files import wheel_file
from oco.types import Array

_TABLES = {"breast_cancer": "breast_cancer.csv", "iris": "iris.csv", "wine": "wine_data.csv"}


def load_bundled(name: str, patches: Patches | Mapping[str, Any] | None = None) -> Compact:
    """Return the named set of scikit-learn's wheel ("iris" is ``sklearn.datasets.load_iris``)."""
    if name == "natural_images":
        return patches_of(patches).data()
    table = _table(name)
    if table is None:
        with needs_package("scikit-learn"):
            import sklearn.datasets
        table = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    rows, targets = table
    rows = np.ascontiguousarray(rows, dtype=np.float64)
    targets = np.asarray(targets, dtype=np.float64)
    content = ContentHash()
    content.add(rows, targets)
    return Compact(rows, targets, content.hexdigest(rows.shape[1]))


def _table(name: str) -> tuple[Array, Array] | None:
    """Rows and targets from the file in the wheel; None where scikit-learn has to read it itself."""
    path = wheel_file("data", _TABLES[name]) if name in _TABLES else None
    if path is None:
        return None
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return table[:, :-1], table[:, -1]
