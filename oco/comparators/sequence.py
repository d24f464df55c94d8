"""The best fixed point of arbitrary convex losses, known by value and gradient only: a bundle method."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from oco.comparators.certificate import support_within, too_near
from oco.comparators.comparator import Comparator, ComparatorCurve
from oco.comparators.faces import faces_of
from oco.comparators.fixed_point import anytime, checked_rounds, require_tight
from oco.domains.base import Domain
from oco.losses.base import Loss
from oco.losses.multinomial import MultinomialBlock, MultinomialLogistic
from oco.losses.rows import RowBlock, RowLoss
from oco.regret.interval import Interval
from oco.types import Array

TOLERANCE = 1e-3
"""Default relative gap for losses that are known by value and gradient only."""
CALLS = 2_000_000
"""Most losses that are evaluated for one prefix, unless that would be fewer than `LEAST_CUTS` passes."""
LEAST_CUTS, MOST_CUTS = 40, 300

_UNIT = float(np.finfo(np.float64).eps)


def best_fixed_point_of(
    losses: Sequence[Loss],
    domain: Domain,
    *,
    tolerance: float = TOLERANCE,
    start: Array | None = None,
    strict: bool = False,
) -> Comparator:
    """Find the x of the domain that minimises ``sum_t f_t(x)`` for a finite sequence of losses, with a certified gap.

    For losses that an adversary chose during a game, matrix games, or any objects with ``value`` and ``gradient``.
    Rows of one generalized linear loss, and multinomial logistic losses, are recognised and solved as such.

    Parameters
    ----------
    losses
        f_1 .. f_T, convex on the domain; points and gradients have the domain's shape.
    domain
        Where the comparator must lie.
    tolerance
        The gap that counts as tight, relative to the larger of ``|value|`` and a thousandth of the loss of the
        domain's start.
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
        If ``strict`` and the gap is not tight, or the interval holds within a radius only.

    Notes
    -----
    Every evaluation gives a cut ``F(y) >= F(x_j) + <g_j, y - x_j>``; for any weights w of the cuts that sum to one

        min_{y in K} F(y)  >=  sum_j w_j (F(x_j) - <g_j, x_j>) - max_{y in K} <-sum_j w_j g_j, y>,

    which is the certificate (for one cut it is the Frank-Wolfe gap). The weights and the next point come from a
    proximal bundle method, one pass over the losses per cut. In many dimensions it may end with a wide interval. On an
    unbounded domain the bound holds for the points within ``100 (1 + |x|)`` of the origin: that is ``value.within``.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.comparators import best_fixed_point_of
    >>> from oco.domains import Ball
    >>> from oco.losses import QuadraticForm
    >>> losses = [QuadraticForm(np.eye(2), np.array([-3.0, 0.0])), QuadraticForm(np.eye(2), np.array([0.0, -4.0]))]
    >>> best = best_fixed_point_of(losses, Ball(radius=1.0, dimension=2))
    >>> -4.0 in best.value, best.tight
    (True, True)
    """
    return anytime_of(losses, domain, [len(losses)], tolerance=tolerance, start=start, strict=strict)[-1]


def anytime_of(
    losses: Sequence[Loss],
    domain: Domain,
    rounds: Sequence[int] | Array,
    *,
    tolerance: float = TOLERANCE,
    start: Array | None = None,
    strict: bool = False,
) -> ComparatorCurve:
    """Best fixed points of ``losses[:t]`` for every t in ``rounds``; see `best_fixed_point_of`.

    Each prefix starts from the point of the one before.
    """
    checkpoints = checked_rounds(rounds, len(losses))
    block = as_block(losses)
    if block is not None:
        return anytime(block, domain, rounds, start=start, strict=strict)
    point = domain.start if start is None else domain.project(start)
    found: list[Comparator] = []
    for count in checkpoints:
        bundle = _Bundle(losses[:count], domain, tolerance)
        bundle.minimise(point)
        point = bundle.point
        note = "" if bundle.tight else "the interval is wide: the losses are known by value and gradient only"
        found.append(bundle.comparator(note))
        if strict:
            require_tight(found[-1], tolerance)
    along = np.cumsum([loss.value(point) for loss in losses[: found[-1].rounds]])
    final: Array = along[np.array([comparator.rounds for comparator in found]) - 1]
    return ComparatorCurve(tuple(found), final)


def as_block(losses: Sequence[Loss]) -> RowBlock | MultinomialBlock | None:
    """The losses as one block where they are rows of one generalized linear loss; None where they are not."""
    first = losses[0]
    if type(first) is RowLoss and first.scalar.has_conjugate:
        scalar = first.scalar
        rows = [loss for loss in losses if type(loss) is RowLoss and loss.scalar == scalar]
        if len(rows) == len(losses):
            return RowBlock(scalar, np.array([loss.row for loss in rows]), np.array([loss.target for loss in rows]))
    if type(first) is MultinomialLogistic:
        classes = first.n_classes
        labelled = [loss for loss in losses if type(loss) is MultinomialLogistic and loss.n_classes == classes]
        if len(labelled) == len(losses):
            labels = np.array([loss.label for loss in labelled])
            return MultinomialBlock(np.array([loss.row for loss in labelled]), labels, classes)
    return None


def certify_by_cut(losses: Sequence[Loss], domain: Domain, point: Array, tolerance: float | None) -> Comparator:
    """The certificate of one feasible point, by its own cut."""
    bundle = _Bundle(losses, domain, TOLERANCE if tolerance is None else tolerance)
    bundle.offer(point)
    return bundle.comparator()


class _Bundle:
    """A proximal bundle method with a certificate; see `best_fixed_point_of`."""

    def __init__(self, losses: Sequence[Loss], domain: Domain, tolerance: float) -> None:
        self._losses = losses
        self._domain = domain
        self._tolerance = tolerance
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

    def comparator(self, note: str = "") -> Comparator:
        """What is certified so far."""
        within = math.inf if self._domain.bounded or math.isinf(self.lower) else self._reach
        value = Interval(min(self.lower, self.upper), self.upper, within)
        certificate = "none" if math.isinf(self.lower) else "Frank-Wolfe gap"
        return Comparator(len(self._losses), self.point, value, certificate, self.tight, note)

    def offer(self, point: Array) -> None:
        """Add the cut of a feasible point."""
        self._start_value = float(sum(loss.value(self._domain.start) for loss in self._losses))
        self._evaluate(point)

    def minimise(self, start: Array) -> None:
        """Cut until tight, or as often as the budget of calls allows."""
        self._start_value, gradient = self._evaluate(start)
        if self.tight:
            return
        # The point that would be best if the losses were linear: then it is, and one more cut proves it.
        if self._domain.bounded:
            self._evaluate(self._domain.maximizer(-gradient))
        centre, value = self.point, self.upper
        distance = self._domain.diameter() if self._domain.bounded else 1.0 + float(np.linalg.norm(centre))
        pull = float(np.linalg.norm(gradient)) / max(distance, 1e-300)
        weights: Array = np.full(self._offsets.size, 1.0 / self._offsets.size)
        for _ in range(self._cuts):
            if self.tight or pull == 0.0:
                return
            weights, target, model = self._proximal_step(centre, pull, weights)
            self._certify(weights)
            if self.tight:
                return
            promised = value - model
            reached, _ = self._evaluate(target)
            weights = np.append(weights, 0.0)
            if reached <= value - 0.1 * promised:
                if reached <= value - 0.6 * promised:
                    pull *= 0.5
                centre, value = target, reached
            elif reached > value + promised:
                pull *= 2.0
            if weights.size > 80:
                weights = self._aggregate(weights)

    def _evaluate(self, point: Array) -> tuple[float, Array]:
        """Add the cut of ``point``; returns F and its gradient there."""
        values = np.array([loss.value(point) for loss in self._losses])
        gradient = np.zeros(self._domain.shape)
        size = 0.0
        for loss in self._losses:
            one = loss.gradient(point)
            gradient += one
            size += float(np.linalg.norm(one))
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
        """The lower bound that these weights of the cuts prove; weights are made to sum to one."""
        weights = weights / weights.sum()
        direction = -(weights @ self._slopes).reshape(self._domain.shape)
        reach, support = support_within(self._domain, direction, self.point, self._faces)
        terms = float(np.abs(weights) @ np.abs(self._offsets)) + abs(support)
        rounding = (64.0 * terms + (len(self._losses) + 64.0) * self._size * reach) * _UNIT
        bound = float(weights @ self._offsets) - support - rounding
        if bound > self.lower:
            self.lower, self._reach = bound, reach

    def _proximal_step(self, centre: Array, pull: float, weights: Array) -> tuple[Array, Array, float]:
        """Weights that solve the dual of ``min_x max_j cut_j(x) + (pull / 2) |x - centre|^2``, x, the highest cut."""
        flat = centre.ravel()
        step = pull / max(float(np.linalg.norm(self._slopes, 2)) ** 2, 1e-300)
        ahead, momentum = weights, 1.0
        target = centre
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
