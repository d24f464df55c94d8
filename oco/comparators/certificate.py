"""The running certificate of a solver: the best point and the best Fenchel dual that it has met.

It decides when to stop and which point and dual are passed to `oco.comparators.proof`, which proves the reported
interval.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from oco.comparators.faces import Faces, faces_of
from oco.comparators.objective import Objective
from oco.domains._vectors import euclidean_norm
from oco.domains.base import Domain
from oco.regret.certificate import Certificate
from oco.regret.interval import Interval
from oco.types import Array

_UNIT = float(np.finfo(np.float64).eps)
_SUM = 64.0 * _UNIT
"""Relative error of a pairwise sum of a million terms that were each computed to a few units in the last place."""

FAR = 100.0
"""Radius of a certificate that does not hold on all of an unbounded domain, in multiples of ``1 + |point|``."""


@dataclass
class Certifier:
    """Keeps the best point and the best lower bound offered by a solver, without relying on the solver's own numbers.

    For any slopes alpha,

        min_{x in K} sum_i phi_i(<a_i, x>)  >=  -sum_i phi_i*(alpha_i) - h_K(-A' alpha),

    with h_K the support function of the domain. With ``alpha_i = phi_i'(<a_i, x>)`` the gap to F(x) is the Frank-Wolfe
    gap. Both bounds include an allowance for rounding: 64 units in the last place of the sums of absolute terms, and
    ``m eps |A|_F |alpha|_2 radius`` for the products with A, where m is the largest number of roundings of one entry.

    If the domain is unbounded, ``-A' alpha`` is split into a part v with finite support function and a remainder, and
    the bound is ``-sum phi* - h_K(v) - reach |-A'alpha - v|_2``. It holds for every point within
    ``reach = 100 (1 + |x|)`` of the origin, and is discarded when a better x lies beyond a tenth of that radius.

    Attributes
    ----------
    tolerance
        The gap that counts as tight, relative to ``max(|value|, 0.001 |F(start)|)``: the second scale is for losses
        that can be driven to zero.
    deadline
        When to stop, on the clock of `time.monotonic`.
    receding
        Whether the last step went along a direction in which the loss decreases forever, so that no minimizer exists.
    """

    objective: Objective
    domain: Domain
    tolerance: float
    deadline: float = math.inf
    start_value: float = 0.0
    upper: float = math.inf
    lower: float = -math.inf
    point: Array | None = None
    margins: Array | None = None
    slopes: Array | None = None
    certificate: Certificate = Certificate.NONE
    receding: bool = False
    _reach: float = math.inf

    def __post_init__(self) -> None:
        rows = self.objective.rows
        self._faces = None if self.domain.bounded else faces_of(self.domain)
        self._product_error = rows.sum_length * _UNIT * rows.length
        self._forget()

    def _forget(self) -> None:
        """Go back to the lower bound that needs no dual."""
        self.lower, self.certificate, self._reach = -math.inf, Certificate.NONE, math.inf
        if self.objective.link.infimum > -math.inf:
            self.lower = self.objective.rows.count * self.objective.link.infimum
            self.certificate = Certificate.NON_NEGATIVE

    @property
    def value(self) -> Interval:
        """The interval certified so far."""
        return Interval(min(self.lower, self.upper), self.upper)

    @property
    def gap(self) -> float:
        """``upper - lower``."""
        return max(0.0, self.upper - self.lower)

    @property
    def allowed_gap(self) -> float:
        """The gap that counts as tight."""
        return self.tolerance * max(abs(self.upper), 1e-3 * abs(self.start_value)) if self.upper < math.inf else 0.0

    @property
    def tight(self) -> bool:
        """Whether the gap is within the tolerance."""
        return self.gap <= self.allowed_gap

    @property
    def finished(self) -> bool:
        """Whether the search can stop: the interval is tight, or time is up."""
        return self.tight or time.monotonic() > self.deadline

    def offer_point(
        self, point: Array, margins: Array, evaluated: tuple[Array, Array] | None = None
    ) -> tuple[float, Array]:
        """A feasible point, and losses and slopes there if they are known; returns the loss and the slopes."""
        values, slopes = self.objective.link.evaluate(margins) if evaluated is None else evaluated
        total = float(values.sum())
        if not math.isfinite(total):
            return math.inf, slopes
        length = float(np.linalg.norm(point))
        rounding = _SUM * float(np.abs(values).sum()) + self._product_error * float(np.linalg.norm(slopes)) * length
        if total + rounding < self.upper:
            self.upper = total + rounding
            self.point, self.margins = point.copy(), margins
            if not self.domain.bounded and too_near(self._reach, point):
                self._forget()
        return total, slopes

    def offer_dual(self, slopes: Array, gradient: Array | None = None) -> float:
        """Any slopes, with ``A' slopes`` if it is known; returns the lower bound that they prove."""
        conjugates = self.objective.link.conjugate(slopes)
        total = float(conjugates.sum())
        if not math.isfinite(total):
            return -math.inf
        if gradient is None:
            gradient = self.objective.gradient(slopes)
        reach, support = support_within(self.domain, -gradient.reshape(self.domain.shape), self.point, self._faces)
        if not math.isfinite(support):
            return -math.inf
        size = float(np.linalg.norm(slopes))
        squares = 0.0 if self.objective.link.linear else size * size
        terms = float(np.abs(conjugates).sum()) + squares + abs(support)
        rounding = _SUM * terms + self._product_error * size * reach
        rounding += (gradient.size + 8) * _UNIT * float(np.linalg.norm(gradient)) * reach
        if not self.domain.bounded:
            rounding += _UNIT * abs(self.start_value)
        bound = -total - support - rounding
        if bound > self.lower:
            self.lower, self.slopes, self._reach = bound, slopes, reach
            self.certificate = Certificate.FENCHEL_DUAL
        return bound


def support_within(
    domain: Domain, direction: Array, point: Array | None, faces: Faces | None = None
) -> tuple[float, float]:
    """How far a certificate reaches from the origin, and ``h_K(direction)`` or a bound on it within that reach.

    The reach is the radius of a bounded domain. Otherwise it is ``FAR (1 + |point|)``, and the part of ``direction``
    along which the domain is unbounded contributes up to this reach.
    """
    radius = domain.radius("l2")
    if math.isfinite(radius):
        return radius, domain.support(direction)
    reach = FAR * (1.0 + (0.0 if point is None else float(np.linalg.norm(point))))
    pull = -direction.ravel()
    support, off, missed = held_back(domain, faces, pull, np.zeros_like(pull))
    return reach, support + off + reach * missed


def held_back(domain: Domain, faces: Faces | None, pull: Array, error: Array) -> tuple[float, float, float]:
    """Support of the part of ``-pull`` along which an unbounded domain is bounded, its error bound, and the rest."""
    if not (np.isfinite(pull).all() and np.isfinite(error).all()):
        return math.inf, 0.0, 0.0
    if faces is None:
        direction = -pull.reshape(domain.shape)
        finite = bounded_part(domain, direction)
        beyond = euclidean_norm(direction - finite) + euclidean_norm(error) + 1e-9 * euclidean_norm(finite)
        return domain.support(finite), 0.0, 1.01 * beyond
    rest: Array = -pull
    off = error
    total = terms = 0.0
    if faces.rows.size:
        multipliers = np.linalg.lstsq(faces.rows.T, -pull, rcond=None)[0]
        open_side = np.where(multipliers > 0.0, np.isinf(faces.high), np.isinf(faces.low))
        multipliers = np.where(open_side, 0.0, multipliers)
        heights = np.where(multipliers > 0.0, faces.high, faces.low)
        taken = multipliers * np.where(multipliers == 0.0, 0.0, heights)
        total, terms = float(taken.sum()), float(np.abs(taken).sum())
        sizes = np.abs(faces.rows).T @ np.abs(multipliers) + np.abs(pull)
        rest, off = rest - faces.rows.T @ multipliers, off + (multipliers.size + 4) * _UNIT * sizes
    lower, upper = np.isfinite(faces.lower), np.isfinite(faces.upper)
    held = (lower & upper) | ((rest > 0.0) & upper) | ((rest < 0.0) & lower)
    sure = (lower & upper) | (held & (np.abs(rest) > off))
    ends = np.where(rest > 0.0, faces.upper, faces.lower)
    parts = np.where(held & (rest != 0.0), rest * np.where(np.isfinite(ends), ends, 0.0), 0.0)
    sizes = np.maximum(np.where(lower, np.abs(faces.lower), 0.0), np.where(upper, np.abs(faces.upper), 0.0))
    total, terms = total + float(parts.sum()), terms + float(np.abs(parts).sum())
    missed = euclidean_norm(np.where(held, 0.0, np.abs(rest)) + np.where(sure, 0.0, off))
    return total, 1.01 * float((off * np.where(held, sizes, 0.0)).sum()) + _SUM * terms, 1.01 * missed


def too_near(reach: float, point: Array) -> bool:
    """Whether the point is so far out that a certificate with this reach must be discarded."""
    return reach < 0.1 * FAR * (1.0 + float(np.linalg.norm(point)))


def bounded_part(domain: Domain, direction: Array) -> Array:
    """The part of ``direction`` along which an unbounded domain is bounded: its projection on the barrier cone.

    The barrier cone is the polar of the recession cone, and the projection on the recession cone is the limit of
    ``project(start + s direction) / s`` for large s.
    """
    length = euclidean_norm(direction)
    if length == 0.0:
        return direction
    start, unit = domain.start, direction / length
    far = 1e10 * (1.0 + euclidean_norm(start))
    finite = unit - (domain.project(start + far * unit) - start) / far
    finite[np.abs(finite) <= 1e-9] = 0.0
    return length * finite
