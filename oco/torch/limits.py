"""How long a gradient may be: within the range in which its squares are finite, and not far above earlier ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from oco.torch.sketch import power_of_two

# A gradient longer than this many times the running root mean square of the lengths before it is shortened to that.
LONGEST_JUMP = 1000.0


class Scaled(NamedTuple):
    """A batch of gradients (B, ...) to use, the same with entries of at most 1, and (B,) ratios and running norms."""

    gradients: Tensor
    direction: Tensor
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


def along(values: Tensor, like: Tensor) -> Tensor:
    """Shape (B,) values so that they multiply a batch (B, ...)."""
    return values.view(-1, *[1] * (like.ndim - 1))


def limited(gradients: Tensor, norms: Tensor, step: float, group: dict[str, Any]) -> Scaled:
    """Replace gradients that are not finite by zero and shorten those that are too long.

    With ``n_s`` the norms of the gradients used at steps s < t and ``r^2`` their average, exponential with beta2 and
    divided by ``1 - beta2^(t-1)`` (beta2 = 1: their mean), a gradient longer than ``min(largest_norm, 1000 r)`` is
    multiplied by a number that makes it as long as that. While r is zero only :func:`largest_norm` counts.

    ``norms`` (B,) holds the root of the undivided average; the new one is ``Scaled.norms``. A gradient within the limit
    is used bit for bit, and powers of two scale ``direction`` without rounding.
    """
    beta2 = group["betas"][1]
    flat = gradients.flatten(1)
    peak = torch.maximum(flat.amax(1), -flat.amin(1))
    finite = torch.isfinite(peak)
    peak = torch.where(finite, peak, 0.0)
    used = torch.where(along(finite, gradients), gradients, 0.0)
    scale = power_of_two(peak)
    direction = used * along(scale.reciprocal(), used)
    # Lengths in units of `scale` and all that follows in float64: none of it leaves the range.
    length = torch.linalg.vector_norm(direction.flatten(1), dim=1).double()
    unit, past = scale.double(), norms.double()
    summed = beta2 == 1.0 or group["statistics"] == "sum"
    earlier = step - 1.0 if beta2 == 1.0 else 1.0 - beta2 ** (step - 1.0)
    jump = torch.where(past > 0.0, past * (LONGEST_JUMP / max(earlier, 1e-300) ** 0.5), torch.inf)
    longest = jump.clamp(max=largest_norm(gradients.dtype, summed)) / unit
    factor = (longest / length).clamp(max=1.0)
    ratio = unit * factor
    new = 1.0 - beta2 if beta2 < 1.0 else 1.0
    fresh = torch.hypot(past * beta2**0.5, length * ratio * new**0.5)
    used.mul_(along(factor.to(used.dtype), used))
    return Scaled(used, direction, ratio, finite, fresh.to(norms.dtype))
