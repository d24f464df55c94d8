"""A data set that is read in blocks, so that it may be larger than memory."""

from __future__ import annotations

from oco.datasets.compact import Compact
from oco.datasets.dataset import Rows, check_block
from oco.datasets.preparation import Preparation
from oco.datasets.registry import DatasetInfo
from oco.types import Array


class ChunkedDataset:
    """Rows and targets on disk, prepared block by block as they are read. Use `open_chunks` to make one.

    Attributes
    ----------
    name : str
        Name or path under which it was opened.
    n_rows, dimension : int
        Number of rows n, and of columns d with the intercept.
    checksum : str
        As in `Dataset`, and equal to that of the same set loaded whole with the same options.
    source : DatasetInfo or None
        Citation, license, url and task of a named set.
    """

    def __init__(
        self,
        name: str,
        compact: Compact,
        preparation: Preparation,
        source: DatasetInfo | None,
        max_rows: int | None = None,
    ) -> None:
        self.name = name
        self.source = source
        available, width = compact.rows.shape
        self.n_rows = available if max_rows is None else min(max_rows, available)
        self.dimension = width + 1 if preparation.intercept else width
        self.checksum = preparation.checksum(compact.content, self.n_rows, self.dimension)
        self._compact = compact
        self._preparation = preparation
        if preparation.labels is not None:  # reject unsuitable labels now rather than at the first block
            self.block(0, 1)

    def block(self, start: int, stop: int) -> tuple[Rows, Array]:
        """Return rows ``start`` to ``stop - 1``, shape (stop - start, d), and their targets.

        Raises
        ------
        DataError
            Unless ``0 <= start <= stop <= n_rows``.
        """
        check_block(start, stop, self.n_rows, self.name)
        rows, targets = self._compact.rows, self._compact.targets
        if (start, stop) != (0, rows.shape[0]):  # a slice of a CSR matrix is a copy, which the whole does not need
            rows, targets = rows[start:stop], targets[start:stop]
        return self._preparation.apply(rows, targets)

    def __repr__(self) -> str:
        return f"ChunkedDataset({self.name!r}, {self.n_rows:,} x {self.dimension:,}, checksum {self.checksum[:12]})"
