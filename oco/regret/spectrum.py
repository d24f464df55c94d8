"""Eigenvalues of the gradient covariance ``G = sum_t g_t g_t'``: tail mass, trace of the root, Omega."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.regret.interval import Interval
from oco.types import Array


@dataclass(frozen=True)
class Spectrum:
    """The top eigenvalues of a gradient covariance, and its trace.

    Attributes
    ----------
    dimension
        d, the size of the covariance.
    top
        The largest eigenvalues, in falling order; all d of them where the spectrum is ``complete``.
    trace
        Sum of all eigenvalues, ``sum_t |g_t|^2``.
    """

    dimension: int
    top: Array
    trace: float

    @property
    def complete(self) -> bool:
        """Whether all eigenvalues are known."""
        return self.top.size >= self.dimension

    def tail_mass(self, rank: int) -> float:
        """Sum of the bottom ``d - rank`` eigenvalues; needs the top ``rank`` only."""
        if rank >= self.dimension:
            return 0.0
        if rank > self.top.size:
            raise ValueError(f"tail mass at rank {rank} needs {rank} eigenvalues, {self.top.size} are known")
        if self.complete:
            return float(np.sum(self.top[rank:]))
        return max(0.0, float(self.trace - np.sum(self.top[:rank])))

    def trace_root(self) -> Interval:
        """``tr G^(1/2)``: exact where complete, else a bracket from the top eigenvalues and the remaining trace.

        What is left after the top m eigenvalues sums to a tail mass tau with every entry at most lambda_m, so its root
        sum lies between ``tau / sqrt(lambda_m)`` and ``sqrt((d - m) tau)``.
        """
        known = float(np.sum(np.sqrt(self.top)))
        if self.complete:
            return Interval(known, known)
        tail = self.tail_mass(self.top.size)
        smallest = float(self.top[-1]) if self.top.size else self.trace
        lower = tail / np.sqrt(smallest) if smallest > 0.0 else 0.0
        return Interval(known + lower, known + float(np.sqrt((self.dimension - self.top.size) * tail)))

    def omega(self, sketch_size: int) -> float:
        """``min_{0 <= k < ell} tail_mass(k) / (ell - k)``: Lemma 1's bound on the escaped mass at sketch size ell."""
        sizes = range(min(sketch_size, self.top.size + 1, self.dimension + 1))
        return min((self.tail_mass(k) / (sketch_size - k) for k in sizes), default=0.0)

    def intrinsic_dimension(self) -> float:
        """``tr G / lambda_max``, between 1 and d; 0 for the zero matrix."""
        return self.trace / float(self.top[0]) if self.top.size and self.top[0] > 0.0 else 0.0
