"""Streams of generalized linear losses ``f_t(x) = phi(<a_t, x>, y_t)`` over the rows of a data set."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Protocol, Self, runtime_checkable

import numpy as np
from scipy import sparse

from oco.domains import Unbounded, from_config
from oco.domains.base import Domain
from oco.environments.row_stream import RowStream
from oco.errors import ConfigError, DataError
from oco.losses.rows import RowBlock, Rows
from oco.losses.scalar import (
    SCALAR_LOSSES,
    Absolute,
    Hinge,
    Linear,
    Logistic,
    ScalarLoss,
    Squared,
    scalar_loss,
)
from oco.types import Array

Order = Literal["shuffle", "file"]


@runtime_checkable
class RowSource(Protocol):
    """Rows that need not be in memory: ``block(start, stop)`` gives rows and targets in the order of the file."""

    n_rows: int
    dimension: int

    def block(self, start: int, stop: int) -> tuple[Rows, Array]:
        """Rows ``start`` to ``stop - 1`` and their targets."""


class GeneralizedLinear(RowStream):
    """Play against the rows of a data set: round t reveals ``phi(<a_t, x>, y_t)``.

    Parameters
    ----------
    rows
        ``(n, d)`` features: a NumPy array (a memory map will do), a SciPy CSR array, or a `RowSource`.
    targets
        ``(n,)``; -1 or +1 where the loss asks for classes. Not given with a `RowSource`.
    loss
        The loss phi of a margin and a target; the named games (`LogisticRegression`, ...) have theirs.
    domain
        Where decisions must lie; unbounded by default.
    order
        ``"shuffle"``: every seed draws its own permutation (a new one for each pass); ``"file"``: as given.
    passes
        How often the data is gone through.
    horizon
        Number of rounds, if fewer than ``passes * n``.
    description
        Plain values that identify the data in a record.

    Raises
    ------
    DataError
        If shapes disagree, a number is not finite, or a class label is not -1 or +1.

    Notes
    -----
    ``block(start, stop)`` hands out consecutive rounds, so that a learner with a compiled loop can play them at once;
    nothing of size horizon x d is ever made.

    Examples
    --------
    >>> import numpy as np, oco
    >>> rows, targets = np.eye(3), np.array([1.0, 2.0, 3.0])
    >>> game = oco.environments.LeastSquares(rows, targets, domain=oco.Ball(radius=4.0))
    >>> game.horizon, game.domain.dimension
    (3, 3)
    """

    name: ClassVar[str] = "generalized_linear"
    default_loss: ClassVar[ScalarLoss | None] = None

    def __init__(
        self,
        rows: Rows | RowSource,
        targets: Array | None = None,
        *,
        loss: ScalarLoss | None = None,
        domain: Domain | None = None,
        order: Order = "shuffle",
        passes: int = 1,
        horizon: int | None = None,
        description: dict[str, Any] | None = None,
    ) -> None:
        loss = loss or self.default_loss
        if loss is None:
            raise ConfigError(f"a generalized linear game needs a loss: one of {', '.join(sorted(SCALAR_LOSSES))}")
        self.loss = loss
        self._source: RowSource | None = None
        if isinstance(rows, np.ndarray) or sparse.issparse(rows):
            self._rows, self._targets = _checked(loss, rows, targets)
            count, dimension = self._rows.shape
        else:
            self._source = rows
            count, dimension = rows.n_rows, rows.dimension
            if order != "file":
                raise ConfigError('rows that are read in blocks can only be played with order="file"')
        if order not in ("shuffle", "file"):
            raise ConfigError(f'order must be "shuffle" or "file", got {order!r}')
        if passes < 1:
            raise ConfigError(f"passes must be at least 1, got {passes!r}")
        if horizon is not None and not 1 <= horizon <= passes * count:
            raise ConfigError(f"horizon must be in 1..{passes * count} for {count} rows and passes={passes}, got {horizon}")
        self.n_rows = int(count)
        self.domain = (domain or Unbounded()).with_shape((int(dimension),))
        self.order: Order = order
        self.passes = passes
        self.horizon = horizon or passes * self.n_rows
        self._description = description or {}
        self._permutation: Array | None = None
        self._gradient_bound: float | None = None
        self.restart(0)

    def restart(self, seed: int) -> None:
        """Go back before round 1; with ``order="shuffle"``, draw the order of the rows from ``seed``."""
        super().restart(seed)
        self._permutation = None
        if self.order == "shuffle":
            generator = np.random.default_rng(np.random.SeedSequence([seed, 0x0DE2]))
            passes = -(-self.horizon // self.n_rows)
            self._permutation = np.concatenate([generator.permutation(self.n_rows) for _ in range(passes)])

    def block(self, start: int, stop: int) -> RowBlock:
        """Rounds ``start`` to ``stop - 1`` (from 0) of the stream, in the order in which they are played."""
        if self._source is not None:
            first = start % self.n_rows
            rows, targets = self._source.block(first, min(first + stop - start, self.n_rows))
            if targets.size < stop - start:
                rest = self.block(start + targets.size, stop)
                rows = np.vstack([rows, rest.rows]) if isinstance(rows, np.ndarray) else sparse.vstack([rows, rest.rows])
                targets = np.concatenate([targets, rest.targets])
            return RowBlock(self.loss, rows, targets)
        if self._permutation is None:
            first = start % self.n_rows
            if first + stop - start <= self.n_rows:
                return RowBlock(self.loss, self._rows[first : first + stop - start], self._targets[first : first + stop - start])
            index = np.arange(start, stop) % self.n_rows
        else:
            index = self._permutation[start:stop]
        return RowBlock(self.loss, self._rows[index], self._targets[index])

    @property
    def gradient_bound(self) -> float | None:
        """Largest ``|phi'| |a_t|_2`` over the domain and all rows; None where the derivative is not bounded."""
        if self._gradient_bound is None:
            self._gradient_bound = self._largest_gradient()
        return self._gradient_bound if np.isfinite(self._gradient_bound) else None

    def _largest_gradient(self) -> float:
        largest = 0.0
        radius = self.domain.radius("l2")
        for start in range(0, self.n_rows, 8192):
            block = self._file_block(start, min(start + 8192, self.n_rows))
            lengths = row_lengths(block.rows)
            slopes: Any = self.loss.lipschitz
            if np.isinf(slopes):
                reach = radius * lengths
                ends = [self.loss.values_and_derivatives(side * reach, block.targets)[1] for side in (-1.0, 1.0)]
                slopes = np.maximum(np.abs(ends[0]), np.abs(ends[1]))
            largest = max(largest, float(np.max(np.nan_to_num(slopes * lengths, nan=np.inf), initial=0.0)))
        return largest

    def _file_block(self, start: int, stop: int) -> RowBlock:
        if self._source is not None:
            return RowBlock(self.loss, *self._source.block(start, stop))
        return RowBlock(self.loss, self._rows[start:stop], self._targets[start:stop])

    def describe(self) -> dict[str, Any]:
        """Name and parameters."""
        settings = {"order": self.order, "passes": self.passes, "rows": self.n_rows}
        return super().describe() | settings | self._description

    @classmethod
    def load(cls, data: str, *, domain: Domain | None = None, loss: ScalarLoss | None = None, **options: Any) -> Self:
        """Play against a data set, by name or path.

        Parameters
        ----------
        data
            Name in the registry of `oco.datasets`, or a path.
        domain, loss
            As in the constructor.
        options
            ``order``, ``passes`` and ``horizon`` go to the constructor, the rest to `oco.datasets.load`.
        """
        from oco import datasets

        stream = {key: options.pop(key) for key in ("order", "passes", "horizon") if key in options}
        chosen = loss or cls.default_loss
        if chosen is not None and chosen.binary:
            options.setdefault("labels", "binary")
        dataset = datasets.load(data, **options)
        plain = {key: value for key, value in options.items() if key != "data_dir"}
        description = {"data": data, "checksum": dataset.checksum} | plain
        return cls(dataset.rows, dataset.targets, loss=loss, domain=domain, description=description, **stream)

    @classmethod
    def from_config(cls, *, data: str, domain: dict[str, Any] | None = None, **options: Any) -> Self:
        """Build from the plain values of a config: ``loss`` and ``domain`` are given by name."""
        loss = None
        if cls.default_loss is None or "loss" in options:
            keywords = {key: options.pop(key) for key in ("tau", "delta") if key in options}
            loss = scalar_loss(options.pop("loss", None), **keywords)
        return cls.load(data, domain=from_config(domain) if domain else None, loss=loss, **options)


class LogisticRegression(GeneralizedLinear):
    """`GeneralizedLinear` with the logistic loss ``log(1 + exp(-y <a, x>))``, y = -1 or +1."""

    name = "logistic_regression"
    default_loss = Logistic()


class LeastSquares(GeneralizedLinear):
    """`GeneralizedLinear` with the squared loss ``(<a, x> - y)^2 / 2``."""

    name = "least_squares"
    default_loss = Squared()


class AbsoluteRegression(GeneralizedLinear):
    """`GeneralizedLinear` with the absolute loss ``|<a, x> - y|``."""

    name = "absolute_regression"
    default_loss = Absolute()


class SupportVector(GeneralizedLinear):
    """`GeneralizedLinear` with the hinge loss ``max(0, 1 - y <a, x>)``, y = -1 or +1."""

    name = "support_vector"
    default_loss = Hinge()


class LinearLosses(GeneralizedLinear):
    """`GeneralizedLinear` with ``f_t(x) = <g_t, x>``: the rows are the gradients."""

    name = "linear_losses"
    default_loss = Linear()


def row_lengths(rows: Rows) -> Array:
    """``|a_i|_2`` of every row, ``(n,)``."""
    if isinstance(rows, np.ndarray):
        lengths: Array = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        return lengths
    squared: Any = rows.multiply(rows).sum(axis=1)
    return np.sqrt(np.asarray(squared, dtype=np.float64).ravel())


def _checked(loss: ScalarLoss, rows: Any, targets: Any) -> tuple[Rows, Array]:
    if sparse.issparse(rows):
        rows = sparse.csr_array(rows, dtype=np.float64)
        rows.sum_duplicates()
        numbers = rows.data
    else:
        rows = np.ascontiguousarray(rows, dtype=np.float64)
        numbers = rows
    if rows.ndim != 2 or min(rows.shape) < 1:
        raise DataError(f"rows must be a matrix with at least one row and one column, got shape {rows.shape}")
    targets = np.ascontiguousarray(np.zeros(rows.shape[0]) if targets is None else targets, dtype=np.float64)
    if targets.shape != (rows.shape[0],):
        raise DataError(f"targets must have shape ({rows.shape[0]},) to go with rows {rows.shape}, got {targets.shape}")
    for what, values in (("rows", numbers), ("targets", targets)):
        if not np.isfinite(values).all():
            raise DataError(f"{what} must be finite numbers, got NaN or infinity")
    if loss.binary and not np.isin(targets, (-1.0, 1.0)).all():
        found = np.unique(targets)[:4].tolist()
        raise DataError(f"the {loss.name} loss needs labels -1 and +1, got {found}; map them with labels='binary'")
    return rows, targets
