"""Lower bounds that hold on all of an unbounded domain, from duals that are exactly balanced.

For slopes alpha and multipliers lambda of the domain's faces C, ``A' alpha + C' lambda = 0`` proves a bound on all of
the domain. No floats satisfy it exactly, but real numbers close to them do. Let N be the rows with free duals, times
some basis X. If N has no singular value below s, there is a change delta of those rows' duals with

    A' (alpha + delta_A) + C' (lambda + delta_C) = 0,    |delta|_2 <= |X' r|_2 / s = rho,

where r is the residual of the floats. If every dual is at least rho away from the bounds of its range, the change is
feasible; conjugates are convex, so at the changed dual they are at most the larger of their values at ``alpha - rho``
and ``alpha + rho``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from oco.comparators.faces import Faces
from oco.comparators.objective import LossLink, Objective
from oco.types import Array

COST = 2e9
"""Most multiplications of one pass over the rows; beyond that, no bound of this kind is tried."""
FINE = 2e7
"""Most entries of the rows for which products are summed in extended precision."""
_UNIT = float(np.finfo(np.float64).eps)
_ATTEMPTS, _BASES, _BALANCINGS = 4, 6, 5


def bound_everywhere(objective: Objective, faces: Faces, slopes: Array) -> float:
    """A lower bound on ``F`` over all of the domain from nearly balanced slopes; -inf if none is found."""
    link, rows = objective.link, objective.rows
    if not isinstance(link, LossLink) or link.linear or rows.count * float(rows.dimension) ** 2 > COST:
        return -math.inf
    faces = faces.scaled_to(rows.length / math.sqrt(rows.count))
    size = float(np.abs(slopes).max(initial=0.0))
    threshold = 1e-12 * size
    for _ in range(_ATTEMPTS):
        attempt = _Balance(objective, link, faces, slopes, threshold)
        bound, needed = attempt.prove()
        if not math.isfinite(needed):
            return bound
        slopes = attempt.alpha
        threshold = max(100.0 * threshold, 4.0 * needed)
        if threshold > 1e-2 * size:
            break
    return -math.inf


@dataclass
class _Balance:
    """One attempt, in which duals within ``threshold`` of a bound of their range are fixed at that bound."""

    objective: Objective
    link: LossLink
    faces: Faces
    slopes: Array
    threshold: float

    def prove(self) -> tuple[float, float]:
        """The bound and infinity; or -inf and the distance from their bounds that free duals would need."""
        low, high = self.link.range
        alpha = np.clip(self.slopes, low, high)
        alpha = np.where(alpha - low <= self.threshold, low, np.where(high - alpha <= self.threshold, high, alpha))
        self.free = (alpha > low) & (alpha < high)
        self.alpha = alpha
        self._place_multipliers()
        if self.columns.size and not self._make_basis():
            return -math.inf, math.inf
        rho = self._balance()
        room = np.minimum(self.alpha - low, high - self.alpha)[self.free]
        multipliers = self.multipliers[self.kept]  # on one-sided rows their sign must not change
        room = np.concatenate([room, multipliers[np.isinf(self.faces.low[self.kept])]])
        room = np.concatenate([room, -multipliers[np.isinf(self.faces.high[self.kept])]])
        if (room.size and float(room.min()) <= rho) or not self._sides_stay(rho):
            return -math.inf, rho
        return self._bound(rho), math.inf

    def _sides_stay(self, rho: float) -> bool:
        """Whether every coordinate with a single bound is still pulled toward that bound."""
        lower, upper = np.isfinite(self.faces.lower), np.isfinite(self.faces.upper)
        moved = self.error + rho * self.sums
        fine = (lower & upper) | (lower & (self.missed > moved)) | (upper & (self.missed < -moved))
        return bool(fine[self.absorbing].all())

    def _place_multipliers(self) -> None:
        """Find the multipliers of the faces' rows, and the columns that have to be balanced."""
        faces, pull = self.faces, self.objective.rows.pull(self.alpha)[0]
        rows = faces.rows
        self.multipliers = np.zeros(rows.shape[0])
        self.kept = np.zeros(rows.shape[0], dtype=bool)
        if rows.size:
            self.multipliers[:] = np.linalg.lstsq(rows.T, -pull, rcond=None)[0]
            wrong = np.where(self.multipliers > 0.0, np.isinf(faces.high), np.isinf(faces.low))
            small = np.abs(self.multipliers) <= self.threshold
            one_sided = np.isinf(faces.low) | np.isinf(faces.high)
            self.multipliers[wrong | (small & one_sided)] = 0.0
            self.kept = (self.multipliers != 0.0) | ~one_sided
        self._measure()
        # A coordinate pulled toward one of its bounds absorbs its residual; the pull must not change sign.
        self.sums = self.objective.rows.size_sums()
        moved = self.threshold * self.sums
        need_upper, need_lower = self.missed < 0.0, self.missed > 0.0
        bounded = (need_upper & np.isfinite(faces.upper)) | (need_lower & np.isfinite(faces.lower))
        both = np.isfinite(faces.lower) & np.isfinite(faces.upper)
        self.absorbing = both | (bounded & (np.abs(self.missed) > self.error + moved))
        touched = (
            (self.missed != 0.0)
            | (self.error > 0.0)
            | (self.objective.rows.pull(np.where(self.free, 1.0, 0.0))[1] > 0.0)
        )
        touched |= np.any(rows[self.kept] != 0.0, axis=0)
        self.columns = np.flatnonzero(~self.absorbing & touched)

    def _measure(self) -> None:
        """Compute ``A' alpha + C' lambda`` and an error bound for each entry."""
        rows = self.objective.rows
        fine = rows.count * rows.dimension <= FINE
        self.missed, self.error = rows.pull(self.alpha, fine)
        if self.faces.rows.size:
            parts = self.faces.rows.astype(np.longdouble) * self.multipliers.astype(np.longdouble)[:, None]
            total = self.missed.astype(np.longdouble) + parts.sum(axis=0)
            self.missed = total.astype(np.float64)
            sizes = np.abs(self.faces.rows).T @ np.abs(self.multipliers)
            unit = (self.multipliers.size + 4) * float(np.finfo(np.longdouble).eps)
            self.error = self.error + 1.01 * (unit * (sizes + np.abs(self.missed)) + _UNIT * np.abs(self.missed))

    def _make_basis(self) -> bool:
        """Find X so that the free rows times X are nearly orthonormal, and a proved lower bound on singular values."""
        rows, beside = self.objective.rows, self.faces.rows[self.kept][:, self.columns]
        largest = rows.largest_entries()[self.columns]
        if beside.size:
            largest = np.maximum(largest, np.abs(beside).max(axis=0))
        if not (np.isfinite(largest).all() and (largest > 0.0).all()):
            return False
        scale = 2.0 ** -np.ceil(np.log2(largest))
        basis, size = np.diag(scale), self.columns.size
        count = int(np.count_nonzero(self.free)) + beside.shape[0]
        if count < size:
            return False
        for _ in range(_BASES):
            gram = rows.gram_in(basis, self.columns, self.free)
            if beside.size:
                turned = beside @ basis
                gram = gram + turned.T @ turned
            squares = float(np.trace(gram))
            off = float(linalg.norm(gram - np.eye(size))) if math.isfinite(squares) else math.inf
            if off <= 0.5:
                # Entries of the rows are at most one in units of the scale.
                product = (size + 2) * _UNIT * math.sqrt(count * size) * float(linalg.norm(basis / scale[:, None]))
                least = 1.0 - 1.01 * (off + (count + 8) * _UNIT * squares)
                self.floor = math.sqrt(max(least, 0.0)) - 1.01 * product
                self.basis = basis
                return self.floor > 0.1
            if not 0.0 < squares < math.inf:
                return False
            try:
                factor = linalg.cholesky(gram + 1e-15 * size * squares * np.eye(size), lower=True)
            except linalg.LinAlgError:
                return False
            basis = linalg.solve_triangular(factor, basis.T, lower=True).T
            if not np.isfinite(basis).all():
                return False
        return False

    def _balance(self) -> float:
        """Move the free duals toward balance; returns a bound on their distance to an exactly balanced dual."""
        if not self.columns.size:
            return 0.0
        low, high = self.link.range
        best, kept = math.inf, (self.alpha, self.multipliers)
        for _ in range(_BALANCINGS):
            missed, error = self.missed[self.columns], self.error[self.columns]
            turned = self.basis.T @ missed
            sizes = np.abs(self.basis).T @ (error + (self.columns.size + 2) * _UNIT * np.abs(missed))
            rho = 1.01 * (float(linalg.norm(turned)) + float(linalg.norm(sizes))) / self.floor
            if not rho < best:
                self.alpha, self.multipliers = kept
                self._measure()
                break
            enough = rho > 0.5 * best
            best, kept = rho, (self.alpha, self.multipliers)
            if enough:
                break
            way: Array = np.zeros(self.objective.rows.dimension)
            way[self.columns] = self.basis @ turned
            change = np.where(self.free, self.objective.margins(way), 0.0)
            self.alpha = np.clip(self.alpha - change, low, high)
            if self.faces.rows.size:
                self.multipliers = self.multipliers - np.where(self.kept, self.faces.rows @ way, 0.0)
            self._measure()
        else:
            self.alpha, self.multipliers = kept
            self._measure()
        return best

    def _bound(self, rho: float) -> float:
        faces, low_high = self.faces, self.link.range
        ends = [np.clip(np.where(self.free, self.alpha + sign * rho, self.alpha), *low_high) for sign in (-1.0, 1.0)]
        worst = np.maximum(*(self.link.conjugate(end) for end in ends))
        total, terms = float(worst.sum()), self.link.conjugate_sizes(np.abs(self.alpha) + rho, worst)
        # In coordinates that absorb their residual, x_j lies at the bound that it is pulled to.
        taken, error = self.missed[self.absorbing], self.error[self.absorbing]
        if taken.size:
            moved = rho * self.sums[self.absorbing]
            lower, upper = _or_zero(faces.lower[self.absorbing]), _or_zero(faces.upper[self.absorbing])
            reach, parts = np.maximum(np.abs(lower), np.abs(upper)), -taken * np.where(taken > 0.0, lower, upper)
            total += float(parts.sum())
            terms += float(np.abs(parts).sum()) + float(((error + moved) * reach).sum()) / (64.0 * _UNIT)
        if faces.rows.size:
            lower, upper = _or_zero(faces.low), _or_zero(faces.high)
            parts = self.multipliers * np.where(self.multipliers > 0.0, upper, lower)
            reach = np.maximum(np.abs(lower), np.abs(upper))
            total += float(parts.sum())
            terms += float(np.abs(parts).sum()) + rho * float(reach[self.kept].sum()) / (64.0 * _UNIT)
        bound = -total - 64.0 * _UNIT * terms
        return bound if math.isfinite(bound) else -math.inf


def _or_zero(ends: Array) -> Array:
    """Bounds, with zero for infinite ones, whose multipliers are zero."""
    return np.where(np.isfinite(ends), ends, 0.0)
