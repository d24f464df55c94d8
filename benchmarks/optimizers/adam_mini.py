"""Adam-mini: Adam with one second moment for each block of weights."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from benchmarks.optimizers.matrices import MatrixOptimizer, State, averaged


class AdamMini(MatrixOptimizer):
    """Zhang, Chen, Li, Ding, Wu, Kingma, Ye, Luo and Sun, arXiv 2406.16793, Algorithm 1.

    A block is a row of a matrix: an output neuron, or a token of an embedding.

    Departures: queries and keys have a block for each row too, where the paper has one for each head; vectors take
    Adam's steps, where the paper has one block for each vector. State of an m x n matrix: ``m n + m``.
    """

    def __init__(self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), **rest: Any) -> None:
        super().__init__(params, lr, betas, **rest)

    def direction(self, gradient: Tensor, state: State, group: dict[str, Any]) -> Tensor:
        beta1, beta2 = group["betas"]
        first = averaged(state, "first", gradient, beta1)
        second = averaged(state, "second", gradient.square().mean(1, keepdim=True), beta2)
        return first / (second.sqrt() + group["eps"])
