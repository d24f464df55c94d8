"""Rounds of losses of margins as one objective, and the domain and the tolerance that go with it."""

from __future__ import annotations

import math
from functools import singledispatch
from typing import Any

import numpy as np

from oco.comparators.multinomial import MultinomialLink, MultinomialObjective
from oco.comparators.objective import Objective, ScalarLink
from oco.comparators.rows import RowMatrix, read_rounds
from oco.domains.base import Domain
from oco.errors import DomainError, NumericsError
from oco.losses.multinomial import MultinomialBlock
from oco.types import Array

SMOOTH_TOLERANCE = 1e-6
"""Default relative gap for losses with a second derivative."""
KINKED_TOLERANCE = 1e-4
"""Default relative gap for losses whose derivative jumps."""


@singledispatch
def objective_of(losses: Any, count: int) -> Objective:
    """The sum of the first ``count`` losses of a block, or of a stream of blocks, of rows."""
    scalar, rows, targets = read_rounds(losses, count)
    _require_finite(rows, targets)
    return Objective(ScalarLink(scalar, np.ascontiguousarray(targets, dtype=np.float64)), rows)


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
    """The domain with the objective's shape, unless its decisions have that size: matrices are taken row by row."""
    try:
        fits = domain.dimension == math.prod(objective.shape)
    except DomainError:
        fits = False
    return domain if fits else domain.with_shape(objective.shape)


def default_tolerance(objective: Objective) -> float:
    """The relative gap that counts as tight where none was asked for."""
    return KINKED_TOLERANCE if objective.link.kinks() is not None else SMOOTH_TOLERANCE
