"""S-Shampoo: Shampoo whose Kronecker factors are Frequent-Directions sketches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from oco.errors import ConfigError
from oco.torch.allocation import allocate_ranks
from oco.torch.kronecker import InverseRoot, KroneckerOptimizer
from oco.torch.parameter_state import AxisState
from oco.torch.sketch import (
    Sketch,
    apply_coefficients,
    empty_sketch,
    inverse_root_coefficients,
    power_of_two,
    resize_sketch,
    sketch_report,
    update_sketch,
)
from oco.torch.stacks import stacked


class SketchyShampoo(KroneckerOptimizer):
    r"""Shampoo in sub-linear memory: every Kronecker factor is kept as k directions and one escaped mass.

    For a matrix gradient G (m x n), with sketches :math:`\bar L = V_L diag(s_L^2) V_L'` and escaped masses
    :math:`\rho_L, \rho_R` that :func:`oco.torch.sketch.update_sketch` maintains,

    .. math:: D = (\bar L + \rho_L I + \epsilon I)^{-1/4} \, G \, (\bar R + \rho_R I + \epsilon I)^{-1/4},

    then grafting, momentum and decoupled weight decay. A tensor with w axes (after merging) uses exponent -1/(2w).

    Parameters
    ----------
    params : iterable
        Parameters, named parameters or groups; every option below may differ between groups.
    lr : float
        Step size. With ``factored`` or ``adam`` grafting and the default momentum a learning rate tuned for Adam
        transfers.
    betas : (float, float)
        Decay per step of the momentum (0 keeps none) and of the statistics (1 sums them). The sketch sees one gradient
        in ``update_freq`` and decays by ``beta2 ** update_freq`` then, so the window is in steps.
    rank : int, float, callable or "auto"
        Directions kept per axis: a number (capped at the dimension), a fraction of the dimension, a function of it, or
        a division of ``budget`` over all axes of the group.
    budget : int or float, optional
        With ``rank="auto"``: floats of sketch for the group, as a count, or (float) as a fraction of its preconditioned
        entries.
    allocate_by : {"escaped_mass", "intrinsic_dimension"}
        Score of an axis when ranks are divided again: its dimension times the fraction of the trace outside the sketch,
        or trace over largest eigenvalue.
    reallocate_at : tuple of int
        Step counts after which ranks are divided again; what a shrinking sketch cuts goes into its escaped mass.
    eps, relative_eps : float, bool
        Added to eigenvalues in the inverse root only; relative to the largest one unless told otherwise.
    update_freq : int
        Steps between sketch updates, which use the current gradient only.
    start_step : int, optional
        Number of first steps that the grafted method takes alone; default ``max(10, update_freq)``.
    graft : {"factored", "adam", "rmsprop", "sqrt_n", "sgd", "none"}
        Method whose step length is used, see :func:`oco.torch.grafting.graft_step`. ``none`` needs a learning rate of
        its own.
    graft_eps : float
        Added to the root (``rmsprop``: inside it) of the grafted second moment.
    momentum : {"ema", "trace"}
        Average or sum of steps; ``trace`` multiplies the effective learning rate by 1 / (1 - beta1).
    nesterov, bias_correction, maximize : bool
        As in torch; bias correction covers momentum and graft.
    weight_decay : float
        Decoupled: ``W <- (1 - lr * weight_decay) W``.
    merge_dims, merge : int, {"trailing", "greedy"}
        Largest product of merged dimensions and how to merge, see :func:`oco.torch.shapes.merged_shape`.
    max_dim : int
        Tensors with a larger axis are left to the grafted method.
    vectors : bool
        Precondition tensors of one axis (and scalars) too, which are otherwise left to the grafted method.
    exponent : float, optional
        Replaces -1/(2w).
    method : {"gram64", "svd", "subspace"}
        Decomposition, see :func:`oco.torch.sketch.update_sketch`. ``subspace`` is fast but carries no certificate.
    tail_decay : {"beta2", "sqrt"}
        ``sqrt`` reproduces public reference code, which decays the escaped mass too slowly.
    statistics : {"ema", "sum"}
        Whether new gradients are weighted by 1 - beta2 (matters for absolute ``eps`` and ``graft="none"`` only).
    pseudo_inverse : bool
        Drop the unsketched complement while nothing has escaped (public reference code) instead of inverting ``eps``.
    max_failures : int
        Non-finite gradients or failed decompositions that one tensor may have between two good refreshes. Those since
        the first step are counted by :meth:`skipped_steps`.

    Raises
    ------
    ConfigError
        For an option out of range, or a checkpoint that does not fit; a ValueError, as for a complex parameter.
    NotImplementedError
        For a DTensor or a flat shard of FullyShardedDataParallel; the sentence names the parameter.
    RuntimeError
        For a sparse gradient, or after ``max_failures``.

    Notes
    -----
    State per m x n matrix in floats: ``k_m (m + 1) + k_n (n + 1) + 4`` for the sketches, ``m + n`` for the factored
    graft, ``m n`` for the momentum, 4 numbers; plain tensors under flat names, float32 for half-precision parameters.
    A step costs ``8 k m n`` flops to precondition; a refresh costs O(d (k + r) min(d, k + r)) per axis with r the
    product of the other axes. The transient peak is one stack of equal shapes with its joined sketch and gradient in
    float64.

    Source: Feinberg, Chen, Sun, Anil and Hazan, "Sketchy: Memory-efficient Adaptive Regularization with Frequent
    Directions", NeurIPS 2023, Algorithm 3 with Observation 6. Departures: no projection; eps is not accumulated;
    grafting and momentum; the sketch skips gradients; effective rank k is the paper's sketch size minus one.

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

    axis_names = ("basis", "singular_values", "root_escaped", "root_trace")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        rank: int | float | str | Callable[[int], int] = 64,
        *,
        budget: int | float | None = None,
        allocate_by: str = "escaped_mass",
        reallocate_at: tuple[int, ...] = (),
        eps: float = 1e-7,
        relative_eps: bool = True,
        update_freq: int = 10,
        start_step: int | None = None,
        graft: str = "factored",
        graft_eps: float = 1e-8,
        momentum: str = "ema",
        nesterov: bool = False,
        bias_correction: bool = True,
        weight_decay: float = 0.0,
        merge_dims: int = 1024,
        merge: str = "trailing",
        max_dim: int = 8192,
        vectors: bool = False,
        exponent: float | None = None,
        method: str = "gram64",
        tail_decay: str = "beta2",
        statistics: str = "ema",
        pseudo_inverse: bool = False,
        max_failures: int = 3,
        maximize: bool = False,
    ) -> None:
        defaults = {name: value for name, value in locals().items() if name not in ("self", "params", "__class__")}
        super().__init__(params, defaults)

    def _ranks_of_group(self, group: dict[str, Any]) -> None:
        if callable(group["rank"]):
            # Functions cannot be read back by torch.load(weights_only=True); their values can.
            dims = {d for shape in self._preconditioned(group).values() for d in shape}
            rank = group["rank"]
            group["rank"] = {d: int(rank(d)) for d in sorted(dims)}
            if any(k < 1 for k in group["rank"].values()):
                raise ConfigError(f"Invalid rank value: {group['rank']} (the callable must return at least 1)")
        self._axis_ranks(group)

    def _axis_ranks(self, group: dict[str, Any]) -> dict[Tensor, list[int]]:
        shapes, rank = self._preconditioned(group), group["rank"]
        if rank == "auto":
            dims = [d for shape in shapes.values() for d in shape]
            return _split(
                shapes, allocate_ranks(dims, [1.0] * len(dims), _budget_floats(group, shapes)) if dims else []
            )

        def of(dim: int) -> int:
            if isinstance(rank, Mapping):
                if dim not in rank:
                    raise ConfigError(f"Invalid rank value: {dict(rank)} (it has no entry for the dimension {dim})")
                return min(dim, int(rank[dim]))
            return max(1, round(rank * dim)) if isinstance(rank, float) else min(dim, int(rank))

        return {p: [of(d) for d in shape] for p, shape in shapes.items()}

    def _axis_state(self, dim: int, rank: int, dtype: torch.dtype, device: torch.device) -> AxisState:
        sketch = empty_sketch(dim, rank, dtype=dtype, device=device)
        return {**sketch._asdict(), "root_trace": torch.zeros((), dtype=dtype, device=device)}

    def _update_axis(
        self,
        state: AxisState,
        block: Tensor,
        decay: float,
        weight: float,
        exponent: float,
        group: dict[str, Any],
        retry: bool,
    ) -> AxisState:
        dtype, method = block.dtype, group["method"]
        sketch = _sketch(state)
        if retry:
            sketch, block, method = Sketch(*[value.double() for value in sketch]), block.double(), "svd"
        sketch = update_sketch(sketch, block, decay=decay, weight=weight, method=method, tail_decay=group["tail_decay"])
        length = torch.linalg.vector_norm(block.flatten(1), dim=1, dtype=torch.float64)
        trace = torch.hypot(state["root_trace"].double() * decay**0.5, length * weight**0.5)
        return {name: value.to(dtype) for name, value in {**sketch._asdict(), "root_trace": trace}.items()}

    def _inverse_roots(
        self, states: list[list[dict[str, Tensor]]], axis: int, exponent: float, group: dict[str, Any]
    ) -> tuple[list[InverseRoot], Tensor]:
        options = {name: group[name] for name in ("eps", "relative_eps", "pseudo_inverse")}
        flat, rows = [state for bucket in states for state in bucket], [len(bucket) for bucket in states]
        # Zeros fill the columns up to the largest rank: unused columns have the coefficient of the complement.
        values = pad_sequence([state[f"singular_values_{axis}"] for state in flat], batch_first=True)
        escaped = torch.stack([state[f"root_escaped_{axis}"] for state in flat])
        inside, outside = inverse_root_coefficients(Sketch(values, values, escaped), exponent, **options)
        gains = power_of_two(torch.maximum(inside.amax(-1), outside))
        scaled = (inside / gains[:, None]).split(rows), (outside / gains).split(rows)
        roots = []
        for bucket, own, rest in zip(states, *scaled, strict=True):
            basis = stacked([state[f"basis_{axis}"] for state in bucket])
            roots.append(partial(apply_coefficients, basis, own[:, : basis.shape[-1]], rest))
        return roots, gains

    def _fit_ranks(self, state: dict[str, Any], ranks: list[int], group: dict[str, Any]) -> list[int]:
        """Resize the sketches to ``ranks``; with ``rank="auto"`` they keep the ranks that they were given last."""
        held = [state[name].shape[-1] for axis in range(len(ranks)) if (name := f"basis_{axis}") in state]
        if group["rank"] == "auto" or len(held) < len(ranks):
            return held if len(held) == len(ranks) else ranks
        for axis, rank in enumerate(ranks):
            _resize(state, axis, rank)
        return ranks

    def _after_step(self, group: dict[str, Any]) -> None:
        if group["rank"] == "auto" and group["reallocate_at"]:
            steps = [float(self.state[p]["step"]) for p in group["params"] if p.grad is not None and self.state.get(p)]
            if steps and int(max(steps)) in group["reallocate_at"]:
                self._reallocate(group)

    @torch.no_grad()
    def _reallocate(self, group: dict[str, Any]) -> None:
        shapes = self._preconditioned(group)
        dims = [d for shape in shapes.values() for d in shape]
        # An axis without any gradient so far scores zero and keeps the least rank.
        scores = [self._score(self.state[p], axis, group) for p, shape in shapes.items() for axis in range(len(shape))]
        ranks = _split(shapes, allocate_ranks(dims, scores, _budget_floats(group, shapes)))
        for param, per_axis in ranks.items():
            state = self.state[param]
            for axis, rank in enumerate(per_axis if state else ()):
                _resize(state, axis, rank)

    def _score(self, state: dict[str, Tensor], axis: int, group: dict[str, Any]) -> float:
        if not state or not state[f"root_trace_{axis}"]:
            return 0.0
        row = _report_of(state, axis)
        if group["allocate_by"] == "intrinsic_dimension":
            return float(row["intrinsic_dimension"][0])
        return float(row["dim"] * row["outside_fraction"])

    def report(self) -> list[dict[str, Any]]:
        """Return one row per preconditioned axis: what its sketch holds and what it knows of the covariance.

        Keys: ``parameter``, ``axis``, ``dim``, ``rank``, ``trace`` (exact), ``escaped_mass``, ``outside_fraction``
        (share of the trace not in the sketch), ``largest_eigenvalue`` and ``intrinsic_dimension`` (pairs: lower,
        upper). The pairs are certified unless ``method="subspace"``. Reading them synchronises with the device.
        """
        rows = []
        for group in self.param_groups:
            for param, shape in self._preconditioned(group).items():
                if self.state.get(param):
                    name = self._name(param, group)
                    rows += [
                        {"parameter": name, "axis": axis, **_report_of(self.state[param], axis)}
                        for axis in range(len(shape))
                    ]
        return rows


def _sketch(state: AxisState) -> Sketch:
    return Sketch(state["basis"], state["singular_values"], state["root_escaped"])


def _resize(state: dict[str, Any], axis: int, rank: int) -> None:
    sketch = Sketch(*[state[f"{name}_{axis}"] for name in Sketch._fields])
    if sketch.basis.shape[-1] != rank:
        for name, value in resize_sketch(sketch, rank)._asdict().items():
            state[f"{name}_{axis}"] = value.clone()


def _split(shapes: dict[Tensor, tuple[int, ...]], flat: list[int]) -> dict[Tensor, list[int]]:
    values = iter(flat)
    return {p: [next(values) for _ in shape] for p, shape in shapes.items()}


def _budget_floats(group: dict[str, Any], shapes: dict[Tensor, tuple[int, ...]]) -> int:
    budget = group["budget"]
    return int(budget * sum(p.numel() for p in shapes)) if isinstance(budget, float) else int(budget)


def _report_of(state: dict[str, Tensor], axis: int) -> dict[str, Any]:
    sketch = Sketch(*[state[f"{name}_{axis}"] for name in Sketch._fields])
    return sketch_report(sketch, float(state[f"root_trace_{axis}"].double().square()))
