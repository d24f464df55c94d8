"""Cumulative losses of a fixed point: ``F(x) = sum_i phi_i(<a_i, x>)`` with values, slopes, curvatures, conjugates."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from oco.comparators.preconditioner import Preconditioner
from oco.comparators.rows import RowMatrix
from oco.losses.scalar import ScalarLoss
from oco.types import Array, Shape


class Hessian(ABC):
    """A symmetric positive semidefinite matrix, formed or known by its products."""

    matrix: Array | None = None
    curvature: Array
    """Second derivatives of the rounds, from `Link.curvature`."""

    weights: Array
    """Of the rows in the blocks on its diagonal."""

    @abstractmethod
    def apply(self, vector: Array) -> Array:
        """The product with a vector ``(d,)``."""


class FormedHessian(Hessian):
    """A Hessian that is a d x d array."""

    def __init__(self, matrix: Array, curvature: Array) -> None:
        self.matrix: Array = matrix
        self.curvature = self.weights = curvature

    def apply(self, vector: Array) -> Array:
        """``H vector`` in O(d^2)."""
        product: Array = self.matrix @ vector
        return product


@dataclass
class WeightedRowsHessian(Hessian):
    """``A' diag(curvature) A``, never formed."""

    rows: RowMatrix
    curvature: Array

    def __post_init__(self) -> None:
        self.weights = self.curvature

    def apply(self, vector: Array) -> Array:
        """Two passes over the rows."""
        return self.rows.transposed_product(self.curvature * self.rows.product(vector))


class DampedHessian(Hessian):
    """``H + damping I``."""

    def __init__(self, hessian: Hessian, damping: float) -> None:
        self._hessian = hessian
        self._damping = damping
        self.curvature, self.weights = hessian.curvature, hessian.weights
        if hessian.matrix is not None:
            self.matrix = hessian.matrix + damping * np.eye(hessian.matrix.shape[0])

    def apply(self, vector: Array) -> Array:
        """``H vector + damping vector``."""
        return self._hessian.apply(vector) + self._damping * vector


class Link(ABC):
    """The losses of the margins: ``phi_1 .. phi_n``, vectorized over rounds."""

    infimum: float = 0.0
    """A lower bound on every loss."""

    @abstractmethod
    def evaluate(self, margins: Array) -> tuple[Array, Array]:
        """Losses ``(n,)`` and slopes, of the shape of ``margins``."""

    @abstractmethod
    def curvature(self, margins: Array) -> Array:
        """Second derivatives, of the shape of ``margins``."""

    @abstractmethod
    def conjugate(self, slopes: Array) -> Array:
        """Conjugates ``(n,)``; infinite where a slope is out of range."""

    linear: bool = False
    """Whether every loss is its margin."""

    def conjugate_sizes(self, slopes: Array, conjugates: Array) -> float:
        """Sum of the sizes of the conjugates' terms before cancellation, to which rounding is relative."""
        return float(np.abs(conjugates).sum() + np.vdot(slopes, slopes))

    def worst(self, margins: Array, errors: Array) -> tuple[float, float]:
        """Upper bound on the sum of the losses if margins have errors of up to ``errors``, and the sum of their sizes.

        Losses are convex, so on an interval they are largest at an endpoint.
        """
        values = np.maximum(self.evaluate(margins - errors)[0], self.evaluate(margins + errors)[0])
        return float(values.sum()), float(np.abs(values).sum())

    def kinks(self) -> tuple[Array, Array, Array] | None:
        """``(kink, low, high)`` of losses with a single kink, see `oco.losses.ScalarLoss.kinks`; else None."""
        return None

    def clip(self, slopes: Array) -> Array:
        """Slopes moved into the range where the conjugate is finite."""
        return slopes

    def recedes(self, change: Array, slack: float) -> bool:
        """Whether moving without end along this change of margins raises no loss and keeps lowering at least one.

        ``slack`` is how far a margin may move in the wrong direction, relative to the largest change.
        """
        return False

    @abstractmethod
    def prefix(self, count: int) -> Link:
        """The first ``count`` losses."""


class LossLink(Link, ABC):
    """A scalar loss and its targets (base class)."""

    scalar: ScalarLoss
    targets: Array
    range: tuple[Array, Array]
    """Bounds of the slopes whose conjugate is known to be finite."""

    def clip(self, slopes: Array) -> Array:
        """Slopes in the dual range."""
        return np.clip(slopes, *self.range)

    def recedes(self, change: Array, slack: float) -> bool:
        """Whether the scalar loss recedes."""
        return self.scalar.recedes(change, self.targets, slack)

    @abstractmethod
    def smoothed(self, width: float, multipliers: Array) -> Link:
        """The losses, smoothed over ``width`` around multipliers."""

    @abstractmethod
    def first_multipliers(self, margins: Array) -> tuple[Array, float]:
        """Multipliers and a width to begin with."""


@dataclass
class ScalarLink(LossLink):
    """A scalar loss with a conjugate, and its targets."""

    scalar: ScalarLoss
    targets: Array

    def __post_init__(self) -> None:
        self.infimum = self.scalar.infimum
        self.linear = self.scalar.linear
        self.range = self.scalar.dual_range(self.targets)

    def kinks(self) -> tuple[Array, Array, Array] | None:
        """The kinks of the scalar loss."""
        return self.scalar.kinks(self.targets)

    def evaluate(self, margins: Array) -> tuple[Array, Array]:
        """``phi`` and ``phi'``."""
        return self.scalar.values_and_derivatives(margins, self.targets)

    def curvature(self, margins: Array) -> Array:
        """``phi''``."""
        return self.scalar.curvature(margins, self.targets)

    def conjugate(self, slopes: Array) -> Array:
        """``phi*``."""
        return self.scalar.conjugate(slopes, self.targets)

    def conjugate_sizes(self, slopes: Array, conjugates: Array) -> float:
        """Sizes of products with the targets, squares where the loss is curved, and logarithms."""
        if self.linear:
            return 0.0
        sizes = float(np.abs(conjugates).sum()) + float(np.abs(slopes) @ np.abs(self.targets))
        if self.kinks() is None:
            sizes += float(slopes @ slopes)
        return sizes + (slopes.size if self.infimum == -np.inf else 0.0)

    def smoothed(self, width: float, multipliers: Array) -> Link:
        """Losses with one kink, smoothed around multipliers."""
        kinks = self.kinks()
        assert kinks is not None
        return SmoothedLink(kinks, width, multipliers)

    def first_multipliers(self, margins: Array) -> tuple[Array, float]:
        """Multipliers in the middle of their ranges, and the mean distance of margins from their kinks as a width."""
        kinks = self.kinks()
        assert kinks is not None
        kink, low, high = kinks
        return 0.5 * (low + high), max(float(np.mean(np.abs(margins - kink))), 1e-12)

    def prefix(self, count: int) -> ScalarLink:
        """The first ``count`` losses."""
        return ScalarLink(self.scalar, self.targets[:count])


class SmoothedLink(Link):
    """Losses with one kink, smoothed around multipliers ``alpha``:

        max over a in [low, high] of  a (p - kink) - (width / 2) (a - alpha)^2.

    A slope of the smoothed loss lies in the range of the original loss's conjugate, so it is a valid dual. With
    ``alpha`` at the optimal dual the minimizer is that of the original loss for any width (method of multipliers).
    """

    def __init__(self, kinks: tuple[Array, Array, Array], width: float, alpha: Array) -> None:
        self._kink, self._low, self._high = kinks
        self._width = width
        self._alpha = alpha

    def evaluate(self, margins: Array) -> tuple[Array, Array]:
        """Smoothed losses, and the a that attains the maximum."""
        excess = margins - self._kink
        slopes = np.clip(excess / self._width + self._alpha, self._low, self._high)
        return slopes * excess - 0.5 * self._width * (slopes - self._alpha) ** 2, slopes

    def curvature(self, margins: Array) -> Array:
        """``1 / width`` where the slope lies strictly inside its range, else 0."""
        free = (margins - self._kink) / self._width + self._alpha
        return np.where((free > self._low) & (free < self._high), 1.0 / self._width, 0.0)

    def conjugate(self, slopes: Array) -> Array:
        """``a kink + (width / 2) (a - alpha)^2`` in range."""
        inside = (slopes >= self._low) & (slopes <= self._high)
        return np.where(inside, slopes * self._kink + 0.5 * self._width * (slopes - self._alpha) ** 2, np.inf)

    def clip(self, slopes: Array) -> Array:
        """Slopes in the dual range."""
        return np.clip(slopes, self._low, self._high)

    def prefix(self, count: int) -> SmoothedLink:
        """The first ``count`` losses."""
        kinks = (self._kink[:count], self._low[:count], self._high[:count])
        return SmoothedLink(kinks, self._width, self._alpha[:count])


@dataclass
class Objective(ABC):
    """``F(x) = sum_i phi_i(<a_i, x>)`` of flat points; a subclass defines how margins are computed from the rows."""

    link: Link
    rows: RowMatrix

    @property
    @abstractmethod
    def shape(self) -> Shape:
        """Shape of a point."""

    @property
    @abstractmethod
    def hessian_cost(self) -> float:
        """Multiplications of one formed Hessian."""

    @abstractmethod
    def margins(self, point: Array) -> Array:
        """``A point``."""

    @abstractmethod
    def margin_sizes(self, sizes: Array) -> Array:
        """``|A| sizes``, the error of the margins if the entries of a point have errors ``sizes``."""

    @abstractmethod
    def gradient(self, slopes: Array) -> Array:
        """``A' slopes``."""

    @abstractmethod
    def pull(self, slopes: Array, fine: bool) -> tuple[Array, Array]:
        """`gradient`, and an error bound for each entry; see `RowMatrix.pull`."""

    @abstractmethod
    def hessian(self, margins: Array, form: bool) -> Hessian:
        """The Hessian at a point with these margins; d x d where ``form``."""

    @abstractmethod
    def extended(self, hessian: Hessian, margins: Array) -> Hessian:
        """A formed Hessian of a prefix plus the terms of the later rounds at a point with these margins."""

    @abstractmethod
    def preconditioner(self, hessian: Hessian) -> Preconditioner:
        """Blocks on the diagonal of a Hessian with these curvatures, or its diagonal in many dimensions."""

    @abstractmethod
    def linearized_slopes(self, hessian: Hessian, slopes: Array, change: Array) -> Array:
        """Slopes after the margins move by ``change``, to first order, with the curvature of ``hessian``."""

    @abstractmethod
    def prefix(self, count: int) -> Objective:
        """The sum of the first ``count`` losses."""
