"""SOAP: Adam in the eigenbasis of Shampoo's factors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from benchmarks.optimizers.matrices import MatrixOptimizer, State, averaged


class SOAP(MatrixOptimizer):
    """Vyas, Morwani, Zhao, Shapira, Brandfonbrener, Janson and Kakade, arXiv 2409.11321, Algorithms 3 and 4.

    As in the authors' public code, which is steadier than the paper's text: the first gradient makes the bases, and no
    step; columns of the bases are sorted by their Rayleigh quotients, and second moments move with them.
    State of an m x n matrix: ``2 m n + 2 (m^2 + n^2)``.
    """

    def __init__(
        self, params: Any, lr: float = 3e-3, betas: tuple[float, float] = (0.95, 0.95), frequency: int = 10, **rest: Any
    ) -> None:
        super().__init__(params, lr, betas, frequency=frequency, **rest)

    def direction(self, gradient: Tensor, state: State, group: dict[str, Any]) -> Tensor:
        beta1, beta2 = group["betas"]
        if "left" not in state:
            state["step"] = 0
            state["left"], state["right"] = gradient @ gradient.T, gradient.T @ gradient
            for side in ("left", "right"):
                state[side] *= 1.0 - beta2
                # In float32 LAPACK fails on a factor of low rank, or says nothing and returns NaN.
                vectors = torch.linalg.eigh(state[side].double()).eigenvectors
                state[f"q_{side}"] = vectors.flip(1).to(gradient.dtype)
            return torch.zeros_like(gradient)
        left, right = state["q_left"], state["q_right"]
        momentum = averaged(state, "first", gradient, beta1)
        second = averaged(state, "second", (left.T @ gradient @ right).square(), beta2)
        direction = left @ ((left.T @ momentum @ right) / (second.sqrt() + group["eps"])) @ right.T
        state["left"].lerp_(gradient @ gradient.T, 1.0 - beta2)
        state["right"].lerp_(gradient.T @ gradient, 1.0 - beta2)
        if state["step"] % group["frequency"] == 0:
            for axis, side in enumerate(("left", "right")):
                turn(state, side, axis)
        return direction


def turn(state: State, side: str, axis: int) -> None:
    """Algorithm 4: one step of the power method and QR, after sorting."""
    factor, basis = state[side], state[f"q_{side}"]
    order = torch.argsort((basis * (factor @ basis)).sum(0), descending=True)
    state["second"] = state["second"].index_select(axis, order)
    state[f"q_{side}"] = torch.linalg.qr(factor @ basis[:, order]).Q
