"""Frequent Directions over a sliding window, with snapshots of heavy directions that expire."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from oco.errors import ConfigError, NumericsError, ProtocolError
from oco.sketching.batch import shrink
from oco.types import Array


@dataclass
class _Stage:
    """A sketch since some round, and the snapshots ``(round, row)`` that it has handed over."""

    values: Array
    vectors: Array
    escaped: float = 0.0
    snapshots: list[tuple[int, Array]] = field(default_factory=list)

    @classmethod
    def empty(cls, dimension: int) -> _Stage:
        return cls(np.empty(0), np.empty((0, dimension)))


class SlidingFrequentDirections:
    r"""A sketch of ``G = sum g_s g_s'`` over the newest W vectors.

    Every vector goes into a Frequent Directions sketch of rank k. A direction whose eigenvalue reaches the threshold
    theta leaves the sketch as a *snapshot* that knows its round, and snapshots older than W rounds are dropped. What is
    left in the sketch itself is less than theta in every direction. Two such stages run, W rounds apart, so that the
    one that answers never remembers more than 2 W rounds.

    Parameters
    ----------
    dimension
        d.
    rank
        k >= 1, directions that each sketch keeps.
    window
        W >= 1, rounds.
    threshold
        theta > 0, in the units of squared vectors. About the mass of a window over k keeps O(k) snapshots.

    Raises
    ------
    ConfigError
        If a number is out of range.

    Notes
    -----
    *Guarantee*, after every update: with rho the `escaped_mass` of the stage that answers,

    .. math::
        G - \rho I \preceq \bar G \preceq G + \theta I .

    *Proof*: let the stage have begun at or before the window, ``C_t`` be its sketch and ``E_t`` what shrinks have
    subtracted by round t, which rises from 0 to at most rho I. All vectors since its beginning sum up to ``C_t + E_t``
    and all snapshots; those of round t - W or before sum up to ``C_{t-W} + E_{t-W}`` and the snapshots that were
    dropped. So ``Gbar - G = C_{t-W} - (E_t - E_{t-W})``, where ``0 <= C_{t-W} <= theta I``.

    *Size*: 2 k directions and the snapshots, of which each took at least theta from the trace: at most ``2 tr / theta``
    for the trace of 2 W rounds. *Cost* of a vector: ``O(d k^2)``.

    References
    ----------
    Yin, Wen, Li, Wei, Zhang, Huang, Li, "Optimal matrix sketching over sliding windows" (DS-FD), PVLDB 17 (2024). Only
    the abstract was at hand: snapshots at a threshold and restarts are from memory, and the
    guarantee is derived here. Departures: not known.

    Examples
    --------
    >>> import numpy as np
    >>> sketch = SlidingFrequentDirections(dimension=2, rank=1, window=3, threshold=4.0)
    >>> for row in [[3.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]:
    ...     sketch.update(row)
    >>> sketch.covariance()  # the first vector is out of the window
    array([[0., 0.],
           [0., 3.]])
    """

    def __init__(self, dimension: int, rank: int, window: int, threshold: float) -> None:
        for name, value in (("dimension", dimension), ("rank", rank), ("window", window)):
            if value < 1:
                raise ConfigError(f"{name} must be a positive integer, got {value!r}")
        if not 0.0 < threshold < np.inf:
            raise ConfigError(f"threshold must be a positive number, got {threshold!r}")
        self.dimension, self.rank, self.window = int(dimension), int(rank), int(window)
        self.threshold, self.round = float(threshold), 0
        self._older, self._younger = _Stage.empty(self.dimension), _Stage.empty(self.dimension)

    def update(self, vector: ArrayLike) -> None:
        """Take in a vector ``(d,)``, the newest of the window.

        Raises
        ------
        ProtocolError
            If it has another shape.
        NumericsError
            If it has an entry that is not finite; the sketch is unchanged.
        """
        row = np.asarray(vector, dtype=np.float64)
        if row.shape != (self.dimension,):
            raise ProtocolError(f"a vector must have shape ({self.dimension},), got {row.shape}")
        if not np.isfinite(row).all():
            raise NumericsError("the vector has an entry that is not finite")
        self.round += 1
        for stage in (self._older, self._younger):
            stage.snapshots = [one for one in stage.snapshots if one[0] > self.round - self.window]
            if row.any():
                values, vectors, escaped = shrink(stage.values, stage.vectors, row[None], self.rank)
                heavy = values >= self.threshold
                stage.snapshots += [
                    (self.round, np.sqrt(value) * direction)
                    for value, direction in zip(values[heavy], vectors[heavy], strict=True)
                ]
                stage.values, stage.vectors = values[~heavy], vectors[~heavy]
                stage.escaped += escaped
        if self.round % self.window == 0:
            self._older, self._younger = self._younger, _Stage.empty(self.dimension)

    @property
    def rows(self) -> Array:
        """``(r, d)``, rows whose covariance is the sketch: snapshots in the window, then the directions kept."""
        stage = self._older
        kept = np.sqrt(stage.values)[:, None] * stage.vectors
        return np.vstack([*(row for _, row in stage.snapshots), kept])

    @property
    def escaped_mass(self) -> float:
        """``rho``, what the stage that answers has subtracted since it began."""
        return self._older.escaped

    def covariance(self) -> Array:
        """Gbar, ``(d, d)``: made on demand."""
        rows = self.rows
        product: Array = rows.T @ rows
        return product
