"""PyTorch's Muon for matrices and its AdamW for everything else, as one optimizer with one learning rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class MuonWithAdamW(torch.optim.Optimizer):
    """Muon on parameters of two axes, AdamW on all others, for comparisons.

    Parameters
    ----------
    params : iterable of Tensor
        Parameters of any shapes.
    lr : float
        Rate of both. Muon's updates are scaled to the root mean square of AdamW's (``adjust_lr_fn="match_rms_adamw"``).
    momentum, weight_decay, nesterov
        Muon's; ``weight_decay`` is used for both.
    betas : (float, float)
        AdamW's.

    Notes
    -----
    State: one float for each entry of a matrix, two for the others. Embeddings and output layers are matrices too, and
    take Muon's steps here.

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
        params: Iterable[Tensor],
        lr: float = 1e-3,
        *,
        momentum: float = 0.95,
        nesterov: bool = True,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr})
        listed = [param for group in self.param_groups for param in group["params"]]
        matrices = [param for param in listed if param.ndim == 2]
        others = [param for param in listed if param.ndim != 2]
        self._parts: list[torch.optim.Optimizer] = []
        if matrices:
            self._parts.append(
                torch.optim.Muon(
                    matrices,
                    lr=lr,
                    momentum=momentum,
                    nesterov=nesterov,
                    weight_decay=weight_decay,
                    adjust_lr_fn="match_rms_adamw",
                )
            )
        if others:
            self._parts.append(torch.optim.AdamW(others, lr=lr, betas=betas, weight_decay=weight_decay))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step of both, at the rate of this optimizer's group (a scheduler changes that)."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self._parts:
            for group in part.param_groups:
                group["lr"] = self.param_groups[0]["lr"]
            part.step()
        return loss

    def state_bytes(self) -> dict[str, int]:
        """Bytes of all tensors that both hold."""
        states = [state for part in self._parts for state in part.state.values()]
        tensors = [value for state in states for value in state.values() if isinstance(value, Tensor)]
        return {"total": sum(value.numel() * value.element_size() for value in tensors)}
