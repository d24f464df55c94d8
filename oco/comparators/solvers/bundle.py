"""Convex losses that are known by value and gradient only: quasi-Newton descent, then a proximal bundle method."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from oco.comparators.certificate import support_within, too_near
from oco.comparators.comparator import Comparator, ComparatorCurve
from oco.comparators.faces import faces_of
from oco.comparators.quasi_newton import LARGEST, descend
from oco.comparators.solver import Losses, Request, Solver, count_of, feasible, require_tight
from oco.domains.base import Domain
from oco.losses.base import Loss
from oco.losses.rows import RowLoss, dense_row
from oco.regret.certificate import Certificate
from oco.regret.interval import Interval
from oco.types import Array

TOLERANCE = 1e-3
"""Default relative gap for losses that are known by value and gradient only."""
CALLS = 2_000_000
"""Most losses evaluated for one prefix, but at least `LEAST_CUTS` passes over the losses."""
LEAST_CUTS, MOST_CUTS = 40, 300

_UNIT = float(np.finfo(np.float64).eps)


class BundleSolver(Solver):
    """Any sequence of losses, and rows of a loss that has no conjugate."""

    order: ClassVar[int] = 1000

    def taken(self, losses: Losses, domain: Domain) -> Any | None:
        """The losses one by one."""
        return losses

    def curve(self, taken: Any, domain: Domain, rounds: list[int], request: Request) -> ComparatorCurve:
        """Find all comparators; each prefix starts from the point of the previous one."""
        losses = one_by_one(taken, rounds[-1])
        tolerance = TOLERANCE if request.tolerance is None else request.tolerance
        point = domain.start if request.start is None else domain.project(request.start)
        found: list[Comparator] = []
        for count in rounds:
            bundle = _Bundle(losses[:count], domain, tolerance, request.deadline)
            bundle.minimize(point)
            point = bundle.point
            note = "" if bundle.tight else "the interval is wide: the losses are known by value and gradient only"
            found.append(bundle.comparator(note))
            request.solved(count)
            if request.strict:
                require_tight(found[-1], tolerance)
        along = np.cumsum(together(losses)(point)[0])
        final: Array = along[np.array(rounds) - 1]
        return ComparatorCurve(tuple(found), final)

    def certify(
        self, taken: Any, domain: Domain, point: Array, dual: Array | None, tolerance: float | None
    ) -> Comparator:
        """Certify by the cut of the point."""
        losses = one_by_one(taken, count_of(taken))
        bundle = _Bundle(losses, domain, TOLERANCE if tolerance is None else tolerance)
        bundle.offer(feasible(domain, point))
        return bundle.comparator()


def one_by_one(losses: Any, count: int) -> Sequence[Loss]:
    """The first ``count`` losses, rows of a block or a stream as losses of their own."""
    if isinstance(losses, Sequence):
        return losses[:count]
    block = losses.block(0, count) if hasattr(losses, "block") else losses
    return [RowLoss(block.scalar, dense_row(block.rows, i), block.targets[i]) for i in range(count)]


def together(losses: Sequence[Loss]) -> Callable[[Array], tuple[Array, Array]]:
    """All losses as one function of the point: values ``(n,)`` and gradients ``(n, *shape)``.

    By the losses' own `Loss.batch` if they are of one class that has it, else one by one.
    """
    kind = type(losses[0])
    batch = getattr(kind, "batch", None)
    if batch is not None and all(type(loss) is kind for loss in losses):
        evaluate: Callable[[Array], tuple[Array, Array]] | None = batch(losses)
        if evaluate is not None:
            return evaluate
    return lambda point: (
        np.array([loss.value(point) for loss in losses]),
        np.array([loss.gradient(point) for loss in losses]),
    )


class _Bundle:
    """A proximal bundle method with a certificate; see `best_fixed_point_of`."""

    def __init__(self, losses: Sequence[Loss], domain: Domain, tolerance: float, deadline: float = math.inf) -> None:
        self._losses = losses
        self._together = together(losses)
        self._domain = domain
        self._tolerance = tolerance
        self._deadline = deadline
        self._cuts = max(LEAST_CUTS, min(MOST_CUTS, CALLS // len(losses)))
        self._slopes: Array = np.empty((0, domain.dimension))
        self._offsets: Array = np.empty(0)
        self._start_value = 0.0
        self._size = 0.0
        self._reach = math.inf
        self._faces = None if domain.bounded else faces_of(domain)
        self.point = domain.start
        self.upper = math.inf
        self.lower = -math.inf

    @property
    def tight(self) -> bool:
        """Whether the gap is within the tolerance."""
        scale = max(abs(self.upper), 1e-3 * abs(self._start_value)) if self.upper < math.inf else 0.0
        return self.upper - self.lower <= self._tolerance * scale

    @property
    def finished(self) -> bool:
        """Whether the search can stop: the interval is tight, or time is up."""
        return self.tight or time.monotonic() > self._deadline

    def comparator(self, note: str = "") -> Comparator:
        """The comparator certified so far."""
        within = math.inf if self._domain.bounded or math.isinf(self.lower) else self._reach
        value = Interval(min(self.lower, self.upper), self.upper, within)
        certificate = Certificate.NONE if math.isinf(self.lower) else Certificate.FRANK_WOLFE_GAP
        return Comparator(len(self._losses), self.point, value, certificate, self.tight, note)

    def offer(self, point: Array) -> None:
        """Add the cut of a feasible point."""
        self._start_value = float(self._together(self._domain.start)[0].sum())
        self._evaluate(point)

    def minimize(self, start: Array) -> None:
        """Cut until tight, or as often as the budget of calls allows."""
        self._start_value, gradient = self._evaluate(start)
        if self.finished:
            return
        # The minimizer of the first cut: if the losses are linear it is optimal, and one more cut proves it.
        if self._domain.bounded:
            self._evaluate(self._domain.maximizer(-gradient))
        self._descend(start, self._start_value, gradient)
        center, value = self.point, self.upper
        distance = self._domain.diameter() if self._domain.bounded else 1.0 + float(np.linalg.norm(center))
        pull = float(np.linalg.norm(gradient)) / max(distance, 1e-300)
        weights: Array = np.full(self._offsets.size, 1.0 / self._offsets.size)
        for _ in range(self._cuts):
            if self.finished or pull == 0.0:
                return
            weights, target, model = self._proximal_step(center, pull, weights)
            self._certify(weights)
            if self.finished:
                return
            promised = value - model
            reached, _ = self._evaluate(target)
            weights = np.append(weights, 0.0)
            if reached <= value - 0.1 * promised:
                if reached <= value - 0.6 * promised:
                    pull *= 0.5
                center, value = target, reached
            elif reached > value + promised:
                pull *= 2.0
            if weights.size > 80:
                weights = self._aggregate(weights)

    def _descend(self, start: Array, value: float, gradient: Array) -> None:
        """Quasi-Newton steps, whose points all become cuts."""
        if self._domain.dimension > LARGEST or self.finished:
            return
        shape = self._domain.shape

        def evaluate(point: Array) -> tuple[float, Array]:
            there, slope = self._evaluate(point.reshape(shape))
            return there, slope.ravel()

        descend(evaluate, self._domain, start, value, gradient.ravel(), self._too_much)

    def _too_much(self) -> float:
        """The gap, or zero when it is tight or the budget is spent."""
        return 0.0 if self.finished or self._offsets.size > self._cuts else self.upper - self.lower

    def _evaluate(self, point: Array) -> tuple[float, Array]:
        """Add the cut of ``point``; returns F and its gradient there."""
        values, gradients = self._together(point)
        gradient = gradients.sum(axis=0)
        size = float(np.linalg.norm(gradients.reshape(len(gradients), -1), axis=1).sum())
        value = float(values.sum())
        self._size = max(self._size, size)
        length = float(np.linalg.norm(point))
        rounding = 64.0 * _UNIT * float(np.abs(values).sum()) + (gradient.size + 8.0) * _UNIT * size * length
        if value + rounding < self.upper:
            self.upper, self.point = value + rounding, point
            if not self._domain.bounded and too_near(self._reach, point):
                self.lower = -math.inf
        offset = value - rounding - float(np.vdot(gradient, point))
        self._slopes = np.vstack([self._slopes, gradient.ravel()])
        self._offsets = np.append(self._offsets, offset)
        single: Array = np.zeros(self._offsets.size)
        single[-1] = 1.0
        self._certify(single)
        return value, gradient

    def _certify(self, weights: Array) -> None:
        """The lower bound proved by these weights of the cuts, after scaling them to sum to one."""
        weights = weights / weights.sum()
        direction = -(weights @ self._slopes).reshape(self._domain.shape)
        reach, support = support_within(self._domain, direction, self.point, self._faces)
        terms = float(np.abs(weights) @ np.abs(self._offsets)) + abs(support)
        rounding = (64.0 * terms + (len(self._losses) + 64.0) * self._size * reach) * _UNIT
        bound = float(weights @ self._offsets) - support - rounding
        if bound > self.lower:
            self.lower, self._reach = bound, reach

    def _proximal_step(self, center: Array, pull: float, weights: Array) -> tuple[Array, Array, float]:
        """Weights that solve the dual of ``min_x max_j cut_j(x) + (pull / 2) |x - center|^2``, x, the highest cut."""
        flat = center.ravel()
        step = pull / max(float(np.linalg.norm(self._slopes, 2)) ** 2, 1e-300)
        ahead, momentum = weights, 1.0
        target = center
        for _ in range(400):
            target = self._domain.project((flat - (ahead @ self._slopes) / pull).reshape(self._domain.shape))
            heights = self._offsets + self._slopes @ target.ravel()
            moved = _on_simplex(ahead + step * heights)
            change = moved - weights
            if float(change @ (moved - ahead)) > 0.0 or momentum == 1.0:
                following = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * momentum**2))
                ahead = moved + (momentum - 1.0) / following * change
                momentum = following
            else:
                ahead, momentum = moved, 1.0
            weights = moved
            if float(heights.max() - moved @ heights) <= 1e-2 * self._tolerance * (self.upper - self.lower + 1e-300):
                break
        return weights, target, float(heights.max())

    def _aggregate(self, weights: Array) -> Array:
        """Keep the heaviest and the newest cuts and one average of the rest, so that the bundle stays small."""
        keep = np.zeros(weights.size, dtype=bool)
        keep[np.argsort(weights)[-40:]] = True
        keep[-10:] = True
        rest = ~keep
        mass = float(weights[rest].sum())
        slopes, offsets, kept = self._slopes[keep], self._offsets[keep], weights[keep]
        if mass > 0.0:
            share = weights[rest] / mass
            slopes = np.vstack([slopes, share @ self._slopes[rest]])
            offsets = np.append(offsets, share @ self._offsets[rest])
            kept = np.append(kept, mass)
        self._slopes, self._offsets = slopes, offsets
        return kept


def _on_simplex(vector: Array) -> Array:
    """Euclidean projection on the probability simplex, by sorting."""
    falling = np.sort(vector)[::-1]
    excess = np.cumsum(falling) - 1.0
    count = np.count_nonzero(falling * np.arange(1, vector.size + 1) > excess)
    projected: Array = np.maximum(vector - excess[count - 1] / count, 0.0)
    return projected
