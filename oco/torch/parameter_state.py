"""What an optimizer keeps for each parameter: created, counted, saved, loaded and refused where it does not fit."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from oco.errors import ConfigError
from oco.torch.checkpoint import cast_state, match_groups, misfit
from oco.torch.grafting import graft_state
from oco.torch.options import check_options
from oco.torch.shapes import merged_shape

AxisState = dict[str, Tensor]
# The options that decide which entries a parameter's state has, and their shapes.
STRUCTURE = ("rank", "budget", "graft", "merge_dims", "merge", "max_dim", "vectors")


class Refreshed(NamedTuple):
    """What a refresh of a bucket reports: failures since the last good refresh, and whether this one is good."""

    params: list[Tensor]
    group: dict[str, Any]
    failures: Tensor
    good: Tensor


class StatefulOptimizer(torch.optim.Optimizer):
    """Groups, states and checkpoints of Kronecker-factored optimizers (base class, not for direct use)."""

    axis_names: tuple[str, ...] = ()

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self._layouts: dict[int, Any] = {}
        self._reported: dict[Tensor, float] = {}
        self._refreshed: list[Refreshed] = []
        super().__init__(params, defaults)

    def _axis_state(self, dim: int, rank: int, dtype: torch.dtype, device: torch.device) -> AxisState:
        raise NotImplementedError

    def _axis_ranks(self, group: dict[str, Any]) -> dict[Tensor, list[int]]:
        """Return for each preconditioned parameter the rank of each axis."""
        return {p: list(merged) for p, merged in self._preconditioned(group).items()}

    def _ranks_of_group(self, group: dict[str, Any]) -> None:
        """Let a subclass normalize or refuse its rank options once the parameters of the group are known."""

    def _fit_ranks(self, state: dict[str, Any], ranks: list[int], group: dict[str, Any]) -> list[int]:
        """Let a subclass bring a state to ``ranks``; return the ranks that it then has."""
        return ranks

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group with its own options; raise on sharded or complex parameters and on options out of range."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        try:
            for index, param in enumerate(group["params"]):
                name = group["param_names"][index] if "param_names" in group else f"number {index} of the group"
                refuse_parameter(type(self).__name__, name, param)
            check_options(group)
            self._ranks_of_group(group)
        except BaseException:
            self.param_groups.pop()
            raise
        if group["params"] and not self._preconditioned(group) and group["max_dim"] > 1:
            warnings.warn(
                f"{type(self).__name__}: none of the {len(group['params'])} parameters of group "
                f"{len(self.param_groups) - 1} is preconditioned (each has one axis, or one above max_dim="
                f"{group['max_dim']}); they take the steps of graft={group['graft']!r}. Give the group max_dim=1 if "
                "that is meant.",
                UserWarning,
                stacklevel=3,
            )

    def _preconditioned(self, group: dict[str, Any]) -> dict[Tensor, tuple[int, ...]]:
        """Return the merged shapes of the parameters of a group that are preconditioned at all."""
        shapes = {p: merged_shape(p.shape, group["merge_dims"], group["merge"]) for p in group["params"]}
        return {
            p: merged
            for p, merged in shapes.items()
            if (group["vectors"] or sum(d > 1 for d in p.shape) > 1) and max(merged) <= group["max_dim"] and p.numel()
        }

    def _new_state(
        self, param: Tensor, ranks: Sequence[int] | None, group: dict[str, Any], device: torch.device
    ) -> dict[str, Tensor]:
        """Return the state before the first step; ``ranks`` is None for a parameter that is not preconditioned."""
        dtype = torch.promote_types(param.dtype, torch.float32)
        shape = merged_shape(param.shape, group["merge_dims"], group["merge"])
        state = {"step": torch.zeros((), dtype=torch.float32)}
        for name in ("failures", "skipped", "norm"):
            state[name] = torch.zeros((), dtype=dtype, device=device)
        if group["betas"][0] > 0.0:
            state["exp_avg"] = torch.zeros_like(param, dtype=dtype, device=device, memory_format=torch.preserve_format)
        state.update(graft_state(group["graft"], shape, dtype=dtype, device=device))
        for axis, rank in enumerate(ranks or ()):
            for name, value in self._axis_state(shape[axis], rank, dtype, device).items():
                state[f"{name}_{axis}"] = value
        return state

    def _misfit(self, param: Tensor, state: Mapping[str, Any], ranks: list[int] | None, group: dict[str, Any]) -> str:
        return misfit(state, self._new_state(param, ranks, group, torch.device("meta")))

    def _settle(self, group: dict[str, Any]) -> None:
        """Follow options that were changed in ``group`` since the last step, or refuse them in one sentence."""
        layout = self._layout(group)
        if self._layouts.get(id(group)) == layout:
            return
        check_options(group)
        self._ranks_of_group(group)
        ranks = self._axis_ranks(group)
        for param in group["params"]:
            state = self.state.get(param)
            if state:
                held = self._fit_ranks(state, ranks[param], group) if param in ranks else None
                fault = self._misfit(param, state, held, group)
                if fault:
                    raise ConfigError(
                        f"{type(self).__name__}: options of a group were changed after its first step, and the state "
                        f"of {self._name(param, group)} {fault}; only rank may change, or begin a new optimizer"
                    )
        self._layouts[id(group)] = self._layout(group)

    def _layout(self, group: dict[str, Any]) -> list[Any]:
        options = [group.get(name) for name in STRUCTURE]
        return [*(dict(o) if isinstance(o, Mapping) else o for o in options), len(group["params"])]

    def _name(self, param: Tensor, group: dict[str, Any]) -> str:
        index = next(i for i, p in enumerate(group["params"]) if p is param)
        if "param_names" in group:
            return str(group["param_names"][index])
        return f"parameter {index} of shape {tuple(param.shape)}"

    def state_dict(self) -> dict[str, Any]:
        """Return plain tensors and options, after options that were changed by hand have been checked."""
        for group in self.param_groups:
            self._settle(group)
        return super().state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what :meth:`state_dict` returned, bit for bit where the precision is the same.

        Parameters are matched by name where both sides are named, else by position. States are cast to the precision
        of this optimizer's parameters (at least float32). Options that the checkpoint lacks keep their values.

        Raises
        ------
        ConfigError
            If names, ranks, shapes or the kind of optimizer differ. Nothing is changed then.
        """
        final: dict[str, Any] = {}

        def match(_: torch.optim.Optimizer, loaded: dict[str, Any]) -> dict[str, Any]:
            final.update(self._matched(loaded))
            return final

        def cast(_: torch.optim.Optimizer) -> None:
            for saved, group in zip(final["param_groups"], self.param_groups, strict=True):
                for identifier, param in zip(saved["params"], group["params"], strict=True):
                    if final["state"].get(identifier):
                        self.state[param] = cast_state(final["state"][identifier], param)

        handles = [
            self.register_load_state_dict_pre_hook(match),
            self.register_load_state_dict_post_hook(cast, prepend=True),
        ]
        try:
            super().load_state_dict(state_dict)
        finally:
            for handle in handles:
                handle.remove()

    def _matched(self, loaded: dict[str, Any]) -> dict[str, Any]:
        """Return a checkpoint in this optimizer's order with every option and counter, or raise ConfigError."""
        groups, states = [], dict(loaded["state"])
        for own, saved in zip(self.param_groups, match_groups(self.param_groups, loaded["param_groups"]), strict=True):
            options = {name: value for name, value in own.items() if name not in ("params", "param_names")} | saved
            group = {**options, "params": own["params"]}
            check_options(group)
            self._ranks_of_group(group)
            ranks = self._axis_ranks(group)
            if group.get("budget") != own.get("budget") or ranks != self._axis_ranks(own):
                raise ConfigError(
                    f"{type(self).__name__}: the checkpoint has rank={group['rank']!r} and budget="
                    f"{group['budget']!r}, this optimizer rank={own['rank']!r} and budget={own['budget']!r}; "
                    "construct it with those of the checkpoint, and set another rank afterwards"
                )
            for identifier, param in zip(saved["params"], own["params"], strict=True):
                if states.get(identifier):
                    states[identifier] = self._completed(states[identifier], param, ranks.get(param), group, own)
            groups.append(options)
        return {**loaded, "state": states, "param_groups": groups}

    def _completed(
        self,
        state: dict[str, Any],
        param: Tensor,
        ranks: list[int] | None,
        group: dict[str, Any],
        own: dict[str, Any],
    ) -> dict[str, Any]:
        """Return a saved state with the counters that it lacks, or raise ConfigError where it does not fit."""
        held = ranks
        if ranks is not None and group.get("rank") == "auto":
            saved = [state.get(f"{self.axis_names[0]}_{axis}") for axis in range(len(ranks))]
            held = [value.shape[-1] if isinstance(value, Tensor) and value.ndim == 2 else 1 for value in saved]
        fault = self._misfit(param, state, held, group)
        if fault:
            raise ConfigError(
                f"{type(self).__name__}: the checkpoint does not fit, its state of {self._name(param, own)} {fault}"
            )
        zero = torch.zeros(())
        return {**dict.fromkeys(("failures", "skipped", "norm"), zero), **state}

    def __getstate__(self) -> dict[str, Any]:
        """Return what pickle keeps; a rank given as a function is kept as its values, which pickle can read back."""
        state = super().__getstate__()
        if callable(state["defaults"].get("rank")):
            values = {dim: k for group in self.param_groups for dim, k in _values(group["rank"]).items()}
            state["defaults"] = {**state["defaults"], "rank": values}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickle or a checkpoint; options that it lacks get this class's defaults."""
        super().__setstate__(state)
        self._layouts, self._reported, self._refreshed = {}, {}, []
        for name, parameter in inspect.signature(type(self).__init__).parameters.items():
            if parameter.default is not inspect.Parameter.empty:
                self.defaults.setdefault(name, parameter.default)
                for group in self.param_groups:
                    group.setdefault(name, self.defaults[name])

    def skipped_steps(self) -> dict[str, int]:
        """Return for each parameter with a state at how many steps its gradient was not finite or its decomposition
        failed, since the first step. Reading them synchronizes with the device.
        """
        return {
            self._name(param, group): int(self.state[param]["skipped"])
            for group in self.param_groups
            for param in group["params"]
            if self.state.get(param)
        }

    def state_bytes(self) -> dict[str, int]:
        """Return bytes held now (none before the first step): momentum, graft, preconditioner, counters, total."""
        kinds = {"exp_avg": "momentum", **dict.fromkeys(("step", "failures", "skipped", "norm"), "counters")}
        found = dict.fromkeys(("momentum", "graft", "preconditioner", "counters"), 0)
        for state in self.state.values():
            for name, value in state.items():
                kind = "graft" if name.startswith("graft") else kinds.get(name, "preconditioner")
                found[kind] += value.numel() * value.element_size()
        return {**found, "total": sum(found.values())}


def refuse_parameter(optimizer: str, name: str, param: Tensor) -> None:
    """Raise where a parameter is a shard, a DTensor or complex, with a sentence that names it."""
    if hasattr(param, "device_mesh") and hasattr(param, "placements"):
        sharded = any(placement.is_shard() for placement in param.placements)
        why = (
            "and a factor of a local shard is not a shard of the factor"
            if sharded
            else "replicated, and the factors are kept as plain tensors"
        )
        raise NotImplementedError(
            f"{optimizer} cannot take parameter {name}: it is a DTensor, {why}; use plain parameters, replicated by "
            "DistributedDataParallel."
        )
    if getattr(param, "_fsdp_flattened", False):
        raise NotImplementedError(
            f"{optimizer} cannot take parameter {name}: FullyShardedDataParallel made it a flat shard, which has no "
            "rows and columns; use replicated parameters (DistributedDataParallel)."
        )
    if param.is_complex():
        raise ValueError(f"{optimizer} does not support complex parameters, parameter {name} is complex")


def _values(rank: Any) -> Mapping[int, int]:
    return rank if isinstance(rank, Mapping) else {}
