"""How a budget of sketch floats is divided over axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from oco.errors import ConfigError


def axis_cost(dim: int, rank: int) -> int:
    """Floats that a sketch of ``rank`` directions of a ``dim``-dimensional axis holds, escaped mass and trace too."""
    return (dim + 1) * rank + 2


def allocate_ranks(dims: Sequence[int], scores: Sequence[float], budget: int) -> list[int]:
    """Return ranks with ``1 <= k_i <= d_i`` and total :func:`axis_cost` within ``budget``, near-proportional to
    ``scores``.

    The common factor t of ``k_i = clip(floor(t * score_i), 1, d_i)`` is the largest that fits (bisection). The rest of
    the budget goes to single directions in the order of falling scores. Equal scores give equal ranks.

    Raises
    ------
    ConfigError
        If the budget is too small for one direction per axis, or a score is negative or not finite.

    Examples
    --------
    >>> allocate_ranks([100, 100], [1.0, 3.0], axis_cost(100, 2) + axis_cost(100, 6))
    [2, 6]
    """
    least = sum(axis_cost(d, 1) for d in dims)
    if budget < least:
        raise ConfigError(
            f"Invalid budget value: {budget} (at least {least} floats are needed for rank 1 on every axis)"
        )
    if not all(math.isfinite(s) and s >= 0.0 for s in scores):
        raise ConfigError(f"Invalid scores: {list(scores)} (finite non-negative numbers are allowed)")

    top = max(scores, default=0.0)
    weights = [s / top if s > 1e-12 * top else 0.0 for s in scores]

    def ranks_at(factor: float) -> list[int]:
        return [max(1, min(d, int(factor * w))) for d, w in zip(dims, weights, strict=True)]

    def cost(ranks: Sequence[int]) -> int:
        return sum(axis_cost(d, k) for d, k in zip(dims, ranks, strict=True))

    low, high = 0.0, max((d / w for d, w in zip(dims, weights, strict=True) if w), default=0.0) * 1.01
    if cost(ranks_at(high)) <= budget:
        low = high
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if cost(ranks_at(middle)) <= budget else (low, middle)
    ranks = ranks_at(low)
    spare = budget - cost(ranks)
    order = sorted(range(len(ranks)), key=lambda i: (-scores[i], i))
    bought = True
    while bought:
        bought = False
        for i in order:
            if ranks[i] < dims[i] and dims[i] + 1 <= spare:
                ranks[i] += 1
                spare -= dims[i] + 1
                bought = True
    return ranks
