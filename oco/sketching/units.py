"""The unit in which a sketch measures: a power of two that follows the size of the gradients."""

from __future__ import annotations

import numpy as np

from oco.compile import kernel, part_of_kernel
from oco.lanes import WIDTH, load, spread, store, total
from oco.sketching.numerics import LEAST, OUTGROWN, VANISHING, power_of_two
from oco.sketching.records import Sketch
from oco.types import Array


@kernel
def scale_into(out: Array, gradient: Array, factor: float) -> float:
    """``out = factor gradient``; its squared norm."""
    square = spread(0.0)
    for j in range(0, gradient.size, WIDTH):
        scaled = factor * load(gradient, j)
        store(out, j, scaled)
        square += scaled * scaled
    return total(square)


@kernel
def set_unit(size: float, sketch: Sketch) -> None:
    """Measure in the power of two just below ``size`` from now on; eigenvalues that vanish in it are dropped."""
    head, values = sketch.header[0], sketch.values
    unit = power_of_two(size)
    shrunk = (head.unit / unit) ** 2
    for i in range(values.size):
        values[i] *= shrunk
    while head.rank > 0.0 and values[int(head.rank) - 1] < LEAST:
        head.rank -= 1.0
        values[int(head.rank)] = 0.0
    head.escaped *= shrunk
    head.escaped_roots *= head.unit / unit
    head.unit = unit


@part_of_kernel
def take_in_units(out: Array, gradient: Array, slope: float, weight: float, sketch: Sketch) -> float:
    """``out = slope weight gradient`` in the sketch's unit; its squared norm, NaN where not finite.

    Where the gradient has outgrown the unit, or is the first one, the unit and all that is measured in it change.
    """
    head = sketch.header[0]
    unit = head.unit
    if unit > 0.0:
        square = scale_into(out, gradient, slope * weight / unit)
        if square <= OUTGROWN * OUTGROWN:
            return square if square > VANISHING * VANISHING else 0.0
    largest = 0.0
    for j in range(gradient.size):
        size = abs(slope * gradient[j])
        if not size <= largest:
            largest = size
            if not np.isfinite(size):
                return np.nan
    largest *= weight
    if largest == 0.0:
        return 0.0
    if not np.isfinite(largest):
        return np.nan
    set_unit(largest, sketch)
    return scale_into(out, gradient, slope * (weight / head.unit))


@part_of_kernel
def fade(sketch: Sketch, decay: float) -> None:
    """Weigh the past: eigenvalues and escaped mass are multiplied by ``decay``."""
    if decay != 1.0:
        sketch.header[0].escaped *= decay
        for i in range(sketch.values.size):
            sketch.values[i] *= decay
