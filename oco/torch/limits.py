"""The limit on the norm of a gradient: its squares must be finite, and it may not be far above earlier norms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from oco.torch.sketch import power_of_two
from oco.torch.stacks import columns, joined

# A gradient is scaled down to this many times the running root mean square of the earlier norms if it is longer.
LONGEST_JUMP = 1000.0


class Scaled(NamedTuple):
    """Stacks of gradients (B, n) to use, the same with entries of at most 1; ratios, running norms over all rows."""

    gradients: list[Tensor]
    directions: list[Tensor]
    scale: Tensor
    finite: Tensor
    norms: Tensor


def largest_norm(dtype: torch.dtype, summed: bool) -> float:
    """Return the largest norm that a gradient keeps: its squares, averaged or summed, stay in the range of ``dtype``.

    It is 2^63 for averages in float32 and 2^511 in float64; 2^48 and 2^480 for sums, which leaves room for 2^31 steps.
    """
    if dtype == torch.float64:
        return 2.0**480 if summed else 2.0**511
    return 2.0**48 if summed else 2.0**63


def limited(gradients: Sequence[Tensor], norms: Tensor, step: float, beta2: float, summed: bool) -> Scaled:
    """Replace gradients that are not finite by zero and scale down those whose norm is above the limit.

    With ``n_s`` the norms of the gradients used at steps s < t and ``r^2`` their average, exponential with beta2 and
    divided by ``1 - beta2^(t-1)`` (beta2 = 1: their mean), a gradient longer than ``min(largest_norm, 1000 r)`` is
    scaled down to that norm. While r is zero the limit is :func:`largest_norm`.

    Parameters
    ----------
    gradients : sequence of Tensor
        Stacks (B, n), one gradient a row; not modified.
    norms : Tensor
        Roots of the undivided averages, one for each row of all stacks; ``Scaled.norms`` has the new ones.
    step, beta2 : float
        The count t of this step, and the decay of the averages.
    summed : bool
        Whether squares are summed later on.

    Returns
    -------
    Scaled
        A gradient within the limit is used bit for bit, and powers of two scale its direction without rounding.
    """
    rows = [len(stack) for stack in gradients]
    peak = torch.maximum(
        joined([stack.amax(1) for stack in gradients]), -joined([stack.amin(1) for stack in gradients])
    )
    finite = torch.isfinite(peak)
    scale = power_of_two(torch.where(finite, peak, 0.0))
    # Rows to be left out are multiplied by zero once their entries are finite, which is faster than torch.where.
    used = [torch.nan_to_num(stack, 0.0, 0.0, 0.0) for stack in gradients]
    directions = list(torch._foreach_mul(used, columns(torch.where(finite, scale.reciprocal(), 0.0), rows)))
    # Norms in units of `scale`, and all that follows, are float64, so nothing overflows.
    length = joined([torch.linalg.vector_norm(stack, dim=1) for stack in directions]).double()
    unit, past = scale.double(), norms.double()
    earlier = step - 1.0 if beta2 == 1.0 else 1.0 - beta2 ** (step - 1.0)
    jump = torch.where(past > 0.0, past * (LONGEST_JUMP / max(earlier, 1e-300) ** 0.5), torch.inf)
    longest = jump.clamp(max=largest_norm(peak.dtype, summed)) / unit
    factor = (longest / length).clamp(max=1.0)
    ratio = unit * factor
    new = 1.0 - beta2 if beta2 < 1.0 else 1.0
    fresh = torch.hypot(past * beta2**0.5, length * ratio * new**0.5)
    torch._foreach_mul_(used, columns(torch.where(finite, factor, 0.0).to(peak.dtype), rows))
    return Scaled(used, directions, ratio, finite, fresh.to(norms.dtype))
