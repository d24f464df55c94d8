"""The options that turn parsed rows into what the game sees, applied to a whole set or to one block of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.datasets.compact import make_csr
from oco.datasets.dataset import Rows
from oco.datasets.fingerprint import combine
from oco.datasets.labels import Labels, map_labels
from oco.datasets.scaling import Scaling
from oco.types import Array


@dataclass(frozen=True, eq=False)
class Preparation:
    """Scaling first, then the intercept column of ones as the last column, then the label map.

    Attributes
    ----------
    scaling : Scaling
        Fitted scaling of the rows.
    intercept : bool
        Whether to append a column of ones (not scaled).
    labels : Labels
        See `map_labels`.
    classes : ndarray or None
        Raw labels of the whole set, where a label map needs them.
    name : str
        Name of the data, for messages.
    """

    scaling: Scaling
    intercept: bool
    labels: Labels
    classes: Array | None
    name: str

    def apply(self, rows: Rows, targets: Array) -> tuple[Rows, Array]:
        """Return prepared rows and targets; both are the given ones where nothing was asked."""
        rows = self.scaling.apply(rows)
        if self.intercept:
            rows = _append_ones(rows)
        return rows, map_labels(targets, self.labels, self.name, self.classes)

    def checksum(self, content: str, n_rows: int, dimension: int) -> str:
        """Hash of the content and of all that was done to it."""
        labels = sorted(self.labels.items()) if isinstance(self.labels, dict) else self.labels
        facts = {"content": content, "scaling": self.scaling.checksum, "intercept": self.intercept, "labels": labels}
        return combine({**facts, "shape": [n_rows, dimension]})


def _append_ones(rows: Rows) -> Rows:
    n_rows, width = rows.shape
    if isinstance(rows, np.ndarray):
        out = np.empty((n_rows, width + 1))
        out[:, :-1] = rows
        out[:, -1] = 1.0
        return out
    ends = rows.indptr[1:]
    data = np.insert(rows.data, ends, 1.0)
    indices = np.insert(rows.indices, ends, width)
    indptr = rows.indptr + np.arange(n_rows + 1, dtype=rows.indptr.dtype)
    return make_csr(data, indices, indptr, width + 1)  # type: ignore[no-any-return]
