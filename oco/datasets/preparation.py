"""The options that turn parsed rows into the rows of a game, applied to a whole set or to one block of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from oco.datasets.compact import make_csr
from oco.datasets.dataset import Rows
from oco.datasets.fingerprint import combine
from oco.datasets.labels import Labels, map_labels, numeric_label
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
        Raw labels of the whole set, if a label map needs them.
    name : str
        Name of the data, for messages.
    """

    scaling: Scaling
    intercept: bool
    labels: Labels
    classes: Array | None
    name: str

    def apply(self, rows: Rows, targets: Array) -> tuple[Rows, Array]:
        """Return prepared rows and targets; without options, the given ones."""
        rows = self.scaling.apply(rows)
        if self.intercept:
            rows = _append_ones(rows)
        return rows, map_labels(targets, self.labels, self.name, self.classes)

    def checksum(self, content: str, n_rows: int, dimension: int) -> str:
        """Hash of the content and of the applied options."""
        labels: object = self.labels
        if isinstance(self.labels, Mapping):
            labels = sorted((numeric_label(key, self.name), float(value)) for key, value in self.labels.items())
        elif isinstance(self.labels, tuple):
            labels = [self.labels[0], float(self.labels[1])]
        facts = {"content": content, "scaling": self.scaling.checksum, "intercept": self.intercept, "labels": labels}
        return combine({**facts, "shape": [n_rows, dimension]})


def _append_ones(rows: Rows) -> Rows:
    n_rows, width = rows.shape
    if isinstance(rows, np.ndarray):
        out = np.empty((n_rows, width + 1))
        out[:, :-1] = rows
        out[:, -1] = 1.0
        return out
    # One entry more per row may be more than 32-bit offsets can count.
    kind = np.int32 if rows.nnz + n_rows <= np.iinfo(np.int32).max else np.int64
    ends = rows.indptr[1:]
    data = np.insert(rows.data, ends, 1.0)
    indices = np.insert(rows.indices.astype(kind, copy=False), ends, width)
    indptr = rows.indptr.astype(kind, copy=False) + np.arange(n_rows + 1, dtype=kind)
    return make_csr(data, indices, indptr, width + 1)  # type: ignore[no-any-return]
