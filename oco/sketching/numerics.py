"""The rules by which a sketch tells a number from round-off. All thresholds are relative: they know no scale."""

from __future__ import annotations

import math

from oco.compile import kernel

ZERO_EIGENVALUE = 1e-24
"""Eigenvalues (squared singular values) below this fraction of the largest are zero: they are dropped from the sketch
and never enter the escaped mass. Inverting them instead makes steps wrong by factors of 1e10 and more."""

TIED = 1e-13
"""Two eigenvalues whose difference is below this fraction of the larger are equal: what a shrink leaves of it is zero.
The difference is round-off, and its square root, which some learners take, would not be small."""

INSIDE_SPAN = 1e-14
"""A vector whose residual is shorter than this fraction of it lies in the span: it adds no direction."""

REORTHOGONALIZE = 0.25
"""A residual whose square is below this fraction of the vector's is projected out a second time."""

PYTHAGORAS = 1e-3
"""The residual's square may be had as a difference of squares while it is above this fraction (3 % of the length)."""

PIVOT = 1e-5
"""A Cholesky pivot below this fraction of its diagonal has lost too many digits: orthogonalize explicitly instead."""

NEGLIGIBLE = 1e-30
"""A gradient shorter than this fraction of the sketch's unit changes no eigenvalue in double precision."""

VANISHING = 1e-130
"""A gradient shorter than this many units is zero: the squares of its parts are no longer normal numbers, and what they
would make of its direction is noise. (Slopes of 1e-150 occur, in logistic losses at large margins.)"""

LEAST = 1e-60
"""An eigenvalue below this many squared units of a new, larger unit is zero: it would be dropped with the next round's
gradient in any case, and products of four such numbers must not vanish before that."""

OUTGROWN = 1e12
"""A gradient longer than this many units gets the sketch a new unit."""

POLISH_EVERY = 64
"""Compressions (or rounds, where the basis is the identity) between two corrections of the directions' round-off."""


@kernel
def power_of_two(size: float) -> float:
    """The largest power of two that is at most ``size`` > 0: the unit in which a gradient of that size is kept."""
    _, exponent = math.frexp(size)
    return math.ldexp(1.0, max(exponent - 1, -1020))
