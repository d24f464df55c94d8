"""Certify a given point as a comparator, whatever its origin."""

from __future__ import annotations

from oco.comparators.comparator import Comparator
from oco.comparators.solver import Losses, solver_of
from oco.domains.base import Domain
from oco.types import Array


def certify(
    losses: Losses,
    domain: Domain,
    point: Array,
    *,
    dual: Array | None = None,
    tolerance: float | None = None,
) -> Comparator:
    """Certify a point as the best fixed point: compute an interval that holds the minimum, and its gap.

    Parameters
    ----------
    losses
        As for `oco.comparators.best_fixed_point`.
    domain
        Where the comparator must lie.
    point
        The point, of the domain's shape. One that lies outside by rounding is projected.
    dual
        Slopes of the losses' margins, ``(n,)`` or ``(n, n_classes)``, from which to prove the lower bound if better
        ones than the derivatives at ``point`` are known. Slopes outside the conjugate's range prove nothing.
    tolerance
        The gap that counts as tight, see `oco.comparators.best_fixed_point`.

    Returns
    -------
    Comparator
        The gap of its interval is at least the suboptimality of ``point``, so a wrong point gets a wide interval.

    Raises
    ------
    DomainError
        If the point lies outside the domain.

    Notes
    -----
    Takes one pass over the losses and runs no solver. Without ``dual`` the gap is the Frank-Wolfe gap of the point.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.comparators import certify
    >>> from oco.domains import Ball
    >>> from oco.losses import RowBlock, Squared
    >>> rounds = RowBlock(Squared(), np.eye(2), np.array([3.0, 4.0]))
    >>> certify(rounds, Ball(radius=1.0, dimension=2), np.array([0.6, 0.8])).tight
    True
    >>> print(certify(rounds, Ball(radius=1.0, dimension=2), np.zeros(2)).value)
    [7.5, 12.5]
    """
    solver, taken = solver_of(losses, domain)
    return solver.certify(taken, domain, point, dual, tolerance)
