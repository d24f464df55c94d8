"""Grafting: the diagonal method whose step length a preconditioned direction takes over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

GRAFTS = ("factored", "adam", "rmsprop", "sqrt_n", "sgd", "none")


def graft_state(graft: str, shape: Sequence[int], *, dtype: torch.dtype, device: torch.device) -> dict[str, Tensor]:
    """Return zero accumulators: one per axis entry (``factored``), one per entry (``adam``, ``rmsprop``), or none."""
    if graft == "factored":
        return {f"graft_{axis}": torch.zeros(dim, dtype=dtype, device=device) for axis, dim in enumerate(shape)}
    if graft in ("adam", "rmsprop"):
        return {"graft": torch.zeros(tuple(shape), dtype=dtype, device=device)}
    return {}


def graft_step(gradient: Tensor, state: dict[str, Tensor], group: dict[str, Any], step: float) -> Tensor:
    """Update the accumulators in place and return the grafted method's own step, of the gradient's (merged) shape.

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
        return gradient.sign()
    if graft in ("sgd", "none"):
        return gradient
    new = 1.0 - beta2 if beta2 < 1.0 else 1.0
    correction = 1.0 - beta2**step if group["bias_correction"] and beta2 < 1.0 else 1.0
    if graft == "factored":
        root = _factored_root(gradient, state, beta2, new, correction)
        return gradient / _divisor(root.add_(eps), eps)
    second: Tensor = state["graft"].mul_(beta2).addcmul_(gradient, gradient, value=new)
    if graft == "adam":
        return gradient / _divisor((second / correction).sqrt_().add_(eps), eps)
    return gradient * _divisor((second / correction).add_(eps), eps).rsqrt_()


def _divisor(positive: Tensor, eps: float) -> Tensor:
    """Let entries whose second moment is zero stand still where there is no eps to divide by."""
    return positive if eps > 0.0 else positive.masked_fill_(positive == 0.0, torch.inf)


def _factored_root(gradient: Tensor, state: dict[str, Tensor], beta2: float, new: float, correction: float) -> Tensor:
    """Root of the rank-one model of the second moment; factors are rooted apart so that no product leaves float32."""
    order = gradient.ndim
    square = gradient.square()
    root: Tensor | None = None
    for axis in range(order):
        others = [i for i in range(order) if i != axis]
        means = state[f"graft_{axis}"].mul_(beta2).add_(square.mean(others) if others else square, alpha=new)
        factor = (means / correction).sqrt_()
        if axis > 0:
            average = means.mean()
            factor = (means / torch.where(average > 0, average, 1.0)).sqrt_()
        factor = factor.view([-1 if i == axis else 1 for i in range(order)])
        root = factor if root is None else root * factor
    assert root is not None
    return root
