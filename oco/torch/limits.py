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
SHORT_SUM = 1 << 16


class Scaled(NamedTuple):
    """Gradients as used, without their lengths: stacks of directions (B, d_1, ...) with entries of at most 1.

    A gradient is ``scale`` times its direction; ``scale``, ``finite``, ``lengths`` and ``norms`` are over all rows:
    factors and norms of the gradients in float64, whether they were finite, the running norms.
    """

    directions: list[Tensor]
    scale: Tensor
    finite: Tensor
    lengths: Tensor
    norms: Tensor

    def gradients(self) -> list[Tensor]:
        """Return the gradients in new tensors."""
        return list(torch._foreach_mul(self.directions, self.factors()))

    def factors(self) -> tuple[Tensor, ...]:
        """Return ``scale`` for each stack, in a shape (B, 1, ...) that multiplies it."""
        scale = self.scale.to(self.directions[0].dtype)
        return columns(scale, [len(stack) for stack in self.directions], self.directions[0].ndim)


def largest_norm(dtype: torch.dtype, summed: bool) -> float:
    """Return the largest norm that a gradient keeps: its squares, averaged or summed, stay in the range of ``dtype``.

    It is 2^63 for averages in float32 and 2^511 in float64; 2^48 and 2^480 for sums, which leaves room for 2^31 steps.
    """
    if dtype == torch.float64:
        return 2.0**480 if summed else 2.0**511
    return 2.0**48 if summed else 2.0**63


def limited(
    gradients: Sequence[Tensor],
    norms: Tensor,
    step: float,
    beta2: float,
    summed: bool,
    *,
    owned: Sequence[bool] | None = None,
    sign: float = 1.0,
) -> Scaled:
    """Replace gradients that are not finite by zero and scale down those whose norm is above the limit.

    With ``n_s`` the norms of the gradients used at steps s < t and ``r^2`` their average, exponential with beta2 and
    divided by ``1 - beta2^(t-1)`` (beta2 = 1: their mean), a gradient longer than ``min(largest_norm, 1000 r)`` is
    scaled down to that norm. While r is zero the limit is :func:`largest_norm`.

    Parameters
    ----------
    gradients : sequence of Tensor
        Stacks (B, d_1, ...), one gradient a row.
    norms : Tensor
        Roots of the undivided averages, one for each row of all stacks; ``Scaled.norms`` has the new ones.
    step, beta2 : float
        The count t of this step, and the decay of the averages.
    summed : bool
        Whether squares are summed later on.
    owned : sequence of bool, optional
        Which stacks may be overwritten; none by default.
    sign : float
        1, or -1 for gradients to be turned round.

    Returns
    -------
    Scaled
        Powers of two scale a direction, so a gradient within the limit is used bit for bit (entries 2^126 times smaller
        than its largest one excepted).
    """
    rows, order = [len(stack) for stack in gradients], gradients[0].ndim - 1
    flat = [stack.flatten(1) for stack in gradients]
    peak = torch.maximum(joined([stack.amax(1) for stack in flat]), -joined([stack.amin(1) for stack in flat]))
    finite = peak <= torch.finfo(peak.dtype).max
    scale = power_of_two(torch.where(finite, peak, 0.0))
    # A row that is not finite is multiplied by zero, which leaves zeros and NaN.
    factors = columns(torch.where(finite, sign / scale, 0.0), rows, order + 1)
    directions = [
        stack.mul_(factor) if own else stack * factor
        for stack, factor, own in zip(gradients, factors, owned or [False] * len(rows), strict=True)
    ]
    for stack in directions:
        torch.nan_to_num_(stack, 0.0, 0.0, 0.0)
    # Norms in units of `scale`, and all that follows, are float64, so nothing overflows.
    length = joined([_norms(stack) for stack in directions]).double()
    unit, past = scale.double(), norms.double()
    earlier = step - 1.0 if beta2 == 1.0 else 1.0 - beta2 ** (step - 1.0)
    jump = torch.where(past > 0.0, past * (LONGEST_JUMP / max(earlier, 1e-300) ** 0.5), torch.inf)
    longest = jump.clamp(max=largest_norm(peak.dtype, summed)) / unit
    ratio = unit * (longest / length).clamp(max=1.0)
    lengths = length * ratio
    fresh = torch.hypot(past * beta2**0.5, lengths * (1.0 - beta2 if beta2 < 1.0 else 1.0) ** 0.5)
    return Scaled(directions, ratio, finite, lengths, fresh.to(norms.dtype))


def _norms(stack: Tensor) -> Tensor:
    """Norms of rows; in two sums, the second in float64, where one long sum of float32 loses digits."""
    if stack.ndim == 2 or stack[0].numel() <= SHORT_SUM:
        short: Tensor = torch.linalg.vector_norm(stack.flatten(1), dim=1)
        return short
    lines: Tensor = torch.linalg.vector_norm(stack, dim=-1).double()
    total: Tensor = torch.linalg.vector_norm(lines.flatten(1), dim=1)
    return total
