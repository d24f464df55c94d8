"""Approximate inverses of ``H + diag(s)``, for a Hessian H that is not formed, from blocks on its diagonal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from scipy import linalg

from oco.types import Array

Inverse: TypeAlias = Callable[[Array], Array]
LARGEST_BLOCK = 4096
"""Most rows of a block that is formed and factorized."""
_JITTER = 1e-14
"""Added to a block's diagonal, relative to its trace, so that its factorization does not fail by rounding."""


class Preconditioner(ABC):
    """What is kept of a Hessian at one point; the shift changes from system to system."""

    def __init__(self, parts: int, shared: bool) -> None:
        self._parts, self._shared = parts, shared

    def inverse(self, shift: Array) -> Inverse:
        """The approximate inverse of ``H + diag(shift)`` for ``shift`` > 0, ``(d,)``, as a function of vectors.

        Where H does not see equal changes of all parts of a point, as the multinomial loss does not see equal changes
        of all classes, the shift alone counts along them, and is inverted apart.
        """
        own = self._inverse(shift)
        if not self._shared:
            return own
        along = shift.reshape(self._parts, -1).sum(axis=0)

        def both(vector: Array) -> Array:
            common = vector.reshape(self._parts, -1).sum(axis=0) / along
            added: Array = own(vector) + np.tile(common, self._parts)
            return added

        return both

    @abstractmethod
    def _inverse(self, shift: Array) -> Inverse:
        """The same without what the parts share."""


class BlockPreconditioner(Preconditioner):
    """Blocks on the diagonal of H, one for each part of a point.

    Parameters
    ----------
    blocks
        Square matrices of one size.
    shared
        Whether H is zero along equal changes of all parts.
    """

    def __init__(self, blocks: Sequence[Array], shared: bool = False) -> None:
        super().__init__(len(blocks), shared)
        self._blocks = blocks

    def _inverse(self, shift: Array) -> Inverse:
        factors = []
        for block, own in zip(self._blocks, shift.reshape(len(self._blocks), -1), strict=True):
            shifted = block.copy(order="F")
            diagonal = np.einsum("ii->i", shifted)
            diagonal += own + _JITTER * float(np.trace(block))
            factors.append(linalg.cho_factor(shifted, lower=True, overwrite_a=True, check_finite=False))

        def solve(vector: Array) -> Array:
            parts = vector.reshape(len(factors), -1)
            solved = [linalg.cho_solve(*pair, check_finite=False) for pair in zip(factors, parts, strict=True)]
            return np.concatenate(solved)

        return solve


class DiagonalPreconditioner(Preconditioner):
    """The diagonal of H.

    Parameters
    ----------
    diagonal
        ``(d,)``.
    parts, shared
        Parts of a point of one size, and whether H is zero along equal changes of all of them.
    """

    def __init__(self, diagonal: Array, parts: int = 1, shared: bool = False) -> None:
        super().__init__(parts, shared)
        self._diagonal = diagonal

    def _inverse(self, shift: Array) -> Inverse:
        total = self._diagonal + shift
        return lambda vector: vector / total
