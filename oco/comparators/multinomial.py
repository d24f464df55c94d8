"""Cumulative multinomial logistic losses of a decision matrix, for the same solver as losses of one margin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, xlogy

from oco.comparators.objective import FormedHessian, Hessian, Link, Objective
from oco.comparators.preconditioner import (
    LARGEST_BLOCK,
    BlockPreconditioner,
    DiagonalPreconditioner,
    Preconditioner,
)
from oco.comparators.rows import RowMatrix
from oco.types import Array, Shape

_UNIT = float(np.finfo(np.float64).eps)


class MultinomialLink(Link):
    """``phi_i(p) = log sum_c exp(p_c) - p_{y_i}`` for margins ``(n, n_classes)``.

    With ``b = a + e_y`` the conjugate is the negative entropy ``sum_c b_c log b_c`` for b in the simplex.
    """

    def __init__(self, one_hot: Array) -> None:
        self._one_hot = one_hot

    @property
    def labeled(self) -> Array:
        """Whether a class is the label of a round, ``(n, n_classes)``."""
        labeled: Array = self._one_hot == 1.0
        return labeled

    def evaluate(self, margins: Array) -> tuple[Array, Array]:
        """Losses ``(n,)`` and softmax minus one-hot labels."""
        normalizer = np.asarray(logsumexp(margins, axis=1))
        values = normalizer - np.einsum("ic,ic->i", margins, self._one_hot)
        return values, np.exp(margins - normalizer[:, None]) - self._one_hot

    def curvature(self, margins: Array) -> Array:
        """Softmax p; the second derivative of a round is ``diag(p) - p p'``."""
        probabilities: Array = np.exp(margins - np.asarray(logsumexp(margins, axis=1))[:, None])
        return probabilities

    def conjugate(self, slopes: Array) -> Array:
        """Negative entropy; infinite off the simplex."""
        weights = slopes + self._one_hot
        inside = (weights.min(axis=1) >= 0.0) & (np.abs(weights.sum(axis=1) - 1.0) <= 1e-13 * weights.shape[1])
        negative_entropy = np.asarray(xlogy(np.maximum(weights, 0.0), np.maximum(weights, 0.0))).sum(axis=1)
        return np.where(inside, negative_entropy, np.inf)

    def worst(self, margins: Array, errors: Array) -> tuple[float, float]:
        """The logarithm and the label's margin, which may cancel, each have an error of at most ``errors``."""
        values = self.evaluate(margins)[0] + 2.0 * errors.max(axis=1)
        return float(values.sum()), float(np.abs(values).sum() + np.abs(margins).max(axis=1).sum() + len(values))

    def conjugate_sizes(self, slopes: Array, conjugates: Array) -> float:
        """Sizes of the terms; the error of a weight near one is a unit in the last place of one."""
        return super().conjugate_sizes(slopes, conjugates) + len(conjugates)

    def clip(self, slopes: Array) -> Array:
        """Slopes whose sum with the one-hot labels lies in the simplex."""
        weights = np.maximum(slopes + self._one_hot, 0.0)
        weights /= weights.sum(axis=1, keepdims=True)
        return weights - self._one_hot

    def recedes(self, change: Array, slack: float) -> bool:
        """Whether the label's margin never falls behind any other, and gains on at least one."""
        own = np.einsum("ic,ic->i", change, self._one_hot)
        rise = (own[:, None] - change)[self._one_hot == 0.0]
        largest = float(rise.max(initial=0.0))
        return largest > 0.5 and float(rise.min(initial=0.0)) >= -slack * largest

    def prefix(self, count: int) -> MultinomialLink:
        """The first ``count`` losses."""
        return MultinomialLink(self._one_hot[:count])


@dataclass
class MultinomialHessian(Hessian):
    """``V -> sum_i (diag(p_i) - p_i p_i') V a_i a_i'`` for flat matrices V, never formed."""

    rows: RowMatrix
    curvature: Array

    def __post_init__(self) -> None:
        self.weights = self.curvature * (1.0 - self.curvature)

    def apply(self, vector: Array) -> Array:
        """Two passes over the rows."""
        classes = self.curvature.shape[1]
        change = self.rows.product(np.ascontiguousarray(vector.reshape(classes, -1).T))
        return np.ravel(self.rows.transposed_product(_second_derivative(self.curvature, change)).T)


@dataclass
class MultinomialObjective(Objective):
    """``F(W) = sum_i phi_i(W a_i)`` of flat matrices ``(n_classes d,)``."""

    n_classes: int

    @property
    def shape(self) -> Shape:
        """``(n_classes, d)``."""
        return self.n_classes, self.rows.dimension

    @property
    def hessian_cost(self) -> float:
        """Multiplications of one formed Hessian."""
        return 0.5 * self.n_classes**2 * self.rows.gram_cost

    def margins(self, point: Array) -> Array:
        """``A W'``, ``(n, n_classes)``."""
        return self.rows.product(np.ascontiguousarray(point.reshape(self.shape).T))

    def margin_sizes(self, sizes: Array) -> Array:
        """``|A| sizes'``."""
        return self.rows.size_product(np.ascontiguousarray(sizes.reshape(self.shape).T))

    def gradient(self, slopes: Array) -> Array:
        """``slopes' A``, flat."""
        return np.ravel(self.rows.transposed_product(slopes).T)

    def pull(self, slopes: Array, fine: bool) -> tuple[Array, Array]:
        """`gradient`, and an error bound for each entry.

        The slopes of a round sum to zero only up to rounding. The residual is attributed to the label.
        """
        pull, error = self.rows.pull(slopes, fine)
        missed = np.abs(slopes.sum(axis=1)) + (slopes.shape[1] + 2) * _UNIT * np.abs(slopes).sum(axis=1)
        error = error + self.rows.size_pull(np.where(self._labeled(), missed[:, None], 0.0))
        return np.ravel(pull.T), np.ravel(error.T)

    def _labeled(self) -> Array:
        assert isinstance(self.link, MultinomialLink)
        return self.link.labeled

    def hessian(self, margins: Array, form: bool) -> Hessian:
        """The Hessian at a point with these margins; a square array where ``form``."""
        probabilities = self.link.curvature(margins)
        if not form:
            return MultinomialHessian(self.rows, probabilities)
        classes, features = self.shape
        blocks: Array = np.empty((classes, features, classes, features))
        for first in range(classes):
            own = self.rows.gram(probabilities[:, first])
            for second in range(first + 1):
                shared = self.rows.gram(probabilities[:, first] * probabilities[:, second])
                blocks[first, :, second] = own - shared if first == second else -shared
                blocks[second, :, first] = blocks[first, :, second]
        return FormedHessian(blocks.reshape(classes * features, -1), probabilities)

    def extended(self, hessian: Hessian, margins: Array) -> Hessian:
        """A new Hessian, because adding rounds to an older one would save little."""
        return self.hessian(margins, hessian.matrix is not None)

    def preconditioner(self, hessian: Hessian) -> Preconditioner:
        """The blocks of the classes, up to 4096 features, else the diagonal; equal changes of all classes are free."""
        weights = hessian.weights
        if self.rows.dimension > LARGEST_BLOCK:
            diagonal = np.concatenate([self.rows.square_sums(own) for own in weights.T])
            return DiagonalPreconditioner(diagonal, self.n_classes, shared=True)
        return BlockPreconditioner([self.rows.gram(own) for own in weights.T], shared=True)

    def linearized_slopes(self, hessian: Hessian, slopes: Array, change: Array) -> Array:
        """Slopes after the margins move by ``change``, to first order."""
        return slopes + _second_derivative(hessian.curvature, change)

    def prefix(self, count: int) -> MultinomialObjective:
        """The sum of the first ``count`` losses."""
        return MultinomialObjective(self.link.prefix(count), self.rows.prefix(count), self.n_classes)


def _second_derivative(probabilities: Array, change: Array) -> Array:
    weighted = probabilities * change
    second: Array = weighted - probabilities * weighted.sum(axis=1, keepdims=True)
    return second
