"""APOLLO: one scale for each channel, from Adam on a random projection of the gradient."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from benchmarks.optimizers.matrices import State, WideMatrixOptimizer, adam


class APOLLO(WideMatrixOptimizer):
    """Zhu, Zhang, Cong, Liu, Park, Chandra, Long, Pan, Wang and Lee, arXiv 2412.05270, Algorithm 1.

    The projection is drawn again from its seed in every step, so it is no state. Its seed changes every ``gap`` steps.
    The norm of the scaled gradient may grow by at most the factor ``growth`` a step, as in Section 4.

    Departures: the scale alpha is part of the tuned learning rate. State of an m x n matrix with m <= n:
    ``2 r n + 1``.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        betas: tuple[float, float] = (0.9, 0.999),
        rank: int = 16,
        gap: int = 200,
        growth: float = 1.01,
        **rest: Any,
    ) -> None:
        super().__init__(params, lr, betas, rank=rank, gap=gap, growth=growth, **rest)

    def wide_direction(self, gradient: Tensor, state: State, group: dict[str, Any]) -> Tensor:
        rank = min(group["rank"], len(gradient))
        generator = torch.Generator().manual_seed((state["step"] - 1) // group["gap"])
        drawn = torch.randn(rank, len(gradient), generator=generator, dtype=gradient.dtype)
        projected = (drawn / rank**0.5) @ gradient
        scale = adam(projected, state, group).norm(dim=0) / projected.norm(dim=0).clamp(min=1e-30)
        direction = gradient * scale
        norm = direction.norm()
        if "norm" in state:
            norm = torch.minimum(norm, group["growth"] * state["norm"])
            direction = direction * (norm / direction.norm().clamp(min=1e-30))
        state["norm"] = norm
        return direction
