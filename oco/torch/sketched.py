"""Optimizers whose Kronecker factors are Frequent-Directions sketches: their ranks, their updates, their report."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from oco.errors import ConfigError
from oco.torch.allocation import allocate_ranks, axis_cost
from oco.torch.checks import is_integer, refuse
from oco.torch.groups import Plan, Settings
from oco.torch.kronecker import InverseRoot, KroneckerOptimizer
from oco.torch.member_step import resize_member
from oco.torch.options import RankBudget
from oco.torch.parameter_state import AxisState
from oco.torch.refreshing import Refresh
from oco.torch.sketch import (
    Sketch,
    empty_sketch,
    inverse_root_coefficients,
    power_of_two,
    precondition_,
    resize_sketch,
    sketch_report,
    update_sketch,
)
from oco.torch.stacks import joined, stacked


class SketchedOptimizer(KroneckerOptimizer, ABC):
    """Kronecker-factored optimizers with a sketch for each axis (base class)."""

    axis_names = ("basis", "singular_values", "root_escaped", "root_trace")
    sketched = True

    def _with_ranks(self, group: dict[str, Any], plan: Plan) -> Plan:
        rank = plan.settings.rank
        if not callable(rank):
            return plan
        # Functions cannot be read back by torch.load(weights_only=True); their values can.
        dims = {d for shape in plan.preconditioned.values() for d in shape}
        returned = {d: rank(d) for d in sorted(dims)}
        for dim, value in returned.items():
            if not is_integer(value, 1):
                raise refuse(f"rank value of the function for dimension {dim}", value, "an integer of at least 1")
        table = group["rank"] = {dim: int(value) for dim, value in returned.items()}
        return plan._replace(settings=replace(plan.settings, rank=table))

    def _axis_ranks(self, plan: Plan) -> dict[Tensor, list[int]]:
        shapes, rank = plan.preconditioned, plan.settings.rank
        if isinstance(rank, RankBudget):
            dims = [d for shape in shapes.values() for d in shape]
            return _split(shapes, allocate_ranks(dims, [1.0] * len(dims), _floats(rank, shapes)) if dims else [])

        def of(dim: int) -> int:
            if isinstance(rank, Mapping):
                if dim not in rank:
                    raise ConfigError(f"Invalid rank value: {dict(rank)} (it has no entry for the dimension {dim})")
                return min(dim, int(rank[dim]))
            number: Any = rank
            return max(1, round(number * dim)) if isinstance(number, float) else min(dim, int(number))

        member = plan.settings.member
        if member is None:
            return {p: [of(d) for d in shape] for p, shape in shapes.items()}
        return {p: [member.capped(of(d), d, shape) for d in shape] for p, shape in shapes.items()}

    def _axis_state(self, dim: int, rank: int, dtype: torch.dtype, device: torch.device) -> AxisState:
        sketch = empty_sketch(dim, rank, dtype=dtype, device=device)
        return {**sketch._asdict(), "root_trace": torch.zeros((), dtype=dtype, device=device)}

    def _update_axis(
        self, state: AxisState, block: Tensor, due: Refresh, settings: Settings, *, retry: bool
    ) -> AxisState:
        dtype, method = block.dtype, settings.method
        sketch = _sketch(state)
        trace = torch.hypot(state["root_trace"].double() * due.decay**0.5, due.lengths * due.weight**0.5).to(dtype)
        if settings.member is not None and not sketch.basis.shape[-1]:
            return {**state, "root_trace": trace}
        if retry:
            sketch, block, method = Sketch(*[value.double() for value in sketch]), block.double(), "svd"
        tail_decay = settings.compatibility.tail_decay
        sketch = update_sketch(
            sketch, block, decay=due.decay, weight=due.weight, method=method, tail_decay=tail_decay, unit=due.scale
        )
        return {name: value.to(dtype) for name, value in {**sketch._asdict(), "root_trace": trace}.items()}

    def _inverse_roots(
        self, states: list[list[dict[str, Tensor]]], axis: int, exponent: float, settings: Settings
    ) -> tuple[list[InverseRoot], Tensor]:
        roots: list[InverseRoot] = []
        units = []
        for bucket in states:
            values, escaped = (stacked([state[f"{name}_{axis}"] for state in bucket]) for name in Sketch._fields[1:])
            inside, outside = inverse_root_coefficients(
                Sketch(torch.empty(0), values, escaped),  # the coefficients do not depend on the basis
                exponent,
                eps=settings.eps,
                relative_eps=settings.preconditioner.relative_eps,
                pseudo_inverse=settings.compatibility.pseudo_inverse,
            )
            # With eps > 0 the complement's coefficient is the largest; in its units it is 1, which costs no pass.
            unit, rest = outside, None
            if settings.compatibility.pseudo_inverse or settings.eps == 0.0:
                unit = power_of_two(torch.maximum(inside.amax(-1), outside))
                rest = (outside / unit).to(values.dtype)
            gain = ((inside - outside[:, None]) / unit[:, None]).to(values.dtype)
            roots.append(partial(_apply, [state[f"basis_{axis}"] for state in bucket], gain, rest))
            units.append(unit)
        return roots, joined(units)

    def _fit_ranks(self, state: dict[str, Any], ranks: list[int], plan: Plan) -> list[int]:
        """Resize the sketches to ``ranks``; those under a budget keep their last ranks."""
        held = [state[name].shape[-1] for axis in range(len(ranks)) if (name := f"basis_{axis}") in state]
        if isinstance(plan.settings.rank, RankBudget) or len(held) < len(ranks):
            return held if len(held) == len(ranks) else ranks
        for axis, rank in enumerate(ranks):
            _resize(state, axis, rank)
        return ranks

    def _after_step(self, group: dict[str, Any], plan: Plan) -> None:
        rank = plan.settings.rank
        if isinstance(rank, RankBudget) and rank.reallocate_at:
            steps = [float(self.state[p]["step"]) for p in group["params"] if p.grad is not None and self.state.get(p)]
            if steps and int(max(steps)) in rank.reallocate_at:
                self._reallocate(plan.preconditioned, rank)

    @torch.no_grad()
    def _reallocate(self, shapes: dict[Tensor, tuple[int, ...]], budget: RankBudget) -> None:
        dims = [d for shape in shapes.values() for d in shape]
        # An axis without a gradient so far has score zero and gets the smallest rank.
        scores = [self._score(self.state[p], axis, budget) for p, shape in shapes.items() for axis in range(len(shape))]
        ranks = _split(shapes, allocate_ranks(dims, scores, _floats(budget, shapes)))
        for param, per_axis in ranks.items():
            state = self.state[param]
            for axis, rank in enumerate(per_axis if state else ()):
                _resize(state, axis, rank)

    def _score(self, state: dict[str, Tensor], axis: int, budget: RankBudget) -> float:
        if not state or not state[f"root_trace_{axis}"]:
            return 0.0
        row = _report_of(state, axis)
        if budget.by == "intrinsic_dimension":
            return float(row["intrinsic_dimension"][0])
        return float(row["dim"] * row["outside_fraction"])

    def report(self) -> list[dict[str, Any]]:
        """Return one row per preconditioned axis, with facts on its sketch and bounds on its covariance.

        Keys: ``parameter``, ``axis``, ``dim``, ``rank``, ``trace`` (exact), ``escaped_mass``, ``outside_fraction``
        (share of the trace not in the sketch), ``largest_eigenvalue`` and ``intrinsic_dimension`` (pairs: lower,
        upper). The pairs are certified with ``gram64`` and ``svd``, and estimates with ``subspace``. Reading them
        synchronizes with the device.
        """
        rows = []
        for group in self.param_groups:
            for param, shape in self._plan(group).preconditioned.items():
                if self.state.get(param):
                    name = self._name(param, group)
                    rows += [
                        {"parameter": name, "axis": axis, **_report_of(self.state[param], axis)}
                        for axis in range(len(shape))
                    ]
        return rows


def _apply(bases: list[Tensor], gain: Tensor, rest: Tensor | None, block: Tensor, axis: int) -> Tensor:
    return precondition_(block, axis, stacked(bases), gain, rest)


def _sketch(state: AxisState) -> Sketch:
    return Sketch(state["basis"], state["singular_values"], state["root_escaped"])


def _resize(state: dict[str, Any], axis: int, rank: int) -> None:
    sketch = Sketch(*[state[f"{name}_{axis}"] for name in Sketch._fields])
    if sketch.basis.shape[-1] != rank:
        for name, value in resize_sketch(sketch, rank)._asdict().items():
            state[f"{name}_{axis}"] = value.clone()
        resize_member(state, axis, rank)


def _split(shapes: dict[Tensor, tuple[int, ...]], flat: list[int]) -> dict[Tensor, list[int]]:
    values = iter(flat)
    return {p: [next(values) for _ in shape] for p, shape in shapes.items()}


def _floats(budget: RankBudget, shapes: dict[Tensor, tuple[int, ...]]) -> int:
    floats, entries = budget.floats, sum(p.numel() for p in shapes)
    found = int(floats * entries) if isinstance(floats, float) else int(floats)
    least = sum(axis_cost(dim, 1) for shape in shapes.values() for dim in shape)
    if found < least:
        raise ConfigError(
            f"Invalid budget value: {floats!r} (at least {least} floats, or a fraction of {least / entries:.2g}, are "
            "needed for rank 1 on every axis of the group)"
        )
    return found


def _report_of(state: dict[str, Tensor], axis: int) -> dict[str, Any]:
    sketch = Sketch(*[state[f"{name}_{axis}"] for name in Sketch._fields])
    return sketch_report(sketch, float(state[f"root_trace_{axis}"].double().square()))
