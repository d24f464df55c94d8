"""The step that every Kronecker-factored optimizer here takes; a subclass says what it keeps for one axis."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from oco.torch.checkpoint import cast_state
from oco.torch.grafting import graft_steps
from oco.torch.limits import Scaled, limited
from oco.torch.parameter_state import AxisState, Refreshed, StatefulOptimizer
from oco.torch.shapes import fold, merged_shape, unfold
from oco.torch.stacks import Batch, Bucket, Placed, batches, columns, joined, stacked, unstacked

# Equal shapes are stacked up to this many entries, which bounds the transient memory of one step.
STACKED_ENTRIES = 1 << 22
InverseRoot = Callable[[Tensor], Tensor]
LinAlgError: type[Exception] = torch.linalg.LinAlgError  # type: ignore[attr-defined]


class KroneckerOptimizer(StatefulOptimizer):
    """Grafted, Kronecker-factored preconditioning with momentum and decoupled weight decay (not for direct use).

    For a gradient G of merged shape (d_1, ..., d_w), shortened where :func:`oco.torch.limits.limited` says so, with
    preconditioners P_i from the subclass::

        every update_freq steps: absorb the unfoldings of G into the state of each axis (before G is preconditioned)
        D = G times P_i along every axis i
        u = D ||N|| / ||D||      N the step of the grafted method; u = N for the first start_step steps, and for
                                 tensors of one axis or with an axis above max_dim
        m = beta1 m + (1 - beta1) u          divided by 1 - beta1^t when bias_correction is on
        W = (1 - lr weight_decay) W - lr m

    A subclass provides :meth:`_axis_state`, :meth:`_update_axis` and :meth:`_inverse_roots`: for the states of buckets,
    functions from stacks of blocks to P_i / c times them, and for all rows the powers of two c that keep P_i / c in
    range.
    """

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
        raise NotImplementedError

    def _inverse_roots(
        self, states: list[list[dict[str, Tensor]]], axis: int, exponent: float, group: dict[str, Any]
    ) -> tuple[list[InverseRoot], Tensor]:
        raise NotImplementedError

    # Compiled graphs would break at every read of a counter: torch.compile leaves the step as it is.
    @torch.compiler.disable
    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; parameters without gradient are left alone, and so is their step count.

        A tensor whose gradient is not finite is treated as one with a zero gradient and keeps its preconditioner; so
        does one whose decomposition fails twice. Every refresh reports such events since the one before, in a
        RuntimeWarning; more than ``max_failures`` since the last good refresh raise RuntimeError once all parameters
        have moved. :meth:`skipped_steps` has the count since the first step.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._refreshed.clear()
        for group in self.param_groups:
            self._settle(group)
            for batch in self._batches(group):
                self._step_batch(batch, group)
            self._after_step(group)
        self._report_failures()
        return loss

    def _after_step(self, group: dict[str, Any]) -> None:
        """Let a subclass act once all parameters of a group have moved."""

    def _batches(self, group: dict[str, Any]) -> list[Batch]:
        """Batches of the parameters with gradients, their state created and their step counted."""
        shapes = self._preconditioned(group)
        ranks: dict[Tensor, list[int]] | None = None
        moving = []
        for param in group["params"]:
            if param.grad is None or not param.numel():
                continue
            if param.grad.is_sparse:
                raise RuntimeError(f"{type(self).__name__} does not support sparse gradients")
            state = self.state[param]
            if not state:
                if ranks is None:
                    ranks = self._axis_ranks(group)
                state.update(self._new_state(param, ranks.get(param), group, param.device))
            elif (state["norm"].dtype, state["norm"].device) != (wide(param.dtype), param.device):
                state.update(cast_state(state, param))
            moving.append(param)
        if not moving:
            return []
        counts = [self.state[param]["step"] for param in moving]
        torch._foreach_add_(counts, 1.0)
        placed = []
        for param, step in zip(moving, torch.stack(counts).tolist(), strict=True):
            state, merged = self.state[param], shapes.get(param)
            shape = merged or merged_shape(param.shape, group["merge_dims"], group["merge"])
            sizes = tuple(state[f"{self.axis_names[0]}_{axis}"].shape for axis in range(len(shape))) if merged else None
            placed.append(Placed(param, shape, sizes, step))
        return batches(placed, STACKED_ENTRIES)

    def _states(self, batch: Batch) -> list[list[dict[str, Tensor]]]:
        return [[self.state[param] for param in bucket.params] for bucket in batch.buckets]

    def _step_batch(self, batch: Batch, group: dict[str, Any]) -> None:
        params, step, states = batch.params, batch.step, self._states(batch)
        dtype = wide(params[0].dtype)
        flat = [stacked([p.grad.to(dtype).reshape(-1) for p in bucket.params]) for bucket in batch.buckets]
        if group["maximize"]:
            flat = list(torch._foreach_neg(flat))
        beta2 = group["betas"][1]
        summed = beta2 == 1.0 or group["statistics"] == "sum"
        norms = torch.stack([self.state[param]["norm"] for param in params])
        scaled = limited(flat, norms, step, beta2, summed)
        gradients = self._shaped(scaled.gradients, batch)
        self._refresh(batch, group, gradients, scaled)
        steps = graft_steps(gradients, states, group, step)
        start = group["start_step"] if group["start_step"] is not None else max(10, group["update_freq"])
        if batch.preconditioned and step > start:
            steps = self._precondition(batch, group, self._shaped(scaled.directions, batch), scaled.scale, steps)
        self._move(params, unstacked(steps), step, group)

    def _shaped(self, flat: list[Tensor], batch: Batch) -> list[Tensor]:
        return [stack.view(-1, *bucket.shape) for stack, bucket in zip(flat, batch.buckets, strict=True)]

    def _exponent(self, batch: Batch, group: dict[str, Any]) -> float:
        return float(group["exponent"]) if group["exponent"] is not None else -0.5 / len(batch.buckets[0].shape)

    def _precondition(
        self, batch: Batch, group: dict[str, Any], directions: list[Tensor], scale: Tensor, steps: list[Tensor]
    ) -> list[Tensor]:
        """Precondition directions with entries of at most 1, and give them the lengths of the grafted steps."""
        states, exponent = self._states(batch), self._exponent(batch, group)
        order = len(batch.buckets[0].shape)
        scale = scale.double()
        for axis in range(order):
            roots, gains = self._inverse_roots(states, axis, exponent, group)
            scale = scale * gains
            directions = [
                fold(root(unfold(direction, axis)), bucket.shape, axis)
                for root, direction, bucket in zip(roots, directions, batch.buckets, strict=True)
            ]
        flat = [direction.flatten(1) for direction in directions]
        if group["graft"] == "none":
            beta2, freq = group["betas"][1], group["update_freq"]
            if group["statistics"] == "ema" and group["bias_correction"] and beta2 < 1.0:
                absorbed = ((batch.step - 1) // freq + 1) * freq
                torch._foreach_mul_(flat, (1.0 - beta2**absorbed) ** (-exponent * order))
            ratio = scale
        else:
            length = joined([torch.linalg.vector_norm(stack.flatten(1), dim=1) for stack in steps])
            own = joined([torch.linalg.vector_norm(stack, dim=1) for stack in flat])
            ratio = torch.where(own > 0, length / torch.where(own > 0, own, 1.0), 0.0)
        return list(torch._foreach_mul(flat, columns(ratio.to(flat[0].dtype), batch.rows)))

    def _refresh(self, batch: Batch, group: dict[str, Any], gradients: list[Tensor], scaled: Scaled) -> None:
        """Absorb the gradients and note what there is to report where that is due; keep the counts."""
        params = batch.params
        due = (int(batch.step) - 1) % group["update_freq"] == 0
        good = scaled.finite
        if due and batch.preconditioned:
            parts = [
                self._absorb(bucket, group, stack, fine, self._exponent(batch, group))
                for bucket, stack, fine in zip(batch.buckets, gradients, good.split(batch.rows), strict=True)
            ]
            good = joined(parts)
        states = [self.state[p] for p in params]
        bad = list((~good).to(scaled.norms.dtype).unbind())
        counters = [state[name] for name in ("failures", "skipped") for state in states]
        torch._foreach_add_(counters, bad * 2)
        torch._foreach_copy_([state["norm"] for state in states], list(scaled.norms.unbind()))
        if due:
            failures = torch.stack(counters[: len(params)])
            self._refreshed.append(Refreshed(params, group, failures, good))
            torch._foreach_copy_(counters[: len(params)], list(torch.where(good, 0.0, failures).unbind()))

    def _absorb(
        self, bucket: Bucket, group: dict[str, Any], gradients: Tensor, good: Tensor, exponent: float
    ) -> Tensor:
        """Update the axis states of a bucket where all goes well; return where it did."""
        beta2, freq = group["betas"][1], group["update_freq"]
        decay = beta2**freq
        weight = 1.0 - decay if group["statistics"] == "ema" and beta2 < 1.0 else 1.0
        states = [self.state[param] for param in bucket.params]
        pairs = []
        for axis in range(len(bucket.shape)):
            old = {name: stacked([state[f"{name}_{axis}"] for state in states]) for name in self.axis_names}
            new, success = self._try_update(old, unfold(gradients, axis), decay, weight, exponent, group)
            good = good & success
            pairs += [(f"{name}_{axis}", old[name], value) for name, value in new.items()]
        for name, before, value in pairs:
            kept = torch.where(good.view(-1, *[1] * (value.ndim - 1)), value, before)
            torch._foreach_copy_([state[name] for state in states], list(kept.unbind()))
        return good

    def _try_update(
        self, old: AxisState, blocks: Tensor, decay: float, weight: float, exponent: float, group: dict[str, Any]
    ) -> tuple[AxisState, Tensor]:
        """Update a stack of axis states; where that fails, each alone in float64; report where that fails too."""
        try:
            new = self._update_axis(old, blocks, decay, weight, exponent, group, retry=False)
        except LinAlgError:
            rows = []
            for index in range(len(blocks)):
                own = {name: value[index : index + 1] for name, value in old.items()}
                try:
                    block = blocks[index : index + 1]
                    rows.append(self._update_axis(own, block, decay, weight, exponent, group, retry=True))
                except LinAlgError:
                    rows.append({name: torch.full_like(value, torch.nan) for name, value in own.items()})
            new = {name: torch.cat([row[name] for row in rows]) for name in old}
        peaks = [value.abs().flatten(1).amax(1) if value.ndim > 1 else value for value in new.values()]
        success = torch.isfinite(torch.stack(peaks)).all(0)
        return new, success

    def _report_failures(self) -> None:
        """Warn of failures since the last refresh, whether or not it is good; raise where there are too many."""
        errors = []
        for params, group, failures, good in self._refreshed:
            for param, count, cleared in zip(params, failures.tolist(), good.tolist(), strict=True):
                before = self._reported.pop(param, 0.0)
                if count and not cleared:
                    self._reported[param] = count
                if count <= before:
                    continue
                name = f"{type(self).__name__}: {self._name(param, group)}"
                if count > group["max_failures"]:
                    errors.append(
                        f"{name} had {int(count)} non-finite gradients or failed decompositions since its last good "
                        f"refresh (max_failures={group['max_failures']}); lower the learning rate, raise eps or look "
                        "for NaN in the loss."
                    )
                    continue
                warnings.warn(
                    f"{name} has a non-finite gradient or a failed decomposition ({int(count)} so far); it keeps its "
                    "old preconditioner.",
                    RuntimeWarning,
                    stacklevel=6,
                )
        if errors:
            raise RuntimeError(errors[0])

    def _move(self, params: list[Tensor], rows: list[Tensor], step: float, group: dict[str, Any]) -> None:
        beta1, lr = group["betas"][0], float(group["lr"])
        updates = [row.view(param.shape) for row, param in zip(rows, params, strict=True)]
        if group["weight_decay"]:
            torch._foreach_mul_(params, 1.0 - lr * group["weight_decay"])
        if beta1 > 0.0:
            new = 1.0 - beta1 if group["momentum"] == "ema" else 1.0
            for param, update in zip(params, updates, strict=True):
                if "exp_avg" not in self.state[param]:  # momentum that was switched on later begins at zero
                    self.state[param]["exp_avg"] = torch.zeros_like(param, dtype=update.dtype)
            averages = [self.state[param]["exp_avg"] for param in params]
            torch._foreach_mul_(averages, beta1)
            torch._foreach_add_(averages, updates, alpha=new)
            nesterov = group["nesterov"]
            if nesterov:
                ahead = torch._foreach_mul(averages, beta1)
                torch._foreach_add_(ahead, updates, alpha=new)
            updates = list(ahead) if nesterov else averages
            if group["bias_correction"] and group["momentum"] == "ema":
                lr /= 1.0 - beta1 ** (step + 1 if nesterov else step)
        torch._foreach_add_(params, updates, alpha=-lr)


def wide(dtype: torch.dtype) -> torch.dtype:
    """Return the precision of states: that of the parameters, at least float32."""
    return torch.promote_types(dtype, torch.float32)
