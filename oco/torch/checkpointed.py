"""Saving, loading and pickling of an optimizer; a checkpoint that does not fit raises an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from oco.errors import ConfigError
from oco.torch.checkpoint import cast_state, match_groups
from oco.torch.groups import Plan
from oco.torch.options import RankBudget
from oco.torch.parameter_state import StatefulOptimizer


class CheckpointedOptimizer(StatefulOptimizer):
    """Checkpoints of Kronecker-factored optimizers (base class, not for direct use)."""

    def state_dict(self) -> dict[str, Any]:
        """Return plain tensors and options, after options that were changed by hand have been checked."""
        for group in self.param_groups:
            self._settled(group)
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
            plan = self._plan(group)
            ranks = self._axis_ranks(plan)
            if group.get("budget") != own.get("budget") or ranks != self._axis_ranks(self._plan(own)):
                raise ConfigError(
                    f"{type(self).__name__}: the checkpoint has rank={group['rank']!r} and budget="
                    f"{group['budget']!r}, this optimizer rank={own['rank']!r} and budget={own['budget']!r}; "
                    "construct it with those of the checkpoint, and set another rank afterwards"
                )
            for identifier, param in zip(saved["params"], own["params"], strict=True):
                if states.get(identifier):
                    states[identifier] = self._completed(states[identifier], param, ranks.get(param), plan, own)
            groups.append(options)
        return {**loaded, "state": states, "param_groups": groups}

    def _completed(
        self,
        state: dict[str, Any],
        param: Tensor,
        ranks: list[int] | None,
        plan: Plan,
        own: dict[str, Any],
    ) -> dict[str, Any]:
        """Return a saved state with missing counters added, or raise ConfigError if it does not fit."""
        held = ranks
        if ranks is not None and isinstance(plan.settings.rank, RankBudget):
            saved = [state.get(f"{self.axis_names[0]}_{axis}") for axis in range(len(ranks))]
            held = [value.shape[-1] if isinstance(value, Tensor) and value.ndim == 2 else 1 for value in saved]
        fault = self._misfit(param, state, held, plan)
        if fault:
            raise ConfigError(
                f"{type(self).__name__}: the checkpoint does not fit, its state of {self._name(param, own)} {fault}"
            )
        zero = torch.zeros(())
        return {**dict.fromkeys(("failures", "skipped", "norm"), zero), **state}

    def __getstate__(self) -> dict[str, Any]:
        """Return what pickle stores; a rank given as a function is stored as its values, which pickle can read back."""
        state = super().__getstate__()
        if callable(state["defaults"].get("rank")):
            values = {dim: k for group in self.param_groups for dim, k in _values(group["rank"]).items()}
            state["defaults"] = {**state["defaults"], "rank": values}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickle or a checkpoint; options that it lacks get this class's defaults."""
        super().__setstate__(state)
        defaults = self.option_defaults()
        self._plans, self._option_names = {}, tuple(defaults)
        for name, value in defaults.items():
            self.defaults.setdefault(name, value)
            for group in self.param_groups:
                group.setdefault(name, self.defaults[name])


def _values(rank: Any) -> Mapping[int, int]:
    return rank if isinstance(rank, Mapping) else {}
