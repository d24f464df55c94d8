"""The step that every Kronecker-factored optimizer here takes; a subclass says what it keeps for one axis."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from oco.torch.grafting import graft_state, graft_step
from oco.torch.options import check_options
from oco.torch.shapes import fold, merged_shape, unfold

# Equal shapes are stacked up to this many entries, which bounds the transient memory of one step.
STACKED_ENTRIES = 1 << 22
AxisState = dict[str, Tensor]
LinAlgError: type[Exception] = torch.linalg.LinAlgError  # type: ignore[attr-defined]


class _Bucket(NamedTuple):
    """Parameters of one group that can be stacked: equal merged shape, equal axis states, equal phase."""

    shape: tuple[int, ...]
    preconditioned: bool
    step: float
    params: list[Tensor]


class KroneckerOptimizer(torch.optim.Optimizer):
    """Grafted, Kronecker-factored preconditioning with momentum and decoupled weight decay (base class, not for direct
    use).

    For a gradient G of merged shape (d_1, ..., d_w), with preconditioners P_i from the subclass::

        every update_freq steps: absorb the unfoldings of G into the state of each axis (before G is preconditioned)
        D = G times P_i along every axis i
        u = D ||N|| / ||D||      N the step of the grafted method; u = N for the first start_step steps and for tensors
        of
                                 one axis or with an axis above max_dim
        m = beta1 m + (1 - beta1) u          divided by 1 - beta1^t when bias_correction is on
        W = (1 - lr weight_decay) W - lr m

    A subclass provides :meth:`_axis_state`, :meth:`_update_axis` and :meth:`_apply_axis`.
    """

    axis_names: tuple[str, ...] = ()

    def _axis_state(self, dim: int, rank: int, dtype: torch.dtype, device: torch.device) -> AxisState:
        raise NotImplementedError

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

    def _apply_axis(self, state: AxisState, block: Tensor, exponent: float, group: dict[str, Any]) -> Tensor:
        raise NotImplementedError

    def _axis_ranks(self, group: dict[str, Any]) -> dict[Tensor, list[int]]:
        """Return for each preconditioned parameter the rank of each axis."""
        return {p: list(merged) for p, merged in self._preconditioned(group).items()}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group with its own options; raise on sharded or complex parameters and on options out of range."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        try:
            for index, param in enumerate(group["params"]):
                name = group["param_names"][index] if "param_names" in group else f"number {index} of the group"
                if hasattr(param, "device_mesh") and hasattr(param, "placements"):
                    raise NotImplementedError(
                        f"{type(self).__name__} cannot take parameter {name}: it is a DTensor, and a factor of a "
                        "local shard is not a shard of the factor; use replicated parameters (DistributedDataParallel)."
                    )
                if param.is_complex():
                    raise ValueError(
                        f"{type(self).__name__} does not support complex parameters, parameter {name} is complex"
                    )
            check_options(group)
            self._ranks_of_group(group)
        except BaseException:
            self.param_groups.pop()
            raise

    def _ranks_of_group(self, group: dict[str, Any]) -> None:
        """Let a subclass normalise or refuse its rank options once the parameters of the group are known."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; parameters without gradient are left alone, and so is their step count.

        A tensor whose gradient is not finite is treated as one with a zero gradient and keeps its preconditioner; so
        does one whose decomposition fails twice. More than ``max_failures`` such events since the last good refresh
        raise RuntimeError.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for bucket in self._buckets(group):
                self._step_bucket(bucket, group)
            self._after_step(group)
        return loss

    def _after_step(self, group: dict[str, Any]) -> None:
        """Let a subclass act once all parameters of a group have moved."""

    def _preconditioned(self, group: dict[str, Any]) -> dict[Tensor, tuple[int, ...]]:
        """Return the merged shapes of the parameters of a group that are preconditioned at all."""
        shapes = {p: merged_shape(p.shape, group["merge_dims"], group["merge"]) for p in group["params"]}
        return {
            p: merged
            for p, merged in shapes.items()
            if (group["vectors"] or sum(d > 1 for d in p.shape) > 1) and max(merged) <= group["max_dim"] and p.numel()
        }

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
                self._start_state(state, param, shape, ranks.get(param), group)
            state["step"] += 1
            step = float(state["step"])
            sizes = tuple(state[f"{self.axis_names[0]}_{axis}"].shape for axis in range(len(shape))) if merged else None
            key = (shape, sizes, step, param.dtype, param.device)
            queue = buckets.setdefault(key, [])
            if not queue or (len(queue[-1].params) + 1) * param.numel() > STACKED_ENTRIES:
                queue.append(_Bucket(shape, merged is not None, step, []))
            queue[-1].params.append(param)
        return [bucket for queue in buckets.values() for bucket in queue]

    def _start_state(
        self, state: dict[str, Any], param: Tensor, shape: Sequence[int], ranks: list[int] | None, group: dict[str, Any]
    ) -> None:
        dtype = torch.promote_types(param.dtype, torch.float32)
        state["step"] = torch.zeros((), dtype=torch.float32)
        state["failures"] = torch.zeros((), dtype=torch.float32, device=param.device)
        if group["betas"][0] > 0.0:
            state["exp_avg"] = torch.zeros_like(param, dtype=dtype, memory_format=torch.preserve_format)
        state.update(graft_state(group["graft"], shape, dtype=dtype, device=param.device))
        for axis, rank in enumerate(ranks or ()):
            for name, value in self._axis_state(shape[axis], rank, dtype, param.device).items():
                state[f"{name}_{axis}"] = value

    def _stacked(self, params: list[Tensor], axis: int) -> AxisState:
        return {name: _stack([self.state[p][f"{name}_{axis}"] for p in params]) for name in self.axis_names}

    def _step_bucket(self, bucket: _Bucket, group: dict[str, Any]) -> None:
        params, shape, step = bucket.params, bucket.shape, bucket.step
        dtype = torch.promote_types(params[0].dtype, torch.float32)
        gradients = _stack([p.grad.to(dtype).reshape(shape) for p in params])  # type: ignore[union-attr]
        if group["maximize"]:
            gradients = -gradients
        peak = gradients.abs().flatten(1).amax(1)
        finite = torch.isfinite(peak)
        gradients = torch.where(_along(finite, gradients), gradients, 0.0)
        start = group["start_step"] if group["start_step"] is not None else max(10, group["update_freq"])
        exponent = group["exponent"] if group["exponent"] is not None else -0.5 / len(shape)
        self._refresh(bucket, group, gradients, finite, exponent)
        graft_steps = _stack(
            [graft_step(g, self.state[p], group, step) for p, g in zip(params, gradients, strict=True)]
        )
        steps = graft_steps
        if bucket.preconditioned and step > start:
            # Powers of two keep norms of extreme gradients in range without rounding; the direction is linear in G.
            _, power = torch.frexp(torch.where(finite, peak, 0.0))
            scale = torch.ldexp(torch.ones_like(peak), power.clamp(-120, 120))
            direction = gradients * _along(scale.reciprocal(), gradients)
            for axis in range(len(shape)):
                block = self._apply_axis(self._stacked(params, axis), unfold(direction, axis), exponent, group)
                direction = fold(block, shape, axis)
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
            return direction * _along(scale, direction)
        length = torch.linalg.vector_norm(graft_steps.flatten(1), dim=1)
        own = torch.linalg.vector_norm(direction.flatten(1), dim=1)
        return direction * _along(torch.where(own > 0, length / torch.where(own > 0, own, 1.0), 0.0), direction)

    def _refresh(
        self, bucket: _Bucket, group: dict[str, Any], gradients: Tensor, finite: Tensor, exponent: float
    ) -> None:
        """Absorb the gradients where it is due, and keep the count of failures."""
        params, freq, beta2 = bucket.params, group["update_freq"], group["betas"][1]
        due = (int(bucket.step) - 1) % freq == 0
        good = finite
        if due and bucket.preconditioned:
            decay = beta2**freq
            weight = 1.0 - decay if group["statistics"] == "ema" and beta2 < 1.0 else 1.0
            fresh = []
            for axis in range(len(bucket.shape)):
                old = self._stacked(params, axis)
                new, success = self._try_update(old, unfold(gradients, axis), decay, weight, exponent, group)
                good = good & success
                fresh.append(new)
            for index, param in enumerate(params):
                for axis, new in enumerate(fresh):
                    for name, value in new.items():
                        own = self.state[param][f"{name}_{axis}"]
                        own.copy_(torch.where(good[index], value[index], own))
        for index, param in enumerate(params):
            failures = self.state[param]["failures"]
            failures.copy_(torch.where(good[index], 0.0 if due else failures, failures + 1.0))
        if due:
            self._report_failures(bucket, group)

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

    def _report_failures(self, bucket: _Bucket, group: dict[str, Any]) -> None:
        counts = torch.stack([self.state[p]["failures"] for p in bucket.params]).tolist()
        for param, count in zip(bucket.params, counts, strict=True):
            if count > group["max_failures"]:
                raise RuntimeError(
                    f"{type(self).__name__}: {self._name(param, group)} had {int(count)} non-finite gradients "
                    f"or failed decompositions since its last good refresh (max_failures={group['max_failures']}); "
                    "lower the learning rate, raise eps or look for NaN in the loss."
                )
            if count > 0:
                warnings.warn(
                    f"{type(self).__name__}: {self._name(param, group)} has a non-finite gradient or a failed "
                    f"decomposition ({int(count)} so far); it keeps its old preconditioner.",
                    RuntimeWarning,
                    stacklevel=5,
                )

    def _name(self, param: Tensor, group: dict[str, Any]) -> str:
        index = next(i for i, p in enumerate(group["params"]) if p is param)
        if "param_names" in group:
            return str(group["param_names"][index])
        return f"parameter {index} of shape {tuple(param.shape)}"

    def _move(self, param: Tensor, update: Tensor, step: float, group: dict[str, Any]) -> None:
        beta1, lr = group["betas"][0], float(group["lr"])
        if beta1 > 0.0:
            new = 1.0 - beta1 if group["momentum"] == "ema" else 1.0
            average = self.state[param]["exp_avg"].mul_(beta1).add_(update, alpha=new)
            nesterov = group["nesterov"]
            update = torch.add(average * beta1, update, alpha=new) if nesterov else average
            if group["bias_correction"] and group["momentum"] == "ema":
                lr /= 1.0 - beta1 ** (step + 1 if nesterov else step)
        if group["weight_decay"]:
            param.mul_(1.0 - float(group["lr"]) * group["weight_decay"])
        param.add_(update, alpha=-lr)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state bit for bit: torch would round the float32 state of bfloat16 parameters to bfloat16."""
        final: dict[str, Any] = {}

        def remember(_: torch.optim.Optimizer, loaded: dict[str, Any]) -> None:
            final.update(loaded)

        handle = self.register_load_state_dict_pre_hook(remember)
        try:
            super().load_state_dict(state_dict)
        finally:
            handle.remove()
        for saved, group in zip(final["param_groups"], self.param_groups, strict=True):
            for identifier, param in zip(saved["params"], group["params"], strict=True):
                for name, value in final["state"].get(identifier, {}).items():
                    device = torch.device("cpu") if name == "step" else param.device
                    self.state[param][name] = value.detach().to(device, copy=True)

    def state_bytes(self) -> dict[str, int]:
        """Return bytes held now (none before the first step): momentum, graft, preconditioner, counters, total."""
        kinds = {"exp_avg": "momentum", "step": "counters", "failures": "counters"}
        found = dict.fromkeys(("momentum", "graft", "preconditioner", "counters"), 0)
        for state in self.state.values():
            for name, value in state.items():
                kind = "graft" if name.startswith("graft") else kinds.get(name, "preconditioner")
                found[kind] += value.numel() * value.element_size()
        return {**found, "total": sum(found.values())}


def _stack(tensors: list[Tensor]) -> Tensor:
    """Stack without a copy where there is one tensor."""
    return tensors[0].unsqueeze(0) if len(tensors) == 1 else torch.stack(tensors)


def _along(values: Tensor, like: Tensor) -> Tensor:
    """Shape (B,) values so that they multiply a batch (B, ...)."""
    return values.view(-1, *[1] * (like.ndim - 1))
