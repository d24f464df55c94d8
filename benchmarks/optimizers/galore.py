"""GaLore: Adam on the projection of the gradient on its leading singular vectors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from benchmarks.optimizers.matrices import State, WideMatrixOptimizer, adam


class GaLore(WideMatrixOptimizer):
    """Zhao, Zhang, Chen, Wang, Anandkumar and Tian, arXiv 2403.03507, Algorithm 2.

    Departures: the smaller side is projected whichever it is, as in the authors' code; the scale alpha is part of the
    tuned learning rate. State of an m x n matrix with m <= n: ``r (m + 2 n)``.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        betas: tuple[float, float] = (0.9, 0.999),
        rank: int = 16,
        gap: int = 50,
        **rest: Any,
    ) -> None:
        super().__init__(params, lr, betas, rank=rank, gap=gap, **rest)

    def wide_direction(self, gradient: Tensor, state: State, group: dict[str, Any]) -> Tensor:
        if (state["step"] - 1) % group["gap"] == 0:
            vectors = torch.linalg.svd(gradient, full_matrices=False).U
            state["projection"] = vectors[:, : group["rank"]].clone()
        projection: Tensor = state["projection"]
        return projection @ adam(projection.T @ gradient, state, group)
