"""Losses of margins that have conjugates: Newton, multipliers or the support function, and Fenchel's lower bound."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.linalg import LinAlgError
from scipy import sparse

from oco.comparators.by_derivative import DerivativeLink
from oco.comparators.certificate import Certifier, bounded_part
from oco.comparators.comparator import Comparator, ComparatorCurve
from oco.comparators.interior import Sides, solve_in_box
from oco.comparators.interior_kinked import solve_kinked_in_box
from oco.comparators.kinked import fraction, solve_kinked, solve_linear
from oco.comparators.newton import is_formed, minimize
from oco.comparators.objective import Hessian, Objective
from oco.comparators.objectives import RowObjective, default_tolerance, objective_of, placed
from oco.comparators.proof import allowed_width, prove
from oco.comparators.solver import Losses, Request, Solver, count_of, feasible, require_tight
from oco.domains import Unbounded
from oco.domains.base import Domain
from oco.errors import ComparatorError, DomainError
from oco.losses.base import Loss
from oco.losses.entry import EntryLoss
from oco.losses.multinomial import MultinomialBlock, MultinomialLogistic
from oco.losses.rows import RowBlock, RowLoss
from oco.regret.certificate import Certificate
from oco.regret.interval import Interval
from oco.types import Array

EARLY_TOLERANCE = 1e-2
"""Relative gap of the short prefixes that are solved before an expensive first checkpoint."""
TAME = 1e3
"""Columns whose largest entry lies between this and its inverse are not rescaled."""
EXPENSIVE_HESSIAN = 1e9
"""Multiplications above which forming a Hessian is worth avoiding."""
_SEPARATED = "no minimizer exists: the rows are separable; the interval holds the infimum"
_RECEDING = "no minimizer was found: some margins grow without bound and none falls; the interval holds the infimum"


class MarginSolver(Solver):
    """Blocks and streams of rows, multinomial blocks, and sequences of losses that are one of these."""

    order: ClassVar[int] = 10

    def taken(self, losses: Losses, domain: Domain) -> Any | None:
        """The losses as a block or a stream of blocks; None for losses that are not of margins."""
        return as_block(losses) if isinstance(losses, Sequence) else losses

    def curve(self, taken: Any, domain: Domain, rounds: list[int], request: Request) -> ComparatorCurve:
        """Find all comparators; each prefix starts from the point and the dual of the previous one."""
        objective = objective_of(taken, rounds[-1])
        domain = placed(domain, objective)
        tolerance = default_tolerance(objective) if request.tolerance is None else request.tolerance
        return _Search(objective, domain, tolerance, request).curve(rounds)

    def certify(
        self, taken: Any, domain: Domain, point: Array, dual: Array | None, tolerance: float | None
    ) -> Comparator:
        """Certify by ``dual``, or by the derivatives at the point."""
        objective = objective_of(taken, count_of(taken))
        domain = placed(domain, objective)
        shaped = feasible(domain, point)
        tolerance = default_tolerance(objective) if tolerance is None else tolerance
        flat = shaped.ravel()
        losses_there, slopes = objective.link.evaluate(objective.margins(flat))
        at_start = float(objective.link.evaluate(objective.margins(domain.start.ravel()))[0].sum())
        count = objective.rows.count
        allowed = allowed_width(tolerance, float(losses_there.sum()), at_start, count)
        value, how = prove(objective, domain, flat, [slopes] if dual is None else [slopes, dual], allowed)
        tight = value.width <= allowed_width(tolerance, value.upper, at_start, count)
        return Comparator(count, shaped, value, how, tight)


class _Search:
    """The search for one curve; see `oco.comparators.best_fixed_point` for the methods."""

    def __init__(self, objective: Objective, domain: Domain, tolerance: float, request: Request) -> None:
        self._objective, self._domain = objective, domain
        self._tolerance, self._strict, self._deadline = tolerance, request.strict, request.deadline
        self._solved_to = request.solved
        self._units = _units(objective, domain)
        self._solved = (
            objective if self._units is None else RowObjective(objective.link, objective.rows.in_units(self._units))
        )
        self._center = domain.start.ravel()
        start = request.start
        point = self._center if start is None else domain.project(start.reshape(domain.shape)).ravel()
        self._point = point if self._units is None else point / self._units
        self._slopes: Array = np.zeros(0)
        self._hessian: Hessian | None = None

    def curve(self, rounds: list[int]) -> ComparatorCurve:
        """Comparators for every prefix."""
        objective = self._objective
        early = _early_prefixes(objective.prefix(rounds[0]), self._domain)
        at_center = objective.margins(self._center)
        found: list[Comparator] = []
        for count in [*early, *rounds]:
            tolerance = EARLY_TOLERANCE if count in early else self._tolerance
            certifier, note = self._certified(count, tolerance, at_center[:count])
            if count in early:
                continue
            best = self._point if self._units is None else self._point * self._units
            before = found[-1] if found else None
            part = certifier.objective if self._units is None else objective.prefix(count)
            found.append(_proved(part, self._domain, best, certifier, note, before))
            self._solved_to(count)
            if self._strict:
                require_tight(found[-1], self._tolerance)
        values, _ = objective.link.evaluate(objective.margins(found[-1].point.ravel()))
        final: Array = np.cumsum(values)[np.array(rounds) - 1]
        return ComparatorCurve(tuple(found), final)

    def _certified(self, count: int, tolerance: float, at_center: Array) -> tuple[Certifier, str]:
        """The certifier of a prefix after the search, and a note; the next search starts from its best point."""
        part = self._solved.prefix(count)
        certifier = Certifier(part, self._domain, tolerance, self._deadline)
        certifier.start_value, _ = certifier.offer_point(self._center, at_center)
        if not math.isfinite(certifier.start_value):
            raise ComparatorError(f"the losses of rounds 1..{count} are not finite at the start of {self._domain!r}")
        try:
            with np.errstate(all="ignore"):  # extreme scales may overflow; every result is checked
                note, self._slopes, self._hessian = _search(
                    part, self._domain, certifier, self._point, self._slopes, self._hessian
                )
        except (DomainError, LinAlgError) as error:
            # Continue with the best point and dual so far, since the reported interval is proved from them.
            note, self._hessian = f"the search stopped early ({error})", None
        self._point = self._center if certifier.point is None else certifier.point
        return certifier, note


def _search(
    objective: Objective, domain: Domain, certifier: Certifier, point: Array, slopes: Array, hessian: Hessian | None
) -> tuple[str, Array, Hessian | None]:
    """Offer points and duals until the certifier is tight; returns a note, and the start of the next prefix."""
    note = ""
    if objective.link.linear:
        note = solve_linear(objective, domain, certifier)
    elif objective.link.kinks() is not None:
        sides = Sides.of(domain) if is_formed(objective, point.size) else None
        if sides is not None:
            solve_kinked_in_box(objective, sides, point, certifier)
            if certifier.finished:
                return note, slopes, hessian
            point = point if certifier.point is None else certifier.point
        slopes = solve_kinked(objective, domain, certifier, point, slopes)
    else:
        slopes, hessian = _solve_smooth(objective, domain, certifier, point, slopes, hessian)
    if not domain.bounded:
        note = note or _recession_note(objective, domain, certifier)
    return note, slopes, hessian


def _solve_smooth(
    objective: Objective, domain: Domain, certifier: Certifier, point: Array, slopes: Array, hessian: Hessian | None
) -> tuple[Array, Hessian | None]:
    """Newton's method; for losses that are known by their derivatives only, multipliers where it does not suffice."""
    link, steps = objective.link, 100
    unknown = isinstance(link, DerivativeLink)
    if isinstance(link, DerivativeLink):
        steps = 30 if link.bends(objective.margins(point)) else 0
    sides = _inside(objective, domain) if steps else None
    if sides is not None:
        solve_in_box(objective, sides, point, certifier)
        point = point if certifier.point is None else certifier.point
        if certifier.finished:
            return slopes, None
    if steps:
        good_enough = partial(fraction, certifier, 0.1, 0.0)
        _, hessian = minimize(objective, domain, point, certifier, stationary=good_enough, steps=steps, hessian=hessian)
    if unknown and not certifier.finished:
        best = point if certifier.point is None else certifier.point
        return solve_kinked(objective, domain, certifier, best, slopes), None
    return slopes, hessian


def _inside(objective: Objective, domain: Domain) -> Sides | None:
    """The sides of a box on which losses are minimized from inside, because their Hessian is not formed; else None."""
    return None if is_formed(objective, domain.dimension) else Sides.of(domain)


def _units(objective: Objective, domain: Domain) -> Array | None:
    """Powers of two as units of the coordinates, on the whole space; None if the rows' scales are moderate.

    Solvers assume that all coordinates have one scale. Other domains keep the scale in which they are given.
    """
    if type(domain) is not Unbounded or type(objective) is not RowObjective or objective.link.linear:
        return None
    largest = objective.rows.largest_entries()
    used = largest[largest > 0.0]
    if used.size == 0 or (used.max() <= TAME and used.min() >= 1.0 / TAME):
        return None
    return np.exp2(-np.round(np.log2(np.where(largest > 0.0, largest, 1.0)))).astype(np.float64)


def _proved(
    objective: Objective, domain: Domain, point: Array, certifier: Certifier, note: str, before: Comparator | None
) -> Comparator:
    """The comparator of a prefix, with its interval proved again from the solver's point and duals."""
    duals = _duals(objective, point, certifier)
    with np.errstate(over="ignore"):
        value, certificate = prove(objective, domain, point, duals, certifier.allowed_gap)
    if before is not None and objective.link.infimum >= 0.0 and before.value.within >= value.within:
        # Additional nonnegative losses cannot lower the minimum.
        value = Interval(max(value.lower, min(before.value.lower, value.upper)), value.upper, value.within)
    if objective.link.linear:
        certificate = Certificate.SUPPORT_FUNCTION
    count = objective.rows.count
    tight = value.width <= allowed_width(certifier.tolerance, value.upper, certifier.start_value, count)
    return Comparator(count, point.reshape(domain.shape), value, certificate, tight, note)


def _duals(objective: Objective, point: Array, certifier: Certifier) -> Iterator[Array]:
    """The solver's best dual, and the slopes at the point."""
    if certifier.slopes is not None:
        yield certifier.slopes
    if not objective.link.linear:
        yield objective.link.evaluate(objective.margins(point))[1]


def _recession_note(objective: Objective, domain: Domain, certifier: Certifier) -> str:
    """A note if there is no minimizer on an unbounded domain.

    The proof is a direction of recession of the domain that lowers some losses and raises none: the receding part of
    the direction from the start to the best point, which is far out if the rows are separable.
    """
    if certifier.point is None:
        return ""
    way = certifier.point.reshape(domain.shape) - domain.start
    for_ever = way - bounded_part(domain, way)
    if objective.link.recedes(objective.margins(for_ever.ravel()), slack=0.0):
        return _SEPARATED
    return _RECEDING if certifier.receding else ""


def _early_prefixes(objective: Objective, domain: Domain) -> list[int]:
    """Short prefixes to solve loosely first; if a Hessian is expensive, they bring the start close to the minimizer."""
    count, cost = objective.rows.count, objective.hessian_cost
    if objective.link.linear or cost <= EXPENSIVE_HESSIAN or _inside(objective, domain) is not None:
        return []
    return [share for share in (count // 64, count // 16, count // 4) if share >= 2 * objective.rows.dimension]


def as_block(losses: Sequence[Loss]) -> RowBlock | MultinomialBlock | None:
    """The losses as one block if they are rows of one margin loss, or one multinomial problem; else None."""
    kinds = {type(loss) for loss in losses}
    make = _BLOCKS.get(kinds.pop()) if len(kinds) == 1 else None
    return None if make is None else make(losses)


def _rows_of(losses: Sequence[Any]) -> RowBlock | None:
    scalar = losses[0].scalar
    if not all(loss.scalar == scalar for loss in losses):
        return None
    return RowBlock(scalar, np.array([loss.row for loss in losses]), np.array([loss.target for loss in losses]))


def _entries_of(losses: Sequence[Any]) -> RowBlock | None:
    """Rows with a single 1: the margin of a loss of one entry is that entry of the matrix."""
    scalar, shape = losses[0].scalar, losses[0].shape
    if not all(loss.scalar == scalar and loss.shape == shape for loss in losses):
        return None
    count = len(losses)
    places = np.array([loss.entry[0] * shape[1] + loss.entry[1] for loss in losses])
    rows = sparse.csr_array((np.ones(count), places, np.arange(count + 1)), shape=(count, shape[0] * shape[1]))
    return RowBlock(scalar, rows, np.array([loss.target for loss in losses]))


def _classes_of(losses: Sequence[Any]) -> MultinomialBlock | None:
    classes = losses[0].n_classes
    if not all(loss.n_classes == classes for loss in losses):
        return None
    labels = np.array([loss.label for loss in losses])
    return MultinomialBlock(np.array([loss.row for loss in losses]), labels, classes)


_BLOCKS: dict[type, Callable[[Sequence[Any]], RowBlock | MultinomialBlock | None]] = {
    RowLoss: _rows_of,
    EntryLoss: _entries_of,
    MultinomialLogistic: _classes_of,
}
"""How a sequence of losses of one kind is combined into a block."""
