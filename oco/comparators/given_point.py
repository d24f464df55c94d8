"""What a given point is worth as a comparator: the certificate of a point that came from anywhere."""

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
    """Certify a point as the best fixed point, whoever found it: an interval that holds the minimum, and its gap.

    Parameters
    ----------
    losses
        As for `oco.comparators.best_fixed_point`.
    domain
        Where the comparator must lie.
    point
        The point, of the domain's shape. One that lies outside by rounding is projected.
    dual
        Slopes of the losses' margins to prove the lower end with, ``(n,)`` or ``(n, n_classes)``, where they are known
        better than by the derivatives at ``point``. Slopes out of the conjugate's range prove nothing.
    tolerance
        The gap that counts as tight, see `oco.comparators.best_fixed_point`.

    Returns
    -------
    Comparator
        The gap of its interval is at least what ``point`` loses to the best one: a wrong point gets a wide interval.

    Raises
    ------
    DomainError
        If the point lies outside the domain.

    Notes
    -----
    One pass over the losses, and no solver: with ``dual`` left out the gap is the Frank-Wolfe gap of the point.

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
