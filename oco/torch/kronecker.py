"""The step that every Kronecker-factored optimizer here takes; a subclass says what it keeps for one axis."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from oco.torch.checkpoint import cast_state
from oco.torch.grafting import graft_step
from oco.torch.limits import Scaled, along, limited
from oco.torch.parameter_state import AxisState, Refreshed, StatefulOptimizer
from oco.torch.shapes import fold, merged_shape, unfold

# Equal shapes are stacked up to this many entries, which bounds the transient memory of one step.
STACKED_ENTRIES = 1 << 22
LinAlgError: type[Exception] = torch.linalg.LinAlgError  # type: ignore[attr-defined]


class _Bucket(NamedTuple):
    """Parameters of one group that can be stacked: equal merged shape, equal axis states, equal phase."""

    shape: tuple[int, ...]
    preconditioned: bool
    step: float
    params: list[Tensor]


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

    A subclass provides :meth:`_axis_state`, :meth:`_update_axis` and :meth:`_apply_axis`, which returns the product of
    P_i / c with a block, and the power of two c (B,) in float64 that keeps P_i / c in range.
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

    def _apply_axis(
        self, state: AxisState, block: Tensor, exponent: float, group: dict[str, Any]
    ) -> tuple[Tensor, Tensor]:
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
            for bucket in self._buckets(group):
                self._step_bucket(bucket, group)
            self._after_step(group)
        self._report_failures()
        return loss

    def _after_step(self, group: dict[str, Any]) -> None:
        """Let a subclass act once all parameters of a group have moved."""

    def _buckets(self, group: dict[str, Any]) -> list[_Bucket]:
        """Stackable sets of the parameters with gradients, their state created and their step counted."""
        shapes = self._preconditioned(group)
        buckets: dict[Any, list[_Bucket]] = {}
        ranks: dict[Tensor, list[int]] | None = None
        for param in group["params"]:
            if param.grad is None or not param.numel():
                continue
            if param.grad.is_sparse:
                raise RuntimeError(f"{type(self).__name__} does not support sparse gradients")
            merged = shapes.get(param)
            shape = merged or merged_shape(param.shape, group["merge_dims"], group["merge"])
            state = self.state[param]
            if not state:
                if ranks is None:
                    ranks = self._axis_ranks(group)
                state.update(self._new_state(param, ranks.get(param), group, param.device))
            elif (state["norm"].dtype, state["norm"].device) != (
                torch.promote_types(param.dtype, torch.float32),
                param.device,
            ):
                state.update(cast_state(state, param))
            state["step"] += 1
            step = float(state["step"])
            sizes = tuple(state[f"{self.axis_names[0]}_{axis}"].shape for axis in range(len(shape))) if merged else None
            key = (shape, sizes, step, param.dtype, param.device)
            queue = buckets.setdefault(key, [])
            if not queue or (len(queue[-1].params) + 1) * param.numel() > STACKED_ENTRIES:
                queue.append(_Bucket(shape, merged is not None, step, []))
            queue[-1].params.append(param)
        return [bucket for queue in buckets.values() for bucket in queue]

    def _stacked(self, params: list[Tensor], axis: int) -> AxisState:
        return {name: _stack([self.state[p][f"{name}_{axis}"] for p in params]) for name in self.axis_names}

    def _step_bucket(self, bucket: _Bucket, group: dict[str, Any]) -> None:
        params, shape, step = bucket.params, bucket.shape, bucket.step
        dtype = torch.promote_types(params[0].dtype, torch.float32)
        gradients = _stack([p.grad.to(dtype).reshape(shape) for p in params])  # type: ignore[union-attr]
        if group["maximize"]:
            gradients = -gradients
        scaled = limited(gradients, _stack([self.state[p]["norm"] for p in params]), step, group)
        gradients = scaled.gradients
        start = group["start_step"] if group["start_step"] is not None else max(10, group["update_freq"])
        exponent = group["exponent"] if group["exponent"] is not None else -0.5 / len(shape)
        self._refresh(bucket, group, scaled, exponent)
        graft_steps = _stack(
            [graft_step(g, self.state[p], group, step) for p, g in zip(params, gradients, strict=True)]
        )
        steps = graft_steps
        if bucket.preconditioned and step > start:
            direction, scale = scaled.direction, scaled.scale
            for axis in range(len(shape)):
                block, gain = self._apply_axis(self._stacked(params, axis), unfold(direction, axis), exponent, group)
                direction, scale = fold(block, shape, axis), scale * gain
            steps = self._graft(direction, graft_steps, scale, exponent, step, group)
        for param, update in zip(params, steps, strict=True):
            self._move(param, update.reshape(param.shape), step, group)

    def _graft(
        self, direction: Tensor, graft_steps: Tensor, scale: Tensor, exponent: float, step: float, group: dict[str, Any]
    ) -> Tensor:
        if group["graft"] == "none":
            if group["statistics"] == "ema" and group["bias_correction"] and group["betas"][1] < 1.0:
                absorbed = ((step - 1) // group["update_freq"] + 1) * group["update_freq"]
                total = exponent * (direction.ndim - 1)
                direction = direction * (1.0 - group["betas"][1] ** absorbed) ** -total
            return direction * along(scale.to(direction.dtype), direction)
        length = torch.linalg.vector_norm(graft_steps.flatten(1), dim=1)
        own = torch.linalg.vector_norm(direction.flatten(1), dim=1)
        return direction * along(torch.where(own > 0, length / torch.where(own > 0, own, 1.0), 0.0), direction)

    def _refresh(self, bucket: _Bucket, group: dict[str, Any], scaled: Scaled, exponent: float) -> None:
        """Absorb the gradients and note what there is to report where that is due; keep the counts."""
        params, freq, beta2 = bucket.params, group["update_freq"], group["betas"][1]
        due = (int(bucket.step) - 1) % freq == 0
        good = scaled.finite
        if due and bucket.preconditioned:
            decay = beta2**freq
            weight = 1.0 - decay if group["statistics"] == "ema" and beta2 < 1.0 else 1.0
            fresh = []
            for axis in range(len(bucket.shape)):
                old = self._stacked(params, axis)
                new, success = self._try_update(old, unfold(scaled.gradients, axis), decay, weight, exponent, group)
                good = good & success
                fresh.append(new)
            for index, param in enumerate(params):
                for axis, new in enumerate(fresh):
                    for name, value in new.items():
                        own = self.state[param][f"{name}_{axis}"]
                        own.copy_(torch.where(good[index], value[index], own))
        states = [self.state[p] for p in params]
        bad = list((~good).to(scaled.norms.dtype).unbind())
        counters = [state[name] for name in ("failures", "skipped") for state in states]
        torch._foreach_add_(counters, bad * 2)
        torch._foreach_copy_([state["norm"] for state in states], list(scaled.norms.unbind()))
        if due:
            failures = torch.stack(counters[: len(params)])
            self._refreshed.append(Refreshed(params, group, failures, good))
            torch._foreach_copy_(counters[: len(params)], list(torch.where(good, 0.0, failures).unbind()))

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
        success = torch.stack([torch.isfinite(value).reshape(len(blocks), -1).all(1) for value in new.values()]).all(0)
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

    def _move(self, param: Tensor, update: Tensor, step: float, group: dict[str, Any]) -> None:
        beta1, lr = group["betas"][0], float(group["lr"])
        if beta1 > 0.0:
            new = 1.0 - beta1 if group["momentum"] == "ema" else 1.0
            if "exp_avg" not in self.state[param]:  # momentum that was switched on later begins at zero
                self.state[param]["exp_avg"] = torch.zeros_like(param, dtype=update.dtype)
            average = self.state[param]["exp_avg"].mul_(beta1).add_(update, alpha=new)
            nesterov = group["nesterov"]
            update = torch.add(average * beta1, update, alpha=new) if nesterov else average
            if group["bias_correction"] and group["momentum"] == "ema":
                lr /= 1.0 - beta1 ** (step + 1 if nesterov else step)
        if group["weight_decay"]:
            param.mul_(1.0 - float(group["lr"]) * group["weight_decay"])
        param.add_(update, alpha=-lr)


def _stack(tensors: list[Tensor]) -> Tensor:
    """Stack without a copy where there is one tensor."""
    return tensors[0].unsqueeze(0) if len(tensors) == 1 else torch.stack(tensors)
