"""Grafting: the diagonal method whose step length a preconditioned direction takes over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from oco.torch.stacks import columns, joined, stacked

GRAFTS = ("factored", "adam", "rmsprop", "sqrt_n", "sgd", "none")


def graft_state(graft: str, shape: Sequence[int], *, dtype: torch.dtype, device: torch.device) -> dict[str, Tensor]:
    """Return zero accumulators: one per axis entry (``factored``), one per entry (``adam``, ``rmsprop``), or none."""
    if graft == "factored":
        return {f"graft_{axis}": torch.zeros(dim, dtype=dtype, device=device) for axis, dim in enumerate(shape)}
    if graft in ("adam", "rmsprop"):
        return {"graft": torch.zeros(tuple(shape), dtype=dtype, device=device)}
    return {}


def graft_steps(
    gradients: Sequence[Tensor], states: Sequence[Sequence[dict[str, Tensor]]], group: dict[str, Any], step: float
) -> list[Tensor]:
    """Update the accumulators in place and return the grafted method's own steps, in the shape of the gradients.

    Parameters
    ----------
    gradients : sequence of Tensor
        Stacks (B, d_1, ..., d_w), all with w axes; not modified.
    states : sequence of sequences of dict
        The states of the parameters in each stack, with the entries of :func:`graft_state`.
    group : dict
        The options ``graft``, ``graft_eps``, ``betas`` and ``bias_correction``.
    step : float
        The count of this step.

    Notes
    -----
    ======== ==========================================================================================================
    factored ``G / (sqrt(v) + eps)``, v = mean * prod_i (r_i / mean), r_i the averaged means of G^2 over all axes but i
    adam     ``G / (sqrt(v) + eps)``, v the exponential average of G^2
    rmsprop  ``G / sqrt(v + eps)``
    sqrt_n   ``sign(G)``
    sgd      ``G``; none: the same, used only where nothing is preconditioned
    ======== ==========================================================================================================

    ``v`` is divided by ``1 - beta2^step`` unless ``bias_correction`` is off: without it the first step is
    ``1 / sqrt(1 - beta2)`` (32 times for 0.999) too long. For a matrix ``factored`` is the second moment of Shazeer and
    Stern, "Adafactor", 2018, eq. 4; for a vector it equals ``adam``. With ``graft_eps=0`` an entry whose second moment
    is zero in its precision does not move.
    """
    graft, beta2, eps = group["graft"], group["betas"][1], group["graft_eps"]
    if graft == "sqrt_n":
        return list(torch._foreach_sign(list(gradients)))
    if graft in ("sgd", "none"):
        return list(gradients)
    new = 1.0 - beta2 if beta2 < 1.0 else 1.0
    correction = 1.0 - beta2**step if group["bias_correction"] and beta2 < 1.0 else 1.0
    if graft == "factored":
        divisors = _factored_roots(gradients, states, beta2, new, correction)
    else:
        seconds = [state["graft"] for stack in states for state in stack]
        rows = [row for stack in gradients for row in stack.unbind()]
        torch._foreach_mul_(seconds, beta2)
        torch._foreach_addcmul_(seconds, rows, rows, value=new)
        stacks = [stacked([state["graft"] for state in stack]) for stack in states]
        divisors = list(torch._foreach_div(stacks, correction))
    if graft == "adam":
        torch._foreach_sqrt_(divisors)
    torch._foreach_add_(divisors, eps)
    if eps == 0.0:  # entries whose second moment is zero stand still where there is no eps to divide by
        for divisor in divisors:
            divisor.masked_fill_(divisor == 0.0, torch.inf)
    if graft == "rmsprop":
        torch._foreach_sqrt_(divisors)
    return list(torch._foreach_div(list(gradients), divisors))


def _factored_roots(
    gradients: Sequence[Tensor],
    states: Sequence[Sequence[dict[str, Tensor]]],
    beta2: float,
    new: float,
    correction: float,
) -> list[Tensor]:
    """Roots of the rank-one models of the second moments; rooted factors keep every product inside float32."""
    order = gradients[0].ndim - 1
    squares = list(torch._foreach_mul(list(gradients), list(gradients)))
    roots: list[Tensor] = []
    for axis in range(order):
        others = [i + 1 for i in range(order) if i != axis]
        fresh = [square.mean(others) for square in squares] if others else squares
        own = [state[f"graft_{axis}"] for stack in states for state in stack]
        torch._foreach_mul_(own, beta2)
        torch._foreach_add_(own, [row for stack in fresh for row in stack.unbind()], alpha=new)
        means = [stacked([state[f"graft_{axis}"] for state in stack]) for stack in states]
        if axis == 0:
            factors = torch._foreach_div(means, correction)
        else:
            average = joined([stack.mean(1) for stack in means])
            safe = torch.where(average > 0, average, 1.0)
            factors = torch._foreach_div(means, columns(safe, [len(stack) for stack in states]))
        torch._foreach_sqrt_(factors)
        shaped = [factor.view(len(factor), *[-1 if i == axis else 1 for i in range(order)]) for factor in factors]
        roots = list(torch._foreach_mul(roots, shaped)) if roots else shaped
    return roots
