"""Frequent Directions as an object of its own."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from oco.errors import ConfigError, NumericsError, ProtocolError
from oco.sketching.batch import shrink
from oco.sketching.kernels import sketch_rows
from oco.sketching.state import COMPENSATIONS, Compensation, SketchState, default_buffer
from oco.sketching.units import set_unit
from oco.types import Array


class FrequentDirections:
    r"""A rank-k sketch of ``G_t = sum_{s<=t} beta^(t-s) g_s g_s'`` that knows how much it has lost.

    For each vector: eigenpairs of ``beta Gbar + g g'``; if there are more than k, the smallest eigenvalue is subtracted
    from all of them and added to the escaped mass ``rho`` (which decays by the same beta).

    Parameters
    ----------
    dimension
        d.
    rank
        k >= 1, the directions that are kept. The papers' sketch size is ``ell = k + 1``. With ``k >= d`` the sketch is
        exact.
    decay
        beta in (0, 1]: weight of the past at every update; 1 sums.
    buffer
        Residuals b >= 1 that are held between two compressions of the basis; a choice of speed against memory, of no
        consequence for the result. By default ``min(k, 8 + k // 4)``.

    Notes
    -----
    *Guarantees*, after every update: ``Gbar <= G <= Gbar + rho I`` in the Loewner order; with beta = 1 also
    ``(k + 1) rho = tr G - tr Gbar`` exactly, and ``Gbar + rho I`` never shrinks. Lemma 1:
    ``rho <= min_{j <= k} tail_j(G) / (k + 1 - j)`` with ``tail_j`` the sum of all but the top j eigenvalues.

    *Cost* of a vector: ``O(d k + k^2 (k + b))``, amortized ``O(d k^2 / b)`` more for compression.
    *State*: ``d (k + b) + (k + 1)(k + b) + k + 9`` floats, or ``d (k + 1) + k + 9`` where ``k + b >= d``.

    References
    ----------
    Liberty, KDD 2013; Ghashami, Liberty, Phillips, Woodruff, SIAM J. Comput. 45 (2016); in this form Feinberg, Chen,
    Sun, Anil, Hazan, NeurIPS 2023, Algorithm 1, Lemma 1 and (beta < 1) Observation 6. Departure: singular values below
    1e-12 of the largest are zero and are not counted as escaped.

    Examples
    --------
    >>> import numpy as np
    >>> sketch = FrequentDirections(dimension=4, rank=2)
    >>> rows = np.diag([3.0, 2.0, 1.0, 1.0])
    >>> sketch.update(rows)
    >>> sketch.escaped_mass
    2.0
    >>> sketch.eigenvalues
    array([7., 2.])
    """

    def __init__(self, dimension: int, rank: int, decay: float = 1.0, buffer: int | None = None) -> None:
        if dimension < 1:
            raise ConfigError(f"dimension must be a positive integer, got {dimension!r}")
        if rank < 1:
            raise ConfigError(f"rank must be a positive integer, got {rank!r}")
        if not 0.0 < decay <= 1.0:
            raise ConfigError(f"decay must lie in (0, 1], got {decay!r}")
        if buffer is not None and buffer < 1:
            raise ConfigError(f"buffer must be a positive integer, got {buffer!r}")
        self.dimension = int(dimension)
        self.rank = int(rank)
        self.decay = float(decay)
        self.buffer = default_buffer(self.rank) if buffer is None else int(buffer)
        self.state = SketchState.empty(self.dimension, self.rank, self.buffer)
        self._scratch = self.state.scratch()

    def update(self, vectors: ArrayLike) -> None:
        """Take in one vector ``(d,)`` or several ``(n, d)``, one after the other.

        Raises
        ------
        ProtocolError
            If the last axis is not of length d.
        NumericsError
            If a vector has an entry that is not finite; those before it are in the sketch, it is not.
        """
        rows = np.ascontiguousarray(vectors, dtype=np.float64)
        if rows.ndim not in (1, 2) or rows.shape[-1] != self.dimension:
            raise ProtocolError(
                f"vectors must have shape ({self.dimension},) or (n, {self.dimension}), got {rows.shape}"
            )
        stopped = sketch_rows(np.atleast_2d(rows), self.state.arrays(), self._scratch, self.decay)
        if stopped >= 0:
            raise NumericsError(f"vector {stopped} has an entry that is not finite")

    @property
    def escaped_mass(self) -> float:
        """``rho``: what was subtracted from the eigenvalues so far."""
        return self.state.escaped_mass

    @property
    def eigenvalues(self) -> Array:
        """``(r,)`` with ``r <= k``: the positive eigenvalues of Gbar, falling."""
        return self.state.eigenvalues

    @property
    def directions(self) -> Array:
        """``(r, d)``: the eigenvectors of Gbar, one a row."""
        return self.state.eigenvectors

    def update_batch(self, vectors: ArrayLike) -> None:
        """Take in ``M = vectors' vectors``, ``(n, d)``, as one increment: it shrinks once, whatever the rank of M.

        What is subtracted is the (k + 1)-th eigenvalue of ``decay Gbar + M``, so the sandwich and Lemma 1 hold as for
        single vectors; the trace loses ``(k + 1) rho`` or more. Cost ``O(d (k + n)^2)``.

        Raises
        ------
        ProtocolError
            If the last axis is not of length d.
        NumericsError
            If a vector has an entry that is not finite; the sketch is unchanged.
        """
        rows = np.atleast_2d(np.ascontiguousarray(vectors, dtype=np.float64))
        if rows.ndim != 2 or rows.shape[-1] != self.dimension:
            raise ProtocolError(f"vectors must have shape (n, {self.dimension}), got {rows.shape}")
        if not np.isfinite(rows).all():
            raise NumericsError("the vectors have an entry that is not finite")
        state = self.state
        largest = float(np.max(np.abs(rows), initial=0.0))
        head = state.header[0]
        if largest > head.unit:
            set_unit(largest, state.arrays())
        kept = state.arrays().values[: state.rank]
        values, directions, escaped = shrink(kept, state.eigenvectors, rows / state.unit, state.capacity, self.decay)
        state.replace(values, directions)
        head.escaped = self.decay * head.escaped + escaped
        head.escaped_roots += np.sqrt(escaped)

    def covariance(self, compensation: Compensation = "none") -> Array:
        """``Gbar + c rho I``, ``(d, d)``: made on demand.

        Parameters
        ----------
        compensation
            How much of the escaped mass is put back: ``"none"`` (c = 0, Frequent Directions itself, at most G),
            ``"half"`` (robust Frequent Directions: within ``rho / 2`` of G in spectral norm) or ``"full"`` (Sketchy: at
            least G).
        """
        rows = self.directions
        product: Array = (rows.T * self.eigenvalues) @ rows
        product[np.diag_indices(self.dimension)] += COMPENSATIONS[compensation] * self.escaped_mass
        return product

    def merge(self, other: FrequentDirections) -> None:
        """Take in another sketch of the same dimension: this becomes a sketch of all vectors of both.

        The other's ``sqrt(lambda_i) v_i`` are taken in as vectors and the escaped masses add, so the sandwich
        ``Gbar <= G <= Gbar + rho I`` holds for the sum of both covariances, with Lemma 1's bound for it. The trace
        identity becomes ``(k + 1) rho <= tr G - tr Gbar`` if both have rank k.

        Raises
        ------
        ConfigError
            If dimensions or decays differ, or the decay is not 1.
        """
        if other.dimension != self.dimension:
            raise ConfigError(f"cannot merge sketches of dimensions {self.dimension} and {other.dimension}")
        if self.decay != 1.0 or other.decay != 1.0:
            raise ConfigError("only sketches with decay 1 can be merged")
        lengths = np.sqrt(other.state.arrays().values[: other.state.rank])
        self.update(lengths[:, None] * other.state.unit * other.directions)
        head = self.state.header[0]
        if head.unit == 0.0:
            head.unit = other.state.unit
        head.escaped += other.state.header[0].escaped * (other.state.unit / self.state.unit) ** 2

    def copy(self) -> Self:
        """An independent sketch in the same state."""
        clone = type(self)(self.dimension, self.rank, self.decay, self.buffer)
        for name in ("basis", "directions", "numbers"):
            getattr(clone.state, name)[...] = getattr(self.state, name)
        return clone

    def __repr__(self) -> str:
        """Dimension, rank, and what is in it."""
        kept = self.state.rank
        size = f"dimension={self.dimension}, rank={self.rank}"
        return f"FrequentDirections({size}, kept={kept}, escaped_mass={self.escaped_mass:.6g})"
