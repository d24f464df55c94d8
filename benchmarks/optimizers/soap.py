"""SOAP: Adam in the eigenbasis of Shampoo's factors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from benchmarks.optimizers.matrices import MatrixOptimizer, State, averaged


class SOAP(MatrixOptimizer):
    """Vyas, Morwani, Zhao, Shapira, Brandfonbrener, Janson and Kakade, arXiv 2409.11321, Algorithms 3 and 4.

    Departures: the first gradient makes the bases by an exact eigendecomposition, and the first step is taken in them.
    State of an m x n matrix: ``2 m n + 2 (m^2 + n^2)``.
    """

    def __init__(
        self, params: Any, lr: float = 3e-3, betas: tuple[float, float] = (0.95, 0.95), frequency: int = 10, **rest: Any
    ) -> None:
        super().__init__(params, lr, betas, frequency=frequency, **rest)

    def direction(self, gradient: Tensor, state: State, group: dict[str, Any]) -> Tensor:
        beta1, beta2 = group["betas"]
        if state["step"] == 1:
            state["left"], state["right"] = (
                (1.0 - beta2) * (gradient @ gradient.T),
                (1.0 - beta2) * (gradient.T @ gradient),
            )
            state["q_left"], state["q_right"] = (
                torch.linalg.eigh(state[side]).eigenvectors for side in ("left", "right")
            )
        left, right = state["q_left"], state["q_right"]
        momentum = averaged(state, "first", gradient, beta1)
        second = averaged(state, "second", (left.T @ gradient @ right).square(), beta2)
        direction = left @ ((left.T @ momentum @ right) / (second.sqrt() + group["eps"])) @ right.T
        if state["step"] > 1:
            state["left"].lerp_(gradient @ gradient.T, 1.0 - beta2)
            state["right"].lerp_(gradient.T @ gradient, 1.0 - beta2)
            if state["step"] % group["frequency"] == 0:  # Algorithm 4: one step of the power method, and QR
                state["q_left"] = torch.linalg.qr(state["left"] @ left).Q
                state["q_right"] = torch.linalg.qr(state["right"] @ right).Q
        return direction
