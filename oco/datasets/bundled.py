"""The data sets inside scikit-learn's wheel, which need no file and no network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from oco.datasets.compact import Compact
from oco.datasets.fingerprint import ContentHash
from oco.datasets.packages import needs_package
from oco.datasets.patches import Patches, patches_of


def load_bundled(name: str, patches: Patches | Mapping[str, Any] | None = None) -> Compact:
    """Return the named set of scikit-learn's wheel ("iris" is ``sklearn.datasets.load_iris``)."""
    if name == "natural_images":
        return patches_of(patches).data()
    with needs_package("scikit-learn"):
        import sklearn.datasets

    rows, targets = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    rows = np.ascontiguousarray(rows, dtype=np.float64)
    targets = np.asarray(targets, dtype=np.float64)
    content = ContentHash()
    content.add(rows, targets)
    return Compact(rows, targets, content.hexdigest(rows.shape[1]))
