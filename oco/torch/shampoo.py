"""Shampoo with full Kronecker factors on the same code path as SketchyShampoo, so that only the factor differs."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from oco.torch.groups import Plan, Settings
from oco.torch.kronecker import InverseRoot, KroneckerOptimizer
from oco.torch.parameter_state import AxisState
from oco.torch.refreshing import Refresh
from oco.torch.shapes import fold, unfold
from oco.torch.sketch import power_of_two
from oco.torch.stacks import joined, stacked


class Shampoo(KroneckerOptimizer):
    r"""Kronecker-factored preconditioning with full d x d factors; the comparator of :class:`SketchyShampoo`.

    Every ``update_freq`` steps ``C_i <- b C_i + (1 - b) X_i X_i'`` with X_i the gradient unfolded along axis i and
    ``b = beta2 ** update_freq``; the step uses ``(C_i + eps' I)^{-1/(2w)}``. The options, grafting, failure policy,
    checkpoints and errors are those of :class:`oco.torch.kronecker.KroneckerOptimizer`.

    Notes
    -----
    State per m x n matrix in floats: ``2 (m^2 + n^2)`` (each factor and its inverse root), plus graft, momentum and
    four numbers. A step costs ``2 m n (m + n)`` flops, a refresh one float64 eigendecomposition per factor.

    References
    ----------
    Gupta, Koren and Singer, "Shampoo: Preconditioned Stochastic Tensor Optimization", ICML 2018, Algorithms 1 and 2.

    Departures: exponential average, grafting, momentum, statistics from every ``update_freq``-th gradient only.

    Examples
    --------
    >>> import torch
    >>> _ = torch.manual_seed(0)
    >>> weight = torch.nn.Parameter(torch.randn(6, 4))
    >>> optimizer = Shampoo([weight], lr=1e-2)
    >>> weight.square().sum().backward()
    >>> optimizer.step()
    >>> optimizer.state_bytes()["preconditioner"] == 4 * 2 * (6 * 6 + 4 * 4)
    True
    """

    axis_names = ("factor", "inverse_root")

    def _axis_ranks(self, plan: Plan) -> dict[Tensor, list[int]]:
        return {p: list(merged) for p, merged in plan.preconditioned.items()}

    def _with_ranks(self, group: dict[str, Any], plan: Plan) -> Plan:
        return plan

    def _fit_ranks(self, state: dict[str, Any], ranks: list[int], plan: Plan) -> list[int]:
        return ranks

    def _after_step(self, group: dict[str, Any], plan: Plan) -> None:
        pass

    def _axis_state(self, dim: int, rank: int, dtype: torch.dtype, device: torch.device) -> AxisState:
        return {name: torch.zeros(dim, dim, dtype=dtype, device=device) for name in self.axis_names}

    def _update_axis(
        self, state: AxisState, block: Tensor, due: Refresh, settings: Settings, *, retry: bool
    ) -> AxisState:
        wide = block.double() * due.scale[:, None, None]
        factor = (state["factor"].double() * due.decay).add_(wide @ wide.mT, alpha=due.weight)
        if retry:
            # A second attempt on the same matrix would fail too, so symmetrize it and add a tiny ridge.
            factor = 0.5 * (factor + factor.mT)
            ridge = 1e-12 * factor.diagonal(dim1=-2, dim2=-1).mean(-1)
            factor = factor + ridge[..., None, None] * torch.eye(
                factor.shape[-1], dtype=factor.dtype, device=factor.device
            )
        values, vectors = torch.linalg.eigh(factor)
        values = values.clamp(min=0.0)
        largest = values[..., -1:]
        relative = settings.preconditioner.relative_eps
        added = settings.eps * largest if relative else torch.full_like(largest, settings.eps)
        # Gradients near the least float32 have roots beyond the largest one.
        top = torch.finfo(block.dtype).max / 1024.0
        powers = (torch.where(values + added > 0, values + added, 1.0) ** due.exponent).clamp(max=top)
        root = (vectors * powers[..., None, :]) @ vectors.mT
        return {"factor": factor.to(block.dtype), "inverse_root": root.to(block.dtype)}

    def _inverse_roots(
        self, states: list[list[dict[str, Tensor]]], axis: int, exponent: float, settings: Settings
    ) -> tuple[list[InverseRoot], Tensor]:
        roots = [stacked([state[f"inverse_root_{axis}"] for state in bucket]) for bucket in states]
        gains = power_of_two(joined([root.abs().flatten(1).amax(1) for root in roots]))
        inverse = torch.split(gains.reciprocal(), [len(bucket) for bucket in states])
        return [partial(_apply, root, own) for root, own in zip(roots, inverse, strict=True)], gains.double()

    @torch.no_grad()
    def report(self) -> list[dict[str, Any]]:
        """Return the rows of ``SketchyShampoo.report``, here exact and with rank = dim."""
        rows = []
        for group in self.param_groups:
            for param, shape in self._plan(group).preconditioned.items():
                for axis, dim in enumerate(shape if self.state.get(param) else ()):
                    values = torch.linalg.eigvalsh(self.state[param][f"factor_{axis}"].double())
                    trace, top = float(values.sum()), float(values[-1])
                    rows.append(
                        {
                            "parameter": self._name(param, group),
                            "axis": axis,
                            "dim": dim,
                            "rank": dim,
                            "trace": trace,
                            "escaped_mass": 0.0,
                            "largest_eigenvalue": (top, top),
                            "intrinsic_dimension": (trace / top, trace / top) if top > 0 else (0.0, 0.0),
                        }
                    )
        return rows


def _apply(root: Tensor, inverse_gain: Tensor, block: Tensor, axis: int) -> Tensor:
    return fold((root * inverse_gain[:, None, None]) @ unfold(block, axis), block.shape[1:], axis)
