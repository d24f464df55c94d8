"""S-Shampoo: Shampoo whose Kronecker factors are Frequent-Directions sketches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from oco.torch.options import Rank
from oco.torch.sketched import SketchedOptimizer


class SketchyShampoo(SketchedOptimizer):
    r"""Shampoo in sub-linear memory: every Kronecker factor is kept as k directions and one escaped mass.

    For a matrix gradient G (m x n), with sketches :math:`\bar L = V_L diag(s_L^2) V_L'` and escaped masses
    :math:`\rho_L, \rho_R` that :func:`oco.torch.sketch.update_sketch` maintains,

    .. math:: D = (\bar L + \rho_L I + \epsilon I)^{-1/4} \, G \, (\bar R + \rho_R I + \epsilon I)^{-1/4},

    then grafting, momentum and decoupled weight decay. A tensor with w axes (after merging) uses exponent -1/(2w).

    Parameters
    ----------
    params, lr, betas, **options
        As in :class:`oco.torch.kronecker.KroneckerOptimizer`: ``eps``, ``update_freq``, ``start_step``, ``graft``,
        ``momentum``, ``nesterov``, ``weight_decay``, ``preconditioner``, ``compatibility``, ``max_failures``,
        ``maximize``.
    rank : int, float, callable or RankBudget
        Directions kept per axis: a number (capped at the dimension), a fraction of the dimension, a function from it to
        an integer, or a division of a number of floats over all axes of the group.
    method : {"subspace", "gram64", "svd"}
        Decomposition, see :func:`oco.torch.sketch.update_sketch`. ``subspace`` costs O(d k r) a refresh and estimates
        the escaped mass. ``gram64`` is the certified choice: the paper's update, whose sandwich and tail bound are
        theorems.

    Notes
    -----
    State per m x n matrix in floats: ``k_m (m + 1) + k_n (n + 1) + 4`` for the sketches, ``m + n`` for the factored
    graft, ``m n`` for the momentum, 4 numbers; plain tensors under flat names, float32 for half-precision parameters.
    A step costs ``8 k m n`` flops to precondition. With r the product of the other axes, a refresh costs O(d k r) per
    axis, or O(d (k + r) min(d, k + r)) with ``gram64``. Equal shapes take their step together, in stacks of at most
    2^20 entries unless one tensor is larger. Above the start of a step, memory is one copy of such a stack's gradients
    and what is k columns wide; ``gram64`` adds its joined sketch and gradient in float64 at a refresh.

    References
    ----------
    Feinberg, Chen, Sun, Anil and Hazan, "Sketchy: Memory-efficient Adaptive Regularization with Frequent Directions",
    NeurIPS 2023, Algorithm 3 with Observation 6.

    Departures: no projection; eps is not accumulated; grafting and momentum; the sketch skips gradients; effective rank
    k is the paper's sketch size minus one.

    Examples
    --------
    >>> import torch
    >>> _ = torch.manual_seed(0)
    >>> model = torch.nn.Linear(20, 10)
    >>> optimizer = SketchyShampoo(model.named_parameters(), lr=1e-3, rank=4)
    >>> model(torch.randn(8, 20)).square().mean().backward()
    >>> optimizer.step()
    >>> [row["rank"] for row in optimizer.report()]
    [4, 4]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        rank: Rank | Mapping[str, Any] | str = 64,
        *,
        method: str = "subspace",
        **options: Any,
    ) -> None:
        super().__init__(params, lr, betas, rank=rank, method=method, **options)
