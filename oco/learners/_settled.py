"""What became of a round, as compiled rounds tell Python, so that it has to look at the point only where it must."""

from __future__ import annotations

from oco.compile import part_of_kernel
from oco.sketching.passes import square_norm
from oco.types import Array

FEASIBLE = 1e-9
"""How far outside its ball, relative to the radius, a point may be."""

REFUSED, PLAYED, SETTLED = range(3)
"""What became of a round: nothing, as its gradient cannot be taken; a point; a point that is in its ball and finite."""


@part_of_kernel
def outcome_of(point: Array, radius: float) -> int:
    """`SETTLED` where ``point`` surely is finite and in its ball, else `PLAYED`."""
    reach = radius * (1.0 + FEASIBLE)
    return SETTLED if square_norm(point) <= min(reach * reach, 1e300) else PLAYED
