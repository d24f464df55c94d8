"""PyTorch's Muon for matrices and its AdamW for everything else, as one optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor


class MuonWithAdamW(torch.optim.Optimizer):
    """Muon on matrices, AdamW on all other parameters, for comparisons.

    Parameters
    ----------
    params : iterable of Tensor or dict
        Parameters of any shapes, or groups of them. A group may have its own value of every option below.
    lr : float
        Rate of both. Muon's updates are scaled to the root mean square of AdamW's (``adjust_lr_fn="match_rms_adamw"``).
    momentum, weight_decay, nesterov
        Muon's; ``weight_decay`` is used for both.
    betas : (float, float)
        AdamW's.
    adamw : bool
        Use AdamW for matrices too. Meant for a group of embeddings and output layers.
    kernels : bool
        Take the kernels of a convolution (out, in, height, width) as a matrix of ``out`` rows. PyTorch's Muon rejects
        them, so they take AdamW's steps by default.

    Notes
    -----
    State: one float for each entry of a matrix, two for the others. Embeddings and output layers are matrices too, and
    take Muon's steps unless they are in a group with ``adamw=True``.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Linear(3, 2)
    >>> optimizer = MuonWithAdamW(model.parameters(), lr=0.01)
    >>> model(torch.ones(1, 3)).sum().backward()
    >>> optimizer.step()
    >>> sorted(optimizer.state_bytes().items())  # six floats of momentum; two of two, and a step count
    [('total', 44)]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        *,
        momentum: float = 0.95,
        nesterov: bool = True,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 0.0,
        adamw: bool = False,
        kernels: bool = False,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "nesterov": nesterov, "betas": tuple(betas)}
        super().__init__(params, defaults | {"weight_decay": weight_decay, "adamw": adamw, "kernels": kernels})
        self._views: list[tuple[Tensor, Tensor]] = []  # a kernel, and the matrix that shares its memory
        self._parts = [part for group in self.param_groups for part in self._parts_of(group)]

    def _parts_of(self, group: dict[str, Any]) -> Iterator[tuple[dict[str, Any], torch.optim.Optimizer]]:
        common = {name: group[name] for name in ("lr", "weight_decay")}
        matrices, others = [], []
        for param in group["params"]:
            if group["adamw"] or param.ndim < 2 or (param.ndim > 2 and not group["kernels"]):
                others.append(param)
            elif param.ndim == 2:
                matrices.append(param)
            else:
                matrices.append(param.detach().view(len(param), -1))
                self._views.append((param, matrices[-1]))
        if matrices:
            muon = {name: group[name] for name in ("momentum", "nesterov")}
            yield group, torch.optim.Muon(matrices, **common, **muon, adjust_lr_fn="match_rms_adamw")
        if others:
            yield group, torch.optim.AdamW(others, **common, betas=group["betas"])

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step of both, at the rates of this optimizer's groups (a scheduler changes those)."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for kernel, matrix in self._views:
            matrix.grad = None if kernel.grad is None else kernel.grad.reshape(matrix.shape)
        for group, part in self._parts:
            for own in part.param_groups:
                own["lr"] = group["lr"]
            part.step()
        return loss

    def state_bytes(self) -> dict[str, int]:
        """Bytes of all tensors that both hold."""
        states = [state for _, part in self._parts for state in part.state.values()]
        tensors = [value for state in states for value in state.values() if isinstance(value, Tensor)]
        return {"total": sum(value.numel() * value.element_size() for value in tensors)}
