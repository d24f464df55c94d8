r"""The potential of learners that bet without knowing how far away the comparator is, and its conjugate.

.. math::
    F_V(z) = \sum_i a_i \bigl(\cosh(\beta_i z)\, e^{-\psi(\beta_i) V} - 1\bigr), \qquad
    \psi(\beta) = -\beta - \ln(1 - \beta), \qquad a_i = \frac{\ln 2}{2 \beta_i} \epsilon

with betting fractions ``beta_i = 2^(-1 - i/2)``. A bettor that plays ``-F_V'(|s|) s / |s|`` against outcomes c of norm
at most one, s their sum and V the sum of their squared norms, has a wealth of at least ``F_V(|s|)``, because ``exp(y -
psi(beta) (y / beta)^2) <= 1 + y`` for ``|y| <= beta`` and ``cosh(sqrt(q))`` is convex in q. Its regret against u is at
most ``F_V*(|u|)``, see docs/parameter_free.md.
"""

from __future__ import annotations

import math

import numpy as np

FRACTIONS = 2.0 ** (-1.0 - 0.5 * np.arange(40))
"""beta_i: half octaves from 1/2 to 4e-7, small enough for V up to 1e12."""
COSTS = -FRACTIONS - np.log1p(-FRACTIONS)
"""psi(beta_i), between ``beta_i^2 / 2`` and ``0.78 beta_i^2``."""
SHARES = 0.5 * math.log(2.0) / FRACTIONS
"""``a_i / epsilon``: the sum over half octaves stands for the integral of ``1 / beta^2``."""


def slope(z: float, squares: float) -> float:
    """``F_V'(z) / epsilon``, for z >= 0 and ``V = squares``; infinite where it overflows."""
    growth = np.exp(FRACTIONS * z - COSTS * squares)
    return float(np.sum(SHARES * FRACTIONS * 0.5 * growth * -np.expm1(-2.0 * FRACTIONS * z)))


def potential(z: float, squares: float) -> float:
    """``F_V(z) / epsilon``."""
    growth = np.expm1(FRACTIONS * z - COSTS * squares) + np.expm1(-FRACTIONS * z - COSTS * squares)
    return float(np.sum(SHARES * 0.5 * growth))


@np.errstate(over="ignore")
def conjugate(distance: float, squares: float) -> float:
    """``F_V*(epsilon distance) / epsilon = max_z distance z - F_V(z) / epsilon``, by bisection on the slope."""
    low, high = 0.0, 1.0
    while slope(high, squares) < distance:
        high *= 2.0
    for _ in range(60):  # to rounding
        middle = 0.5 * (low + high)
        low, high = (middle, high) if slope(middle, squares) < distance else (low, middle)
    return distance * high - potential(high, squares)
