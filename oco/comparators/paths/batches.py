"""The losses of all rounds at once: values, proximal steps, and the affine minorants that certificates are made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np

from oco.comparators.paths.measures import lengths
from oco.losses.base import Loss
from oco.losses.multinomial import MultinomialBlock, MultinomialLogistic
from oco.losses.quadratic_terms import TiltedQuadratic
from oco.losses.rows import RowBlock, RowLoss, dense_row
from oco.types import Array

_HALVINGS = 32
"""Of the bracket of a slope: to ten digits. A certificate is valid for any slope."""
_GRADIENT_STEPS = 3
"""Steps toward a proximal point, from the last one, where the loss has no `prox`."""


class Minorants(NamedTuple):
    """Affine functions ``offset_t + <gradient_t, x>`` that are nowhere above the losses.

    Attributes
    ----------
    gradients, offsets
        ``(T, d)`` and ``(T,)``.
    sizes
        ``(T,)``, the sums of absolute terms of the offsets, to which their rounding is relative.
    """

    gradients: Array
    offsets: Array
    sizes: Array


class Batch(ABC):
    """T losses of flat points ``(T, d)``, one for each row."""

    rounds: int
    dimension: int

    @abstractmethod
    def evaluate(self, points: Array) -> tuple[Array, Array]:
        """``f_t(x_t)`` and ``|g_t|_2``, each ``(T,)``."""

    @abstractmethod
    def proximal(self, centers: Array, step: float) -> tuple[Array, Minorants]:
        """Points near the minimizers of ``f_t(x) + |x - c_t|^2 / (2 step)``, and minorants that touch f_t there."""


class RowBatch(Batch):
    """Losses of a margin; a proximal step is found by bisecting for its slope, in all rounds together."""

    def __init__(self, block: RowBlock) -> None:
        rows: Any = block.rows
        self._rows: Array = rows if isinstance(rows, np.ndarray) else rows.toarray()
        self._scalar, self._targets = block.scalar, block.targets
        self._lengths = lengths(self._rows)
        self.rounds, self.dimension = self._rows.shape

    def evaluate(self, points: Array) -> tuple[Array, Array]:
        """The loss of every margin."""
        values, slopes = self._scalar.values_and_derivatives(self._margins(points), self._targets)
        return values, np.abs(slopes) * self._lengths

    def proximal(self, centers: Array, step: float) -> tuple[Array, Minorants]:
        """Move along each row by the slope s that is the derivative where it leads to."""
        margins, weights = self._margins(centers), step * self._lengths**2
        slopes = self._slopes(margins)
        low, high = np.minimum(slopes, 0.0), np.maximum(slopes, 0.0)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            above = self._slopes(margins - weights * middle) > middle
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        found = np.where(slopes > 0.0, high, low)
        points = centers - step * found[:, None] * self._rows
        return points, self.minorants(found, margins - weights * found)

    def minorants(self, slopes: Array, margins: Array) -> Minorants:
        """By the conjugate of the slopes; of a loss that has none, by its tangents at the margins."""
        if self._scalar.has_conjugate:
            offsets = -self._scalar.conjugate(slopes, self._targets)
            sizes = np.abs(offsets) + (0.0 if self._scalar.linear else slopes**2)
        else:
            values, slopes = self._scalar.values_and_derivatives(margins, self._targets)
            offsets, sizes = values - slopes * margins, np.abs(values) + np.abs(slopes * margins)
        return Minorants(slopes[:, None] * self._rows, offsets, sizes)

    def least(self, lowest: Array, highest: Array) -> tuple[Array, Minorants]:
        """The margin in ``[lowest_t, highest_t]`` with the least loss, and the minorant that proves it, by round."""
        low, high = lowest, highest
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            falls = self._slopes(middle) < 0.0
            low, high = np.where(falls, middle, low), np.where(falls, high, middle)
        ends = [self._scalar.values_and_derivatives(end, self._targets) for end in (low, high)]
        better = ends[0][0] <= ends[1][0]
        inside = (ends[0][1] <= 0.0) & (ends[1][1] >= 0.0)
        slopes = np.where(inside, 0.0, np.where(better, ends[0][1], ends[1][1]))
        margins = np.where(better, low, high)
        return margins, self.minorants(slopes, margins)

    @property
    def rows(self) -> Array:
        """``(T, d)``."""
        return self._rows

    def _margins(self, points: Array) -> Array:
        margins: Array = np.einsum("ij,ij->i", self._rows, points)
        return margins

    def _slopes(self, margins: Array) -> Array:
        return self._scalar.values_and_derivatives(margins, self._targets)[1]


class QuadraticBatch(Batch):
    """Losses ``curvature_t / 2 |x - center_t|^2 + <slope_t, x>``."""

    def __init__(self, losses: list[TiltedQuadratic]) -> None:
        self._curvatures = np.array([loss.curvature for loss in losses])[:, None]
        self._centers = np.array([loss.center.ravel() for loss in losses])
        self._tilts = np.array([loss.slope.ravel() for loss in losses])
        self.rounds, self.dimension = self._centers.shape

    def evaluate(self, points: Array) -> tuple[Array, Array]:
        """The quadratic's value."""
        offsets = points - self._centers
        quadratic = 0.5 * self._curvatures[:, 0] * np.einsum("ij,ij->i", offsets, offsets)
        values = quadratic + np.einsum("ij,ij->i", self._tilts, points)
        return values, lengths(self._curvatures * offsets + self._tilts)

    def proximal(self, centers: Array, step: float) -> tuple[Array, Minorants]:
        """In closed form."""
        weights = step * self._curvatures
        points = (centers + weights * self._centers - step * self._tilts) / (1.0 + weights)
        gradients = self._curvatures * (points - self._centers) + self._tilts
        values = self.evaluate(points)[0]
        products: Array = np.einsum("ij,ij->i", gradients, points)
        sizes = np.abs(values) + lengths(gradients) * (lengths(points) + lengths(self._centers))
        return points, Minorants(gradients, values - products, sizes)


class AnyBatch(Batch):
    """Losses that are known by value and gradient, one by one, with their own `prox` where they have it."""

    def __init__(self, losses: list[Any], shape: tuple[int, ...]) -> None:
        self._losses, self._shape = losses, shape
        self.rounds, self.dimension = len(losses), int(np.prod(shape))
        self._curvatures = np.full(self.rounds, 1e-3)
        self._last: Array | None = None

    def evaluate(self, points: Array) -> tuple[Array, Array]:
        """One by one."""
        shaped = [point.reshape(self._shape) for point in points]
        pairs = list(zip(self._losses, shaped, strict=True))
        values = np.array([float(loss.value(point)) for loss, point in pairs])
        return values, np.array([float(np.linalg.norm(loss.gradient(point))) for loss, point in pairs])

    def proximal(self, centers: Array, step: float) -> tuple[Array, Minorants]:
        """One by one: the loss's own proximal step, or a few gradient steps from the last point."""
        last = centers if self._last is None else self._last
        points, gradients = np.empty_like(centers), np.empty_like(centers)
        offsets, sizes = np.empty(self.rounds), np.empty(self.rounds)
        for i, loss in enumerate(self._losses):
            center = centers[i].reshape(self._shape)
            point = loss.prox(center, step) if hasattr(loss, "prox") else self._near(i, center, last[i], step)
            gradient, value = loss.gradient(point), float(loss.value(point))
            product = float(np.vdot(gradient, point))
            points[i], gradients[i] = point.ravel(), gradient.ravel()
            offsets[i], sizes[i] = value - product, abs(value) + abs(product)
        self._last = points
        return points, Minorants(gradients, offsets, sizes)

    def _near(self, index: int, center: Array, last: Array, step: float) -> Array:
        """Gradient steps on ``f(x) + |x - center|^2 / (2 step)``, whose curvature is looked for by doubling."""
        loss, point = self._losses[index], last.reshape(self._shape)
        for _ in range(_GRADIENT_STEPS):
            value, gradient = float(loss.value(point)), loss.gradient(point)
            toward = gradient + (point - center) / step
            for _ in range(60):
                curvature = self._curvatures[index]
                moved = point - toward / (curvature + 1.0 / step)
                change = moved - point
                model = value + np.vdot(gradient, change) + 0.5 * curvature * np.vdot(change, change)
                if loss.value(moved) <= model + 1e-12 * abs(value):
                    break
                self._curvatures[index] *= 2.0
            point = moved
        self._curvatures[index] *= 0.9
        return point


def batch_of(losses: Any, shape: tuple[int, ...]) -> Batch:
    """The losses as the batch that is fastest for them."""
    if isinstance(losses, RowBlock):
        return RowBatch(losses)
    if isinstance(losses, MultinomialBlock):
        each = (dense_row(losses.rows, i) for i in range(len(losses)))
        losses = [
            MultinomialLogistic(row, int(label), losses.n_classes)
            for row, label in zip(each, losses.labels, strict=True)
        ]
    listed: list[Loss] = list(losses)
    if all(isinstance(loss, RowLoss) and loss.scalar == listed[0].scalar for loss in listed):  # type: ignore[attr-defined]
        rows: Any = listed
        targets = np.array([loss.target for loss in rows])
        return RowBatch(RowBlock(rows[0].scalar, np.array([loss.row for loss in rows], dtype=np.float64), targets))
    if all(type(loss) is TiltedQuadratic for loss in listed):
        quadratics: Any = listed
        return QuadraticBatch(quadratics)
    return AnyBatch(listed, shape)
