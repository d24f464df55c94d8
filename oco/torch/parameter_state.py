"""The state that an optimizer keeps for each parameter, and its response to options that are changed later."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

import torch
from torch import Tensor

from oco.errors import ConfigError
from oco.torch.checkpoint import cast_state, misfit
from oco.torch.checks import refuse_parameter, refuse_sparse
from oco.torch.grafting import graft_state
from oco.torch.groups import RECORDS, Plan, flattened, outside, replacement, warn_of_earlier
from oco.torch.member_step import member_state

AxisState = dict[str, Tensor]
# The options that decide which entries a parameter's state has, and their shapes.
STRUCTURE = ("rank", "budget", "graft", "merge_dims", "merge", "max_dim", "vectors")
OF_MEMBERS = ("core", "cross", "tail", "momentum_storage", "unsketched", "share")


class StatefulOptimizer(torch.optim.Optimizer, ABC):
    """Groups and states of Kronecker-factored optimizers (base class, not for direct use).

    Groups hold flat plain values, as in PyTorch's own optimizers, so that schedulers, checkpoints and
    ``torch.load(weights_only=True)`` can handle them. The step reads :class:`oco.torch.groups.Plan`.
    """

    axis_names: ClassVar[tuple[str, ...]] = ()
    kinds: ClassVar[tuple[str, ...]] = ("momentum", "graft", "preconditioner", "counters")

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self._plans: dict[int, tuple[dict[str, Any], Plan]] = {}
        self._option_names = tuple(defaults)
        super().__init__(params, defaults)

    @classmethod
    @abstractmethod
    def option_defaults(cls) -> dict[str, Any]:
        """Return the flat options of a group with their defaults."""

    @abstractmethod
    def _axis_state(self, dim: int, rank: int, dtype: torch.dtype, device: torch.device) -> AxisState:
        """Return what is kept for one axis before the first step."""

    @abstractmethod
    def _axis_ranks(self, plan: Plan) -> dict[Tensor, list[int]]:
        """Return for each preconditioned parameter the rank of each axis."""

    @abstractmethod
    def _with_ranks(self, group: dict[str, Any], plan: Plan) -> Plan:
        """Normalize or refuse the rank options of a group, whose parameters are known by now."""

    @abstractmethod
    def _fit_ranks(self, state: dict[str, Any], ranks: list[int], plan: Plan) -> list[int]:
        """Bring a state to ``ranks``; return the ranks that it then has."""

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group with its own options; raise on sharded or complex parameters and on options out of range."""
        super().add_param_group(flattened(param_group, self.defaults))
        group = self.param_groups[-1]
        try:
            for index, param in enumerate(group["params"]):
                name = group["param_names"][index] if "param_names" in group else f"number {index} of the group"
                refuse_parameter(type(self).__name__, name, param)
            plan = self._plan(group)
        except BaseException:
            self.param_groups.pop()
            raise
        earlier = [name for name in param_group if name in self.defaults and replacement(name)]
        warn_of_earlier(name for name in earlier if param_group[name] != self.defaults[name])
        own = plan.settings.preconditioner
        if group["params"] and not plan.preconditioned and own.max_dim > 1:
            option = "graft" if plan.settings.member is None else "unsketched"
            warnings.warn(
                f"{type(self).__name__}: none of the {len(group['params'])} parameters of group "
                f"{len(self.param_groups) - 1} is preconditioned (each has one axis, or one above max_dim="
                f"{own.max_dim}); they take the steps of {option}={group[option]!r}. Give the group "
                "preconditioner=Preconditioner(max_dim=1) if that is meant.",
                UserWarning,
                stacklevel=outside(),
            )

    def _plan(self, group: dict[str, Any]) -> Plan:
        """Check the options of a group, and its ranks."""
        plan = self._with_ranks(group, Plan.of(group))
        self._axis_ranks(plan)
        return plan

    def _settled(self, group: dict[str, Any]) -> Plan:
        """Apply options that were changed in ``group`` since the last step, or raise an error of one sentence."""
        records = {name: group[name] for name, record in RECORDS.items() if isinstance(group.get(name), record)}
        if records:
            flat = flattened(records, self._option_names)
            group.update(flat)
            for name in records.keys() - flat.keys():
                if name in self._option_names:
                    group[name] = self.option_defaults()[name]
                else:
                    del group[name]
        known = self._plans.get(id(group))
        if known is not None and known[0] == self._values(group):
            return known[1]
        plan = self._plan(group)
        values = self._values(group)
        if known is None or any(known[0].get(name) != values.get(name) for name in (*STRUCTURE, *OF_MEMBERS, "params")):
            self._follow(group, plan)
        self._plans[id(group)] = values, plan
        return plan

    def _values(self, group: dict[str, Any]) -> dict[str, Any]:
        """Copy the options that a plan depends on; the learning rate is read at every step."""
        values = {name: group[name] for name in self._option_names if name != "lr"}
        if isinstance(values.get("rank"), Mapping):
            values["rank"] = dict(values["rank"])
        return {**values, "params": [id(param) for param in group["params"]]}

    def _follow(self, group: dict[str, Any], plan: Plan) -> None:
        ranks = self._axis_ranks(plan)
        for param in group["params"]:
            state = self.state.get(param)
            if state:
                held = self._fit_ranks(state, ranks[param], plan) if param in ranks else None
                fault = self._misfit(param, state, held, plan)
                if fault:
                    raise ConfigError(
                        f"{type(self).__name__}: options of a group were changed after its first step, and the state "
                        f"of {self._name(param, group)} {fault}; of the "
                        "options that decide what is kept only rank may change, or begin a new optimizer"
                    )

    def _new_state(
        self, param: Tensor, ranks: Sequence[int] | None, plan: Plan, device: torch.device
    ) -> dict[str, Tensor]:
        """Return the state before the first step; ``ranks`` is None for a parameter that is not preconditioned."""
        dtype, shape = wide(param.dtype), plan.shapes[param]
        state = {"step": torch.zeros((), dtype=torch.float32)}
        for name in ("failures", "skipped", "norm"):
            state[name] = torch.zeros((), dtype=dtype, device=device)
        if plan.settings.member is not None:
            state.update(member_state(plan.settings, shape, ranks, dtype, device))
        else:
            if plan.settings.betas[0] > 0.0:
                state["exp_avg"] = torch.zeros_like(param, dtype=dtype, device=device)
            state.update(graft_state(plan.settings.graft.method, shape, dtype=dtype, device=device))
        for axis, rank in enumerate(ranks or ()):
            for name, value in self._axis_state(shape[axis], rank, dtype, device).items():
                state[f"{name}_{axis}"] = value
        return state

    def _moving(self, group: dict[str, Any], plan: Plan) -> list[Tensor]:
        """Parameters with gradients; their states are created, or cast to the parameter's present precision."""
        ranks: dict[Tensor, list[int]] | None = None
        moving = []
        for param in group["params"]:
            if param.grad is None or not param.numel():
                continue
            if param.grad.layout is not torch.strided:
                raise refuse_sparse(type(self).__name__, self._name(param, group))
            state = self.state[param]
            if not state:
                if ranks is None:
                    ranks = self._axis_ranks(plan)
                state.update(self._new_state(param, ranks.get(param), plan, param.device))
            elif (state["norm"].dtype, state["norm"].device) != (wide(param.dtype), param.device):
                state.update(cast_state(state, param))
            moving.append(param)
        return moving

    def _sizes(self, param: Tensor, plan: Plan) -> tuple[torch.Size, ...] | None:
        if param not in plan.preconditioned:
            return None
        state, name = self.state[param], self.axis_names[0]
        return tuple(state[f"{name}_{axis}"].shape for axis in range(len(plan.shapes[param])))

    def _misfit(self, param: Tensor, state: Mapping[str, Any], ranks: list[int] | None, plan: Plan) -> str:
        return misfit(state, self._new_state(param, ranks, plan, torch.device("meta")))

    def _name(self, param: Tensor, group: dict[str, Any]) -> str:
        index = next(i for i, p in enumerate(group["params"]) if p is param)
        if "param_names" in group:
            return str(group["param_names"][index])
        return f"parameter {index} of shape {tuple(param.shape)}"

    def skipped_steps(self) -> dict[str, int]:
        """Return for each parameter with a state how many of its steps since the first were skipped.

        A step is skipped where the gradient is not finite or its decomposition fails. Reading the counts synchronizes
        with the device.
        """
        return {
            self._name(param, group): int(self.state[param]["skipped"])
            for group in self.param_groups
            for param in group["params"]
            if self.state.get(param)
        }

    def state_bytes(self) -> dict[str, int]:
        """Return bytes held now (none before the first step): momentum, graft, preconditioner, counters, total."""
        counters = dict.fromkeys(("step", "failures", "skipped", "norm"), "counters")
        kinds = {"exp": "momentum", "average": "momentum", "graft": "graft", **counters}
        kinds |= dict.fromkeys(("own", "core", "left", "right", "rest"), "second_moments")
        found = dict.fromkeys(self.kinds, 0)
        for state in self.state.values():
            for name, value in state.items():
                kind = kinds.get(name.split("_")[0], "preconditioner")
                found[kind] += value.numel() * value.element_size()
        return {**found, "total": sum(found.values())}


@cache
def wide(dtype: torch.dtype) -> torch.dtype:
    """Return the precision of states: that of the parameters, at least float32."""
    return torch.promote_types(dtype, torch.float32)
