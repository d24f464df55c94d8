"""The best fixed point in hindsight of a stream of generalized linear losses, for every prefix, with certificates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.linalg import LinAlgError

from oco.comparators.certificate import Certifier, bounded_part
from oco.comparators.comparator import Comparator, ComparatorCurve
from oco.comparators.multinomial import MultinomialLink, MultinomialObjective
from oco.comparators.newton import line_search, minimise
from oco.comparators.objective import Hessian, Objective, ScalarLink, SmoothedLink
from oco.comparators.proof import allowed_width, prove
from oco.comparators.rows import RowMatrix, RowStream, read_rounds
from oco.domains import Unbounded
from oco.domains.base import Domain
from oco.errors import ComparatorError, ConfigError, DomainError, NumericsError
from oco.losses.multinomial import MultinomialBlock
from oco.losses.rows import RowBlock
from oco.regret.interval import Interval, radius_text
from oco.types import Array

SMOOTH_TOLERANCE = 1e-6
"""Default relative gap for losses with a second derivative."""
KINKED_TOLERANCE = 1e-4
"""Default relative gap for losses whose derivative jumps."""
EARLY_TOLERANCE = 1e-2
"""Relative gap for the short prefixes that a costly first checkpoint is approached by."""
TAME = 1e3
"""Largest entries of the columns between this and its inverse are left in their own units."""
EXPENSIVE_HESSIAN = 1e9
"""Multiplications above which forming a Hessian is worth avoiding."""
_SEPARATED = "no minimiser exists: the rows are separable, and the interval is about the infimum"
_RECEDING = "no minimiser was found: some margins grow for ever and none falls, and the interval is about the infimum"
_UNBOUNDED_BELOW = "no minimiser exists: the cumulative loss is unbounded below"


def best_fixed_point(
    losses: RowBlock | MultinomialBlock | RowStream,
    domain: Domain,
    *,
    tolerance: float | None = None,
    start: Array | None = None,
    strict: bool = False,
) -> Comparator:
    """Find the x of the domain that minimises ``sum_i phi(<a_i, x>, y_i)`` over all rounds, with a certified gap.

    Parameters
    ----------
    losses
        The rounds: a `oco.losses.RowBlock` (a scalar loss, rows ``(n, d)`` dense or CSR, targets ``(n,)``), a
        `oco.losses.MultinomialBlock`, or a stream with ``horizon`` and ``block(start, stop)`` that need not fit into
        memory.
    domain
        Where the comparator must lie; rows are those of the flat decision where it is a matrix.
    tolerance
        The gap that counts as tight, relative to the larger of ``|value|`` and a thousandth of the loss of the
        domain's start (for losses that can be driven to zero); 1e-6 for smooth losses and 1e-4 for kinked ones.
    start
        Where to start looking.
    strict
        Whether a gap that is not tight, or a lower end that holds within a radius only, is an error; otherwise the
        interval says so.

    Returns
    -------
    Comparator
        The point, the interval that holds the minimum, and how the lower end was proved.

    Raises
    ------
    ComparatorError
        If ``strict`` and the gap is not tight, or the interval holds within a radius only; the error carries the gap.

    Notes
    -----
    Linear losses are solved by the support function. Losses with a second derivative are minimised by a proximal Newton
    method (O(n d^2) for a Hessian while d is small, products with the rows in a Krylov space else); kinked losses by
    the method of multipliers, each of whose smooth problems is solved in the same way. Whatever the solver did, the
    lower bound is Fenchel's,

        min_{x in K} F(x)  >=  -sum_i phi*(alpha_i, y_i) - max_{x in K} <-A' alpha, x>,

    evaluated at the best dual vector alpha that was met, with an allowance for rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.comparators import best_fixed_point
    >>> from oco.domains import Ball
    >>> from oco.losses import RowBlock, Squared
    >>> rounds = RowBlock(Squared(), np.eye(2), np.array([3.0, 4.0]))
    >>> best = best_fixed_point(rounds, Ball(radius=1.0, dimension=2))
    >>> best.point.round(6), round(best.value.upper, 6), best.tight
    (array([0.6, 0.8]), 8.0, True)
    """
    return anytime(losses, domain, [count_of(losses)], tolerance=tolerance, start=start, strict=strict)[-1]


def anytime(
    losses: RowBlock | MultinomialBlock | RowStream,
    domain: Domain,
    rounds: Sequence[int] | Array,
    *,
    tolerance: float | None = None,
    start: Array | None = None,
    strict: bool = False,
) -> ComparatorCurve:
    """Best fixed points for rounds 1..t, for every t in ``rounds``: the comparator of anytime regret.

    Each prefix starts from the point (and the dual) of the one before, so that a curve of log-spaced checkpoints costs
    a small multiple of the last solve.

    Parameters
    ----------
    losses, domain, tolerance, start, strict
        As for `best_fixed_point`.
    rounds
        Checkpoints t, rising, each at least 1.

    Returns
    -------
    ComparatorCurve
        One comparator per checkpoint, and the cumulative losses of the last one's point.

    Raises
    ------
    ComparatorError
        If ``strict`` and some gap is not tight, or the losses are not finite at the domain's start.
    ConfigError
        If the checkpoints do not rise, or are no rounds of the stream.
    NumericsError
        If a row or a target is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.comparators import anytime
    >>> from oco.domains import Ball
    >>> from oco.losses import Linear, RowBlock
    >>> rounds = RowBlock(Linear(), np.array([[3.0], [-4.0], [-1.0]]), np.zeros(3))
    >>> curve = anytime(rounds, Ball(radius=1.0, dimension=1), [1, 2, 3])
    >>> curve.upper.round(9), curve.final
    (array([-3., -1., -2.]), array([ 3., -1., -2.]))
    """
    checkpoints = checked_rounds(rounds, count_of(losses))
    objective = objective_of(losses, checkpoints[-1])
    domain = placed(domain, objective)
    tolerance = default_tolerance(objective) if tolerance is None else tolerance
    units = _units(objective, domain)
    solved = objective if units is None else Objective(objective.link, objective.rows.in_units(units))
    centre = domain.start.ravel()
    point = centre if start is None else domain.project(start.reshape(domain.shape)).ravel()
    point = point if units is None else point / units
    slopes: Array = np.zeros(0)
    hessian: Hessian | None = None
    found: list[Comparator] = []
    at_centre = objective.margins(centre)
    early = _early_prefixes(objective.prefix(checkpoints[0]))
    for count in [*early, *checkpoints]:
        part = solved.prefix(count)
        certifier = Certifier(part, domain, EARLY_TOLERANCE if count in early else tolerance)
        certifier.start_value, _ = certifier.offer_point(centre, at_centre[:count])
        if not math.isfinite(certifier.start_value):
            raise ComparatorError(f"the losses of rounds 1..{count} are not finite at the start of {domain!r}")
        note = ""
        try:
            with np.errstate(all="ignore"):  # on wild scales; what comes of it is not trusted
                note, slopes, hessian = _search(part, domain, certifier, point, slopes, hessian)
        except (DomainError, LinAlgError) as error:
            # The best point and dual so far are as good as any: what is reported is proved from them.
            note, hessian = f"the search stopped early ({error})", None
        point = centre if certifier.point is None else certifier.point
        if count in early:
            continue
        best = point if units is None else point * units
        one = _proved(objective.prefix(count), domain, best, certifier, note, found[-1] if found else None)
        if strict:
            require_tight(one, tolerance)
        found.append(one)
    values, _ = objective.link.evaluate(objective.margins(found[-1].point.ravel()))
    final: Array = np.cumsum(values)[np.array(checkpoints) - 1]
    return ComparatorCurve(tuple(found), final)


def _search(
    objective: Objective, domain: Domain, certifier: Certifier, point: Array, slopes: Array, hessian: Hessian | None
) -> tuple[str, Array, Hessian | None]:
    """Offer points and duals until the certifier is satisfied; returns a note, and where the next prefix starts."""
    note = ""
    if objective.link.linear:
        note = _solve_linear(objective, domain, certifier)
    elif objective.link.kinks() is not None:
        slopes = _solve_kinked(objective, domain, certifier, point, slopes)
    else:
        good_enough = partial(_fraction, certifier, 0.1, 0.0)
        _, hessian = minimise(objective, domain, point, certifier, stationary=good_enough, hessian=hessian)
    if not domain.bounded:
        note = note or _recession_note(objective, domain, certifier)
    return note, slopes, hessian


def _units(objective: Objective, domain: Domain) -> Array | None:
    """Powers of two in which to measure the coordinates of the whole space; None where the rows' own scales are tame.

    Solvers know one scale only; other domains have the scale that they were given.
    """
    if type(domain) is not Unbounded or type(objective) is not Objective or objective.link.linear:
        return None
    largest = objective.rows.largest_entries()
    used = largest[largest > 0.0]
    if used.size == 0 or (used.max() <= TAME and used.min() >= 1.0 / TAME):
        return None
    return np.exp2(-np.round(np.log2(np.where(largest > 0.0, largest, 1.0)))).astype(np.float64)


def _proved(
    objective: Objective, domain: Domain, point: Array, certifier: Certifier, note: str, before: Comparator | None
) -> Comparator:
    """The comparator of a prefix, its interval proved again from the point and the duals that the solver left."""
    duals = [] if certifier.slopes is None else [certifier.slopes]
    if not objective.link.linear:
        duals.append(objective.link.evaluate(objective.margins(point))[1])
    with np.errstate(over="ignore"):
        value, certificate = prove(objective, domain, point, duals, certifier.allowed_gap)
    if before is not None and objective.link.infimum >= 0.0 and before.value.within >= value.within:
        # More losses that are not negative have no smaller sum.
        value = Interval(max(value.lower, min(before.value.lower, value.upper)), value.upper, value.within)
    if objective.link.linear:
        certificate = "support function"
    count = objective.rows.count
    tight = value.width <= allowed_width(certifier.tolerance, value.upper, certifier.start_value, count)
    return Comparator(count, point.reshape(domain.shape), value, certificate, tight, note)


def require_tight(found: Comparator, tolerance: float) -> None:
    """Raise `ComparatorError` unless the interval is narrow and holds on the whole domain."""
    if found.tight and math.isinf(found.value.within):
        return
    if found.tight:
        what = f"is certified{radius_text(found.value.within)} only, because no dual was found that holds everywhere"
    else:
        what = f"has a certified gap of {found.gap:.3g}, which tolerance {tolerance:g} does not allow"
    raise ComparatorError(f"the comparator for rounds 1..{found.rounds} {what}", found.gap)


def count_of(losses: RowBlock | MultinomialBlock | RowStream) -> int:
    """Number of rounds."""
    return len(losses) if isinstance(losses, RowBlock | MultinomialBlock) else losses.horizon


def checked_rounds(rounds: Sequence[int] | Array, count: int) -> list[int]:
    """The checkpoints as integers; `ConfigError` unless they rise within 1 .. ``count``."""
    checkpoints = [int(t) for t in rounds]
    rising = all(before < after for before, after in pairwise([0, *checkpoints, count + 1]))
    if not checkpoints or not rising:
        raise ConfigError(f"checkpoints must rise within 1..{count}, got {checkpoints}")
    return checkpoints


def objective_of(losses: RowBlock | MultinomialBlock | RowStream, count: int | None = None) -> Objective:
    """The sum of the first ``count`` losses, or of all."""
    if count is None:
        count = count_of(losses)
    if isinstance(losses, MultinomialBlock):
        rows = RowMatrix(losses.rows, len(losses), losses.rows.shape[1]).prefix(count)
        one_hot: Array = np.zeros((count, losses.n_classes))
        one_hot[np.arange(count), losses.labels[:count]] = 1.0
        _require_finite(rows, one_hot)
        return MultinomialObjective(MultinomialLink(one_hot), rows, losses.n_classes)
    scalar, rows, targets = read_rounds(losses, count)
    _require_finite(rows, targets)
    return Objective(ScalarLink(scalar, np.ascontiguousarray(targets, dtype=np.float64)), rows)


def _require_finite(rows: RowMatrix, targets: Array) -> None:
    if not (math.isfinite(rows.length) and np.isfinite(targets).all()):
        raise NumericsError("no comparator: a row or a target is not finite, or too large to be squared")


def _recession_note(objective: Objective, domain: Domain, certifier: Certifier) -> str:
    """Why there is no minimiser on an unbounded domain, where that is so.

    The proof is a direction along which the domain goes on for ever, that lowers some losses and raises none: the
    receding part of the way from the start to the best point, which is far out where the rows are separable.
    """
    if certifier.point is None:
        return ""
    way = certifier.point.reshape(domain.shape) - domain.start
    for_ever = way - bounded_part(domain, way)
    if objective.link.recedes(objective.margins(for_ever.ravel()), slack=0.0):
        return _SEPARATED
    return _RECEDING if certifier.receding else ""


def placed(domain: Domain, objective: Objective) -> Domain:
    """The domain with the objective's shape, unless its decisions have that size: matrices are taken row by row."""
    try:
        fits = domain.dimension == math.prod(objective.shape)
    except DomainError:
        fits = False
    return domain if fits else domain.with_shape(objective.shape)


def default_tolerance(objective: Objective) -> float:
    """The relative gap that counts as tight where none was asked for."""
    return KINKED_TOLERANCE if objective.link.kinks() is not None else SMOOTH_TOLERANCE


def _early_prefixes(objective: Objective) -> list[int]:
    """Short prefixes to solve loosely first: where a Hessian is dear, they bring the start close to the minimiser."""
    count, cost = objective.rows.count, objective.hessian_cost
    if objective.link.linear or cost <= EXPENSIVE_HESSIAN:
        return []
    return [share for share in (count // 64, count // 16, count // 4) if share >= 2 * objective.rows.dimension]


def _fraction(certifier: Certifier, of_allowed: float, of_gap: float) -> float:
    """The Frank-Wolfe gap at which a (smoothed) problem is solved well enough for the certificate."""
    return max(of_allowed * certifier.allowed_gap, of_gap * certifier.gap)


def _solve_linear(objective: Objective, domain: Domain, certifier: Certifier) -> str:
    """Minimise ``<g, x>``: the point that attains the support function in the direction -g."""
    slopes = np.ones(objective.rows.count)
    gradient = objective.gradient(slopes)
    certifier.certificate = "support function"
    try:
        point = domain.maximizer(-gradient.reshape(domain.shape)).ravel()
    except DomainError:
        return _UNBOUNDED_BELOW
    certifier.offer_point(point, objective.margins(point))
    certifier.offer_dual(slopes, gradient)
    certifier.certificate = "support function"
    return ""


def _solve_kinked(objective: Objective, domain: Domain, certifier: Certifier, point: Array, slopes: Array) -> Array:
    """The method of multipliers: minimise smoothed losses, move the multipliers to their slopes, narrow, repeat.

    ``slopes`` are the multipliers of an earlier prefix. Returns those of this one.
    """
    kinks = objective.link.kinks()
    assert kinks is not None
    margins = objective.margins(point)
    certifier.offer_point(point, margins)
    alpha: Array = 0.5 * (kinks[1] + kinks[2])
    width = max(float(np.mean(np.abs(margins - kinks[0]))), 1e-12)
    if slopes.size:
        alpha = objective.link.clip(objective.link.evaluate(margins)[1])
        alpha[: slopes.size] = slopes
        width *= 0.1
    gap, widest, stalled = certifier.gap, width, 0
    for _ in range(40):
        smoothed = Objective(SmoothedLink(kinks, width, alpha), objective.rows)
        good_enough = partial(_fraction, certifier, 0.1, 0.03)
        point, _ = minimise(smoothed, domain, point, certifier, stationary=good_enough, steps=30)
        if certifier.tight:
            break
        margins = smoothed.margins(point)
        curved = np.count_nonzero(smoothed.link.curvature(margins))
        alpha = smoothed.link.evaluate(margins)[1]
        # With fewer curved rows than coordinates the Newton systems are singular: then only the multipliers move,
        # while that helps.
        if curved > 1.5 * objective.rows.dimension or certifier.gap > 0.5 * gap:
            width *= 0.3
        stalled = stalled + 1 if certifier.gap > 0.99 * gap else 0
        if stalled:
            _search_ray(objective, domain, certifier)
            if certifier.tight:
                break
        if stalled == 3:  # too narrow for the multipliers that were reached: from them, start wide again
            width, stalled = widest, 0
        gap = certifier.gap
    return alpha if certifier.slopes is None else certifier.slopes


def _search_ray(objective: Objective, domain: Domain, certifier: Certifier) -> None:
    """Offer a point further out on the ray from the domain's start through the best one.

    Losses that can all be zero, as on separable data, are zero far enough out; multipliers only creep there.
    """
    if certifier.point is None or certifier.margins is None:
        return
    centre = domain.start.ravel()
    change = certifier.margins - objective.margins(centre)
    slope = float(np.vdot(objective.link.evaluate(certifier.margins)[1], change))
    if slope < 0.0:
        length, *_ = line_search(objective, certifier.margins, certifier.margins + change, slope)
        further = certifier.point + length * (certifier.point - centre)
        further = domain.project(further.reshape(domain.shape)).ravel()
        certifier.offer_point(further, objective.margins(further))
