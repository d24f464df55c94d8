"""Where labels in a column stand: as near to what they name as they can without overlap."""

from __future__ import annotations

from collections.abc import Sequence


def spread(centers: Sequence[float], heights: Sequence[float], low: float, high: float) -> list[float]:
    """Bottoms of boxes that keep their order, do not overlap, and are as near to their centers as least squares allow.

    With the heights below it taken off, every bottom is at least the one before: isotonic regression, solved by pooling
    neighbours that are out of order, then cut off at the limits. Boxes that are together too high for the limits reach
    over both ends alike. ``report/assets/spread.js`` is the same function for the page.

    Parameters
    ----------
    centers
        Where the middles of the boxes should be, rising.
    heights
        Of the boxes.
    low, high
        The limits.

    Examples
    --------
    >>> spread([5.0, 5.0], [2.0, 2.0], 0.0, 10.0)
    [3.0, 5.0]
    >>> spread([1.0, 9.5], [2.0, 2.0], 0.0, 10.0)
    [0.0, 8.0]
    """
    below = [sum(heights[:i]) for i in range(len(heights))]
    pools: list[tuple[float, int]] = []
    for center, height, under in zip(centers, heights, below, strict=True):
        total, count = center - height / 2 - under, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            total, count = total + pools[-1][0], count + pools.pop()[1]
        pools.append((total, count))
    first, last = low, high - sum(heights)
    if first > last:
        first = last = (first + last) / 2
    wanted = [total / count for total, count in pools for _ in range(count)]
    return [min(max(at, first), last) + under for at, under in zip(wanted, below, strict=True)]
