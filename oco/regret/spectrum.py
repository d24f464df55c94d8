"""Eigenvalues of the gradient covariance ``G = sum_t g_t g_t'``: tail mass, trace of the root, Omega."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

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
    slack
        Eigenvalue i lies in ``[top[i], top[i] + slack]``: 0 where the eigenvalues are exact, the residual of an
        iterative solver, or the escaped mass of a sketch.
    rounding
        A further error bound on the eigenvalues from rounding; 0 if they are exact.
    rank
        An upper bound on the rank, beyond which eigenvalues are zero; d if not given.

    Examples
    --------
    >>> import numpy as np
    >>> spectrum = Spectrum(dimension=4, top=np.array([9.0, 4.0]), trace=15.0)
    >>> spectrum.tail_mass(2)
    2.0
    >>> print(spectrum.trace_root())
    [6, 7]
    >>> spectrum.omegas()
    array([15.,  6.,  2.])
    """

    dimension: int
    top: Array
    trace: float
    slack: float = 0.0
    rounding: float = 0.0
    rank: int | None = None

    @property
    def complete(self) -> bool:
        """Whether all eigenvalues are known."""
        return self.top.size >= self.dimension

    def tail_mass(self, rank: int) -> float:
        """Sum of the bottom ``d - rank`` eigenvalues; needs the top ``rank`` only. Upper bound of `tail_bracket`."""
        if rank >= self.dimension:
            return 0.0
        if rank > self.top.size:
            raise ValueError(f"tail mass at rank {rank} needs {rank} eigenvalues, {self.top.size} are known")
        if self.complete and self.slack == 0.0:
            return float(np.add.reduce(self.top[rank:]))
        return max(0.0, float(self.trace - np.add.reduce(self.top[:rank])))

    def tail_bracket(self, rank: int) -> Interval:
        """Interval that holds the sum of the bottom ``d - rank`` eigenvalues; a single point if the slack is 0.

        Raises
        ------
        ValueError
            If fewer than ``rank`` eigenvalues are known.
        """
        tail = self.tail_mass(rank)
        return Interval(max(0.0, tail - rank * self.slack), tail)

    def trace_root(self) -> Interval:
        """An interval that holds ``tr G^(1/2)``, given the errors of the eigenvalues.

        The eigenvalues after the top m sum to the tail mass tau, and each is at most lambda_m, so the sum of their
        roots lies between ``tau / sqrt(lambda_m)`` and ``sqrt((d - m) tau)``. The root of a rounding error is far
        larger than the error itself. Such an eigenvalue counts as zero in the lower bound, and as the whole rounding
        error in the upper bound.
        """
        return self._trace_root

    @cached_property
    def _trace_root(self) -> Interval:
        unit = 16.0 * float(np.finfo(np.float64).eps)
        found = self.top[: self.rank]
        known = float(np.sum(np.sqrt(np.maximum(found - self.rounding, 0.0))))
        most = float(np.sum(np.sqrt(found + (self.slack + self.rounding))))
        if self.complete and self.slack == 0.0:
            if self.rounding == 0.0:
                return Interval(known, known)
            return Interval(known * (1.0 - unit), most * (1.0 + unit))
        tail = self.tail_bracket(self.top.size)
        largest = (float(self.top[-1]) + self.slack + self.rounding) if self.top.size else self.trace
        # The tail is a difference of large numbers: a rounding error small relative to the trace can be all of it.
        rounding = unit * self.trace + self.top.size * self.rounding
        below = max(0.0, tail.lower - rounding) / np.sqrt(largest) if largest > 0.0 else 0.0
        above = most + np.sqrt((self.dimension - self.top.size) * (tail.upper + rounding))
        lower = max(known + float(below), float(np.sqrt(self.trace)))
        upper = min(float(above), float(np.sqrt(self.dimension * self.trace)))
        return Interval(min(lower, upper) * (1.0 - unit), max(lower, upper) * (1.0 + unit))

    def omega(self, sketch_size: int) -> float:
        """``min_{0 <= k < ell} tail_mass(k) / (ell - k)``: Lemma 1's bound on the escaped mass at sketch size ell."""
        sizes = range(min(sketch_size, self.top.size + 1, self.dimension + 1))
        return min((self.tail_mass(k) / (sketch_size - k) for k in sizes), default=0.0)

    def omegas(self, largest: int | None = None) -> Array:
        """`omega` for sketch sizes 1, 2, ..., ``largest`` (by default the number of known eigenvalues plus 1)."""
        largest = min(self.top.size + 1, self.dimension) if largest is None else largest
        tails = np.array([self.tail_mass(k) for k in range(min(largest, self.top.size + 1, self.dimension + 1))])
        kept = np.arange(tails.size)
        return np.array([np.min(tails[:ell] / (ell - kept[:ell])) for ell in range(1, largest + 1)])

    def intrinsic_dimension(self) -> float:
        """``tr G / lambda_max``, between 1 and d; 0 for the zero matrix."""
        return self.trace / float(self.top[0]) if self.top.size and self.top[0] > 0.0 else 0.0


def rounded_eigenvalues(values: Any, rank: int, roundings: int) -> tuple[Array, float]:
    """Computed eigenvalues of a Gram matrix, in decreasing order, and a bound on the error of each.

    Parameters
    ----------
    values
        Eigenvalues from a solver for symmetric matrices.
    rank
        An upper bound on the rank, such as the number of rows; eigenvalues beyond it are set to zero.
    roundings
        Largest number of roundings of any entry of the matrix.

    Notes
    -----
    A Gram matrix is off by at most ``roundings`` units in the last place of its trace (Higham, "Accuracy and stability
    of numerical algorithms", 2002, section 3.5), the solver by a modest multiple of d of the largest eigenvalue, and no
    eigenvalue by more than the matrix (Weyl).
    """
    falling: Array = np.maximum(values[::-1], 0.0)
    falling[rank:] = 0.0
    size = float(falling[0]) if falling.size else 0.0
    off = (roundings + 8.0) * float(np.sum(falling)) + 8.0 * falling.size * size
    return falling, off * float(np.finfo(np.float64).eps)
