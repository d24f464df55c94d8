"""What the rivals share: a rule for matrices, AdamW for all other parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

State = dict[str, Any]


class MatrixOptimizer(torch.optim.Optimizer, ABC):
    """A rule for matrices; AdamW for vectors and for groups with ``adamw=True``.

    The kernels of a convolution (out, in, height, width) are a matrix of ``out`` rows. Weight decay is decoupled.
    """

    def __init__(
        self,
        params: Any,
        lr: float,
        betas: tuple[float, float],
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        **options: Any,
    ) -> None:
        common = {"lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay, "adamw": False}
        super().__init__(params, common | options)

    @abstractmethod
    def direction(self, gradient: Tensor, state: State, group: dict[str, Any]) -> Tensor:
        """What is subtracted from a matrix per unit of learning rate; ``state["step"]`` counts from 1."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None:
                    continue
                state = self.state[param]
                state["step"] = state.get("step", 0) + 1
                if group["adamw"] or param.ndim < 2:
                    direction = adam(param.grad, state, group)
                else:
                    direction = self.direction(param.grad.reshape(len(param), -1), state, group)
                param.mul_(1.0 - group["lr"] * group["weight_decay"])
                param.sub_(direction.reshape(param.shape), alpha=group["lr"])
        return loss


class WideMatrixOptimizer(MatrixOptimizer):
    """A method that is stated for matrices with no more rows than columns; others are transposed."""

    def direction(self, gradient: Tensor, state: State, group: dict[str, Any]) -> Tensor:
        if gradient.shape[0] > gradient.shape[1]:
            return self.wide_direction(gradient.T, state, group).T
        return self.wide_direction(gradient, state, group)

    @abstractmethod
    def wide_direction(self, gradient: Tensor, state: State, group: dict[str, Any]) -> Tensor:
        """The direction of a matrix with no more rows than columns."""


def adam(gradient: Tensor, state: State, group: dict[str, Any]) -> Tensor:
    """Adam's direction with bias correction (Kingma and Ba 2015, Algorithm 1)."""
    beta1, beta2 = group["betas"]
    first = averaged(state, "first", gradient, beta1)
    second = averaged(state, "second", gradient.square(), beta2)
    return first / (second.sqrt() + group["eps"])


def averaged(state: State, name: str, value: Tensor, beta: float) -> Tensor:
    """Put ``value`` into the exponential average ``state[name]`` and return that with bias correction."""
    if name not in state:
        state[name] = torch.zeros_like(value)
    average: Tensor = state[name].lerp_(value, 1.0 - beta)
    return average / (1.0 - beta ** state["step"])
