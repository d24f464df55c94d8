"""What a given point is worth as a comparator: the certificate of a point that came from anywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oco.comparators.comparator import Comparator
from oco.comparators.fixed_point import default_tolerance, objective_of, placed
from oco.comparators.proof import allowed_width, prove
from oco.comparators.rows import RowStream
from oco.comparators.sequence import as_block, certify_by_cut
from oco.domains.base import Domain
from oco.errors import DomainError
from oco.losses.base import Loss
from oco.losses.multinomial import MultinomialBlock
from oco.losses.rows import RowBlock
from oco.types import Array


def certify(
    losses: RowBlock | MultinomialBlock | RowStream | Sequence[Loss],
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
        As for `oco.comparators.best_fixed_point`, or a sequence of losses with values and gradients.
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
    known: RowBlock | MultinomialBlock | RowStream | None
    known = as_block(losses) if isinstance(losses, Sequence) else losses
    objective = None if known is None else objective_of(known)
    domain = domain if objective is None else placed(domain, objective)
    shaped = point.reshape(domain.shape) if point.size == domain.dimension else point
    with np.errstate(over="ignore"):
        if not domain.contains(shaped):
            raise DomainError(f"a comparator must lie in its domain {domain!r}, and this point does not")
        shaped = domain.project(shaped)
    if objective is None:
        assert isinstance(losses, Sequence)
        return certify_by_cut(losses, domain, shaped, tolerance)
    tolerance = default_tolerance(objective) if tolerance is None else tolerance
    flat = shaped.ravel()
    losses_there, slopes = objective.link.evaluate(objective.margins(flat))
    at_start = float(objective.link.evaluate(objective.margins(domain.start.ravel()))[0].sum())
    count = objective.rows.count
    allowed = allowed_width(tolerance, float(losses_there.sum()), at_start, count)
    value, how = prove(objective, domain, flat, [slopes] if dual is None else [slopes, dual], allowed)
    return Comparator(count, shaped, value, how, value.width <= allowed_width(tolerance, value.upper, at_start, count))
