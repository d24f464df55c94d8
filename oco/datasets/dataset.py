"""The rows and targets of a game, with a hash of their content and a citation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from oco.errors import DataError
from oco.types import Array

if TYPE_CHECKING:
    import scipy.sparse

    from oco.datasets.registry import DatasetInfo

Rows: TypeAlias = "Array | scipy.sparse.csr_array"
"""A float64 matrix of rows, shape (n, d): dense and C-contiguous, or CSR with sorted indices."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows and targets of a data set, as the game will see them.

    Attributes
    ----------
    name : str
        Name or path under which it was loaded.
    rows : ndarray or scipy.sparse.csr_array, shape (n, d)
        float64; dense and C-contiguous (it may be a view of a memory map), or CSR with sorted indices.
    targets : ndarray, shape (n,)
        float64: raw labels or regression targets as in the source, or the result of ``labels=``.
    checksum : str
        Hash of the content and of the applied options; equal checksums mean equal games.
    source : DatasetInfo or None
        Citation, license, url and task; None for the user's own data.

    Examples
    --------
    >>> from oco.datasets import from_arrays
    >>> data = from_arrays([[1.0, 0.0], [0.0, 2.0]], [1.0, -1.0])
    >>> data.n_rows, data.dimension
    (2, 2)
    >>> rows, targets = data.block(1, 2)
    >>> rows, targets
    (array([[0., 2.]]), array([-1.]))
    """

    name: str
    rows: Rows
    targets: Array
    checksum: str
    source: DatasetInfo | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows n."""
        return int(self.rows.shape[0])

    @property
    def dimension(self) -> int:
        """Number of columns d, the intercept included if one was asked for."""
        return int(self.rows.shape[1])

    def block(self, start: int, stop: int) -> tuple[Rows, Array]:
        """Return rows ``start`` to ``stop - 1`` and their targets: views where dense, a copy of the block where CSR.

        Raises
        ------
        DataError
            Unless ``0 <= start <= stop <= n_rows``.
        """
        check_block(start, stop, self.n_rows, self.name)
        return self.rows[start:stop], self.targets[start:stop]

    def __repr__(self) -> str:
        kind = "dense" if isinstance(self.rows, np.ndarray) else f"CSR, {self.rows.nnz:,} stored"
        return f"Dataset({self.name!r}, {self.n_rows:,} x {self.dimension:,} {kind}, checksum {self.checksum[:12]})"


def check_block(start: int, stop: int, n_rows: int, name: str) -> None:
    """Raise `DataError` for a block that is not inside the rows."""
    if not 0 <= start <= stop <= n_rows:
        raise DataError(f"block({start}, {stop}) of {name} must satisfy 0 <= start <= stop <= {n_rows}")
