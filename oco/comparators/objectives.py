"""Rounds of losses of margins as one objective, and the domain and the tolerance that go with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np

from oco.comparators.by_derivative import DerivativeLink
from oco.comparators.multinomial import MultinomialLink, MultinomialObjective
from oco.comparators.objective import FormedHessian, Hessian, Objective, ScalarLink, WeightedRowsHessian
from oco.comparators.preconditioner import (
    LARGEST_BLOCK,
    BlockPreconditioner,
    DiagonalPreconditioner,
    Preconditioner,
)
from oco.comparators.rows import RowMatrix, read_rounds
from oco.domains.base import Domain
from oco.errors import DomainError, NumericsError
from oco.losses.multinomial import MultinomialBlock
from oco.types import Array, Shape

SMOOTH_TOLERANCE = 1e-6
"""Default relative gap for losses with a second derivative."""
KINKED_TOLERANCE = 1e-4
"""Default relative gap for losses whose derivative jumps, or may jump."""


@dataclass
class RowObjective(Objective):
    """``F(x) = sum_i phi_i(<a_i, x>)`` of flat points ``(d,)``."""

    @property
    def shape(self) -> Shape:
        """Shape of a point."""
        return (self.rows.dimension,)

    @property
    def hessian_cost(self) -> float:
        """Multiplications of one formed Hessian."""
        return self.rows.gram_cost

    def margins(self, point: Array) -> Array:
        """``A point``."""
        return self.rows.product(point)

    def margin_sizes(self, sizes: Array) -> Array:
        """``|A| sizes``, the error of the margins if the entries of a point have errors ``sizes``."""
        return self.rows.size_product(sizes)

    def gradient(self, slopes: Array) -> Array:
        """``A' slopes``."""
        return self.rows.transposed_product(slopes)

    def pull(self, slopes: Array, fine: bool) -> tuple[Array, Array]:
        """`gradient`, and an error bound for each entry; see `RowMatrix.pull`."""
        return self.rows.pull(slopes, fine)

    def hessian(self, margins: Array, form: bool) -> Hessian:
        """The Hessian at a point with these margins; d x d where ``form``."""
        curvature = self.link.curvature(margins)
        if not form:
            return WeightedRowsHessian(self.rows, curvature)
        return FormedHessian(self.rows.gram(curvature), curvature)

    def extended(self, hessian: Hessian, margins: Array) -> Hessian:
        """A formed Hessian of a prefix plus the terms of the later rounds at a point with these margins."""
        known = hessian.curvature.size
        if known == self.rows.count or hessian.matrix is None:
            return hessian
        added = self.link.curvature(margins)
        added[:known] = 0.0
        matrix = self.rows.gram(added) + hessian.matrix
        added[:known] = hessian.curvature
        return FormedHessian(matrix, added)

    def preconditioner(self, hessian: Hessian) -> Preconditioner:
        """The Hessian itself up to d = 4096, else its diagonal."""
        if self.rows.dimension > LARGEST_BLOCK:
            return DiagonalPreconditioner(self.rows.square_sums(hessian.weights))
        return BlockPreconditioner([self.rows.gram(hessian.weights)])

    def linearized_slopes(self, hessian: Hessian, slopes: Array, change: Array) -> Array:
        """Slopes after the margins move by ``change``, to first order, with the curvature of ``hessian``."""
        return slopes + hessian.curvature * change

    def prefix(self, count: int) -> RowObjective:
        """The sum of the first ``count`` losses."""
        return RowObjective(self.link.prefix(count), self.rows.prefix(count))


@singledispatch
def objective_of(losses: Any, count: int) -> Objective:
    """The sum of the first ``count`` losses of a block, or of a stream of blocks, of rows."""
    scalar, rows, targets = read_rounds(losses, count)
    _require_finite(rows, targets)
    link = ScalarLink if scalar.has_conjugate else DerivativeLink
    return RowObjective(link(scalar, np.ascontiguousarray(targets, dtype=np.float64)), rows)


@objective_of.register
def _(losses: MultinomialBlock, count: int) -> Objective:
    rows = RowMatrix(losses.rows, len(losses), losses.rows.shape[1]).prefix(count)
    one_hot: Array = np.zeros((count, losses.n_classes))
    one_hot[np.arange(count), losses.labels[:count]] = 1.0
    _require_finite(rows, one_hot)
    return MultinomialObjective(MultinomialLink(one_hot), rows, losses.n_classes)


def _require_finite(rows: RowMatrix, targets: Array) -> None:
    if not (math.isfinite(rows.length) and np.isfinite(targets).all()):
        raise NumericsError("no comparator: a row or a target is not finite, or too large to be squared")


def placed(domain: Domain, objective: Objective) -> Domain:
    """The domain with the objective's shape; unchanged if it has that size already (matrices are flattened by rows)."""
    try:
        fits = domain.dimension == math.prod(objective.shape)
    except DomainError:
        fits = False
    return domain if fits else domain.with_shape(objective.shape)


def default_tolerance(objective: Objective) -> float:
    """The relative gap that counts as tight by default."""
    if objective.link.kinks() is not None or isinstance(objective.link, DerivativeLink):
        return KINKED_TOLERANCE
    return SMOOTH_TOLERANCE
