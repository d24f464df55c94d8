"""SketchySOAP: a sketch as the whole state, with a choice for each part of the gradient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from oco.torch.members import Momentum, Tail, Unsketched
from oco.torch.options import Rank
from oco.torch.sketched import SketchedOptimizer


class SketchySOAP(SketchedOptimizer):
    """Adam in the sketched eigenbasis of Shampoo, a choice of tails, and little or no momentum.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Linear(20, 10)
    >>> optimizer = SketchySOAP(model.named_parameters(), lr=1e-2, rank=4)
    >>> model(torch.randn(8, 20)).square().mean().backward()
    >>> optimizer.step()
    >>> optimizer.state_bytes()["momentum"]
    0
    """

    member = True
    kinds = ("momentum", "graft", "preconditioner", "second_moments", "counters")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.0, 0.95),
        rank: Rank | Mapping[str, Any] | str = 16,
        *,
        core: str = "adam",
        cross: str = "factored",
        tail: str | Tail | Mapping[str, Any] = "factored",
        balance: str = "none",
        momentum: str | Momentum | Mapping[str, Any] = "ema",
        unsketched: str | Unsketched | Mapping[str, Any] = "adam",
        basis_beta2: float = 0.995,
        clip: float | None = 1.0,
        method: str = "subspace",
        eps: float = 1e-8,
        start_step: int | None = 1,
        graft: str = "none",
        **options: Any,
    ) -> None:
        own = {"core": core, "cross": cross, "tail": tail, "balance": balance, "unsketched": unsketched}
        own |= {"basis_beta2": basis_beta2, "momentum": momentum, "method": method, "eps": eps}
        own |= {"clip": clip, "start_step": start_step, "graft": graft}
        super().__init__(params, lr, betas, rank=rank, **own, **options)
