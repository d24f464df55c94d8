"""Kronecker-factored optimizers for parameters that are divided over processes, as FSDP2 divides them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from oco.errors import ConfigError
from oco.torch.parameter_state import wide

KEPT = ("params", "param_names", "lr", "weight_decay")


class ShardedOptimizer(torch.optim.Optimizer):
    """Run an optimizer of this package on DTensors, each tensor's step and whole state on one of the processes.

    A Kronecker factor needs all rows and columns of a gradient, and ``fully_shard`` (FSDP2) gives every process some of
    the rows. At each step the gradients are gathered, every process takes the steps of the tensors that it owns, and
    the updates are scattered as the parameters are. So the sketches, their escaped masses and the steps are those of
    one process, to rounding, and the state is divided over the processes, tensor by tensor.

    Parameters
    ----------
    params : iterable
        DTensors on a mesh of one dimension, as parameters, named parameters or groups.
    optimizer_class : type
        ``SketchyShampoo``, ``Shampoo``, or another that moves a parameter by a multiple of the learning rate which
        depends on gradients only.
    lr, weight_decay : float
        Options that may be changed later, as by a scheduler; weight decay is decoupled.
    **options
        Others of the optimizer, also in groups; later changes of these are not seen.

    Raises
    ------
    ConfigError
        For a parameter that is no DTensor, a ``RankBudget`` (no process knows all axes), or a state that is missing
        from a checkpoint.
    NotImplementedError
        For a mesh of more than one dimension, as that of hybrid sharding.

    Notes
    -----
    A process owns tensors of about ``n / P`` entries in total, n of all parameters and P processes; the largest are
    dealt first, each to the process with the least. A step communicates each gradient once (all-gather) and each update
    once (scatter), in float32 for half-precision parameters. Beside the state a process holds, during the step only,
    the gradients and updates of its own tensors and one more tensor.

    :meth:`state_dict` has the states that this process owns, under the indices of the parameters, so that the union of
    those of all processes is the state of the one optimizer; :meth:`load_state_dict` takes the states that it needs
    from such a union, also after the number of processes has changed. If an owner raises an error, it does so after its
    updates were sent.

    An alternative would merge sketches of the shards, since Frequent-Directions sketches are mergeable (Ghashami,
    Liberty, Phillips and Woodruff, 2016, section 3.1). The escaped masses of the shards add up in a merge, so the steps
    would depend on the number of processes, and only for the factor of the columns is the sketch of a shard a sketch
    of the same covariance. Whole tensors need neither.

    Examples
    --------
    >>> import torch
    >>> from oco.torch import SketchyShampoo
    >>> try:
    ...     ShardedOptimizer([torch.nn.Parameter(torch.zeros(4, 3))], SketchyShampoo, lr=1e-3)
    ... except ConfigError as error:
    ...     print(error)
    parameter 0 is no DTensor; ShardedOptimizer is for models under fully_shard; use the optimizer itself for others
    """

    def __init__(
        self,
        params: Iterable[Any],
        optimizer_class: Callable[..., Any],
        *,
        lr: float | Tensor = 1e-3,
        weight_decay: float = 0.0,
        **options: Any,
    ) -> None:
        self.optimizer_class = optimizer_class
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, **options})
        self._params: list[Any] = [param for group in self.param_groups for param in group["params"]]
        for index, param in enumerate(self._params):
            self._check(index, param)
        # Of no memory, and the same in every process: what the optimizer refuses and warns of.
        whole = optimizer_class(
            self._groups([self._shadow(param, torch.device("meta")) for param in self._params]), lr=lr
        )
        if any(group.get("budget") is not None for group in whole.param_groups):
            raise ConfigError("ShardedOptimizer cannot divide a RankBudget, as no process sees all axes; give a rank")
        self._owner = self._dealt()
        rank = self._params[0].device_mesh.get_local_rank()
        self._owned = [index for index, owner in enumerate(self._owner) if owner == rank]
        self._shadows = {index: self._shadow(self._params[index], self._local(index).device) for index in self._owned}
        self._inner: Any = None
        if self._owned:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of groups of which this process owns vectors only
                own = [self._shadows.get(index) for index in range(len(self._params))]
                self._inner = optimizer_class(self._groups(own), lr=lr)
        for shadow in self._shadows.values():
            shadow.untyped_storage().resize_(0)
        for group, flat in zip(self.param_groups, whole.param_groups, strict=True):
            # Plain values, which torch.load(weights_only=True) reads, in place of records.
            own_values = {name: value for name, value in group.items() if name in KEPT}
            group.clear()
            group.update({**flat, **own_values})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group during construction; ConfigError afterwards."""
        if hasattr(self, "_owner"):
            raise ConfigError("ShardedOptimizer takes its groups when it is constructed, not later")
        super().add_param_group(param_group)

    def _check(self, index: int, param: Any) -> None:
        if not (hasattr(param, "device_mesh") and hasattr(param, "placements")):
            raise ConfigError(
                f"parameter {index} is no DTensor; ShardedOptimizer is for models under fully_shard; use the optimizer "
                "itself for others"
            )
        if param.device_mesh.ndim != 1 or param.device_mesh != self._params[0].device_mesh:
            raise NotImplementedError(
                f"ShardedOptimizer cannot take parameter {index}: its mesh is {param.device_mesh}, and one mesh of one "
                "dimension for all parameters is allowed"
            )

    @staticmethod
    def _shadow(param: Any, device: torch.device) -> torch.nn.Parameter:
        """A whole tensor for the optimizer to move from zero; its storage is empty between steps."""
        return torch.nn.Parameter(torch.zeros(param.shape, dtype=wide(param.dtype), device=device))

    def _groups(self, shadows: list[torch.nn.Parameter | None]) -> list[dict[str, Any]]:
        """The groups with shadows in place of parameters and without weight decay; empty ones are left out."""
        groups, queue = [], iter(shadows)
        for group in self.param_groups:
            own = [next(queue) for _ in group["params"]]
            kept = [index for index, shadow in enumerate(own) if shadow is not None]
            if kept:
                named = (
                    {"param_names": [group["param_names"][index] for index in kept]} if "param_names" in group else {}
                )
                groups.append({**group, "params": [own[index] for index in kept], "weight_decay": 0.0, **named})
        return groups

    def _dealt(self) -> list[int]:
        loads = [0] * self._params[0].device_mesh.size()
        owners = [0] * len(self._params)
        for index in sorted(range(len(self._params)), key=lambda index: (-self._params[index].numel(), index)):
            owners[index] = min(range(len(loads)), key=lambda rank: (loads[rank], rank))
            loads[owners[index]] += self._params[index].numel()
        return owners

    def _local(self, index: int) -> Tensor:
        local: Tensor = self._params[index].to_local()
        return local

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; every process of the mesh has to call it, with gradients for the same parameters."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        moving = [index for index, param in enumerate(self._params) if param.grad is not None]
        for index in moving:
            gradient = self._params[index].grad.full_tensor()
            if index in self._shadows:
                shadow = self._shadows[index]
                shadow.untyped_storage().resize_(shadow.numel() * shadow.element_size())
                shadow.zero_()
                shadow.grad = gradient.to(shadow.dtype)
        try:
            if self._inner is not None:
                self._take_rates()
                self._inner.step()
        finally:
            self._scatter(moving)
        return loss

    def _take_rates(self) -> None:
        rates = {id(p): group["lr"] for group in self.param_groups for p in group["params"]}
        owner = {id(shadow): self._params[index] for index, shadow in self._shadows.items()}
        for group in self._inner.param_groups if self._inner is not None else ():
            group["lr"] = rates[id(owner[id(group["params"][0])])]

    def _scatter(self, moving: list[int]) -> None:
        from torch.distributed.tensor import distribute_tensor

        groups = [group for group in self.param_groups for _ in group["params"]]
        for index in moving:
            param, group = self._params[index], groups[index]
            shadow = self._shadows.get(index)
            local = self._local(index)
            whole = (
                torch.empty(param.shape, dtype=wide(param.dtype), device=local.device)
                if shadow is None
                else shadow.data
            )
            update = distribute_tensor(whole, param.device_mesh, param.placements, src_data_rank=self._owner[index])
            if group["weight_decay"]:
                local.mul_(1.0 - float(group["lr"]) * group["weight_decay"])
            local.add_(update.to_local())
            if shadow is not None:
                shadow.grad = None
                shadow.untyped_storage().resize_(0)

    def report(self) -> list[dict[str, Any]]:
        """Return the optimizer's report on the tensors that this process owns."""
        return [] if self._inner is None else list(self._inner.report())

    def state_bytes(self) -> dict[str, int]:
        """Return the bytes that this process holds, divided by kind."""
        return {"total": 0} if self._inner is None else dict(self._inner.state_bytes())

    def state_dict(self) -> dict[str, Any]:
        """Return the groups, and the states that this process owns, by the index of the parameter."""
        groups = super().state_dict()["param_groups"]
        inner = {} if self._inner is None else self._inner.state_dict()["state"]
        states = {index: inner.get(place, {}) for place, index in enumerate(self._owned)}
        return {"state": states, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the states of the tensors that this process owns; ConfigError if one is missing."""
        if missing := [index for index in self._owned if index not in state_dict["state"]]:
            raise ConfigError(
                f"ShardedOptimizer: the state of parameter {missing[0]} is missing; give the union of the states that "
                "all processes saved"
            )
        super().load_state_dict({"state": {}, "param_groups": state_dict["param_groups"]})
        if self._inner is not None:
            states = {place: state_dict["state"][index] for place, index in enumerate(self._owned)}
            moved = {place: state for place, state in states.items() if state}  # no gradient so far: no state
            self._inner.load_state_dict({**self._inner.state_dict(), "state": moved})
