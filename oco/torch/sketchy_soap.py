"""SketchySOAP: a sketch as the whole state, with a choice for each part of the gradient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from oco.torch.members import Momentum, Tail, Unsketched
from oco.torch.options import Rank
from oco.torch.sketched import SketchedOptimizer


class SketchySOAP(SketchedOptimizer):
    r"""Adam in the sketched eigenbasis of Shampoo, with a choice for the rest of the gradient and for momentum.

    A matrix gradient G (m x n) is split by the sketched bases U (m x k) and V (n x k) of its rows and columns:

    .. math:: G = U c V' + U a + b V' + R, \quad c = U'GV, \; a = U'G(I - VV'), \; b = (I - UU')GV.

    Each step, with second moments of c, a, b, R that decay by beta2::

        every update_freq steps: absorb G into both sketches; carry second moments over to the new U and V
        M = average of G (beta1), or G; split M likewise
        c_M <- c_M / (sqrt(v) + eps)                core: v (k x k), elementwise, as in Adam
        a_M, b_M, R_M <- X / (sqrt(r q' / mean r) + eps)    cross parts and tail: r, q means of rows and columns
        each part <- part / max(1, RMS / clip)
        W <- (1 - lr weight_decay) W - lr (U c_M V' + U a_M + b_M V' + R_M)

    The options replace single lines. Full rank is SOAP, or Shampoo with ``core="inverse_root"``; rank 0 is Adafactor's
    step without relative step sizes, or Muon with ``tail="orthogonal"``; ``core="inverse_root", cross="tail",
    tail="escaped_mass"`` is the direction of :class:`SketchyShampoo`.

    Parameters
    ----------
    params, lr, **options
        As in :class:`oco.torch.kronecker.KroneckerOptimizer`: ``update_freq``, ``nesterov``, ``weight_decay``,
        ``max_failures``, ``maximize``, ``preconditioner`` (``max_dim`` and ``relative_eps``).
    betas : (float, float)
        Decay of the momentum (0 keeps none) and of the second moments, which are averages (below 1).
    rank : int, float, callable or RankBudget
        Directions kept per axis, as in :class:`SketchyShampoo`; 0 makes all of the gradient tail.
    share : float, optional
        Most entries of a basis as a share of the matrix's: ``k d <= share m n`` (but k >= 1), so that the 1,568 rows of
        a basis for 10 classes do not cost more than the weights. Not applied to a RankBudget.
    core : {"adam", "inverse_root"}
        ``adam``: above. ``inverse_root``: ``c_ij (l_i r_j)^(-1/4)`` with the eigenvalues of the sketches plus their
        escaped masses.
    cross : {"factored", "tail"}
        Cross parts on their own as above, or treated as a part of the tail.
    tail : str, Tail or mapping
        ``factored``: above. ``orthogonal``: its polar factor, by matrix polynomials, times ``sqrt(max(m, n) - k)``,
        which is a root mean square of 1. ``mean``, ``escaped_mass``: no second moment of its own; the tail is
        multiplied by ``(t_L t_R)^(-1/4)``, or for an ``adam`` core by ``(t_L t_R / tr C)^(-1/2)``, with t of each
        sketch ``(tr C - tr S) / (d - k)`` or its escaped mass. ``dropped``: zero.
    balance : {"none", "rms", "noise", "trust_ratio", "spectral", "descent"}
        Length of the tail's step against that of core and cross parts, see :func:`oco.torch.balance.balanced`.
    momentum : Momentum or mapping
        Average of gradients or of steps; stored in full, in bfloat16, or in the sketch's coordinates.
    unsketched : str, Unsketched or mapping
        Vectors, and matrices with an axis above ``preconditioner.max_dim``, such as embeddings in a group with
        ``preconditioner=Preconditioner(max_dim=1)``: AdamW's step or a factored one, and its rate.
    basis_beta2 : float
        Decay per step of the sketches, which see one gradient in ``update_freq``.
    clip : float, optional
        Largest root mean square of the step of a part, except an orthogonal one, as in Adafactor.
    method : {"subspace", "gram64", "svd"}
        Decomposition of the sketches, see :func:`oco.torch.sketch.update_sketch`.
    eps : float
        Added to roots of second moments, and in the inverse roots as ``preconditioner`` says.
    start_step : int, optional
        Number of first steps in which a matrix with sketches takes the graft's own step, or stays where it is without
        a graft (the default), while its sketches and momentum fill. Tensors without sketches move from the first step
        on. None is ``max(10, update_freq)``. SOAP waits one step, since in the eigenbasis of a single gradient all
        off-diagonal entries are round-off.
    graft : str or Graft
        A method whose length the whole step of a matrix takes; ``none`` by default.

    Notes
    -----
    State per m x n matrix in floats, for ``adam`` and ``factored``: ``k (m + n + 2) + 4`` for the sketches, ``k^2`` for
    the core, ``m + n + 2 k`` for the cross parts, ``m + n`` for the tail, 5 numbers; no array of m n entries. Other
    tails keep nothing, ``cross="tail"`` no second moments of cross parts, ``inverse_root`` none of the core. Momentum
    adds ``m n`` floats, half of that (``bfloat16``) or ``k (m + n)`` (``sketch``). A tensor without a sketch keeps its
    second moment (one for each entry, or ``m + n``) and momentum. Tensors with more axes are matrices of their first
    axis and all others.

    A step costs ``12 k m n`` flops, twice that with momentum, and ``5 (4 n + 2 m) m^2`` for an orthogonal tail, m <= n.
    Without momentum it holds three copies of a stack of matrices: the gradient, its tail and the step.

    When bases change, SOAP keeps the core's second moments as they are, because its directions keep their order. Those
    of a sketch are sorted by eigenvalues and may change places, and new ones enter, so second moments follow the
    squared overlaps of new and old directions (:func:`oco.torch.second_moments.carry_over`).

    References
    ----------
    Vyas et al., "SOAP: Improving and Stabilizing Shampoo using Adam", ICLR 2025, Algorithm 3. Feinberg et al.,
    "Sketchy", NeurIPS 2023, Algorithm 1 (the sketches). Shazeer and Stern, "Adafactor", ICML 2018, eq. 4 and
    Algorithm 4 (factored second moments, clipping). Jordan et al., "Muon", 2024 (the orthogonal tail).

    Departures: from SOAP, sketches in place of covariances, the parts outside them, the present gradient enters the
    bases before it is split, second moments carried over, clipping. From Muon, the length, and no bfloat16 products.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Linear(200, 100)
    >>> optimizer = SketchySOAP(model.named_parameters(), lr=1e-2, rank=4)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     model(torch.randn(8, 200)).square().mean().backward()
    ...     optimizer.step()
    >>> held = optimizer.state_bytes()
    >>> held["momentum"], held["total"] / 4 / 20100 < 0.1
    (0, True)
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
        share: float | None = 0.25,
        method: str = "subspace",
        eps: float = 1e-8,
        start_step: int | None = 1,
        graft: str = "none",
        **options: Any,
    ) -> None:
        own: dict[str, Any] = {"core": core, "cross": cross, "tail": tail, "balance": balance, "unsketched": unsketched}
        own |= {"basis_beta2": basis_beta2, "momentum": momentum, "method": method, "eps": eps}
        own |= {"clip": clip, "share": share, "start_step": start_step, "graft": graft}
        super().__init__(params, lr, betas, rank=rank, **own, **options)
