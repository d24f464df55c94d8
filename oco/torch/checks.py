"""Checks of single values and parameters, with messages in the style of PyTorch."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor

from oco.errors import ConfigError, ProtocolError

LONGEST_SHOWN = 60
"""Characters of a value in a message."""


def refuse(label: str, value: Any, allowed: str) -> ConfigError:
    """Return the error for a value that is not allowed; a ConfigError is a ValueError."""
    return ConfigError(f"Invalid {label}: {value!r} ({allowed} is allowed)")


def is_number(value: Any) -> bool:
    """Whether a value is a real number, and not a bool."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_integer(value: Any, least: int) -> bool:
    """Whether a value is an integer of at least ``least``, and not a bool."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def shown(value: Any) -> str:
    """Return a value as it is written, or its type where that is long, as for tensors and models."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN and "\n" not in text else f"an object of {type(value).__name__}"


def check_nonnegative(label: str, value: Any) -> None:
    """Raise ConfigError unless a value is a finite number of at least 0."""
    if not is_number(value) or not 0.0 <= value < math.inf:
        raise refuse(f"{label} value", value, "a finite number of at least 0")


def check_decay(label: str, value: Any) -> None:
    """Raise ConfigError unless a value is a number of at least 0 and below 1."""
    if not (is_number(value) and 0.0 <= value < 1.0):
        raise refuse(f"{label} value", value, "a number of at least 0 and below 1")


def check_integer(label: str, value: Any, least: int) -> None:
    """Raise ConfigError unless a value is an integer of at least ``least``."""
    if not is_integer(value, least):
        raise refuse(f"{label} value", value, f"an integer of at least {least}")


def check_integers(label: str, values: Any, least: int) -> None:
    """Raise ConfigError unless ``values`` are a sequence of integers of at least ``least``."""
    if isinstance(values, str) or not isinstance(values, Iterable) or not all(is_integer(k, least) for k in values):
        raise refuse(f"{label} value", values, f"a sequence of integers of at least {least}")


def check_switch(label: str, value: Any) -> None:
    """Raise ConfigError unless a value is True or False."""
    if not isinstance(value, bool):
        raise refuse(f"{label} value", value, "True or False")


def check_choice(label: str, value: Any, allowed: Sequence[str]) -> None:
    """Raise ConfigError unless a value is one of the strings ``allowed``."""
    if not (isinstance(value, str) and value in allowed):
        raise refuse(f"{label} value", value, f"one of {', '.join(allowed)}")


def check_learning_rate(lr: Any) -> None:
    """Raise ConfigError unless a learning rate is a finite number of at least 0, or a Tensor that holds one."""
    scalar = isinstance(lr, Tensor) and lr.numel() == 1 and not lr.is_complex()
    if not (scalar or is_number(lr)) or not 0.0 <= float(lr) < math.inf:
        raise refuse("learning rate", lr, "a finite number or one-element Tensor of at least 0")


def check_betas(betas: Any) -> None:
    """Raise ConfigError unless ``betas`` is a pair of decays; only the second may be 1, which sums as in AdaGrad."""
    if not (isinstance(betas, Sequence) and not isinstance(betas, str) and len(betas) == 2):
        raise refuse("betas value", betas, "a pair of numbers")
    for index, beta in enumerate(betas):
        if not (is_number(beta) and (0.0 <= beta < 1.0 or (index == 1 and beta == 1.0))):
            allowed = "at least 0 and below 1" if index == 0 else "from 0 to 1"
            raise refuse(f"beta parameter at index {index}", beta, f"a number {allowed}")


def named_parameters(owner: str, given: Any) -> list[tuple[str, Tensor]]:
    """Return the named parameters of a model, or those given as pairs; raise ConfigError for anything else."""
    if isinstance(given, torch.nn.Module):
        return list(given.named_parameters())
    pairs = list(given) if isinstance(given, Iterable) else [given]
    for pair in pairs:
        if not (isinstance(pair, Sequence) and len(pair) == 2 and isinstance(pair[1], Tensor)):
            raise ConfigError(
                f"{owner} was given {shown(pair)}; a torch.nn.Module or pairs of name and parameter, as "
                "model.named_parameters() has them, are allowed"
            )
    return pairs


def check_names(owner: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise ConfigError, with the nearest known name, for a name that is not known."""
    known = list(known)
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            ending = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"{owner} takes {', '.join(known)}, got {name!r}{ending}")


def check_optimizer(owner: str, optimizer: Any) -> None:
    """Raise ConfigError unless ``optimizer`` is one of PyTorch's."""
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise ConfigError(f"{owner} was given {shown(optimizer)} as the optimizer; a torch.optim.Optimizer is allowed")


def refuse_sparse(owner: str, name: str) -> ProtocolError:
    """Return the error for a sparse gradient; a ProtocolError is a RuntimeError, as PyTorch's optimizers raise."""
    return ProtocolError(
        f"{owner} does not support sparse gradients, and that of parameter {name} is one; dense gradients are allowed, "
        "as those of an Embedding with sparse=False"
    )


def gradient_of(owner: str, name: str, param: Tensor) -> Tensor | None:
    """Return the gradient of a parameter, if it has one; raise ProtocolError for a sparse one."""
    if param.grad is not None and param.grad.layout is not torch.strided:
        raise refuse_sparse(owner, name)
    return param.grad


def refuse_parameter(optimizer: str, name: str, param: Tensor) -> None:
    """Raise an error that names the parameter if it is a shard, a DTensor or complex."""
    if hasattr(param, "device_mesh") and hasattr(param, "placements"):
        sharded = any(placement.is_shard() for placement in param.placements)
        why, instead = (
            ("and a factor of a local shard is not a shard of the factor", "oco.torch.ShardedOptimizer, or ")
            if sharded
            else ("replicated, and the factors are kept as plain tensors", "")
        )
        raise NotImplementedError(
            f"{optimizer} cannot take parameter {name}: it is a DTensor, {why}; use {instead}plain parameters, "
            "replicated by DistributedDataParallel."
        )
    if getattr(param, "_fsdp_flattened", False):
        raise NotImplementedError(
            f"{optimizer} cannot take parameter {name}: FullyShardedDataParallel made it a flat shard, which has no "
            "rows and columns; use fully_shard with oco.torch.ShardedOptimizer, or replicated parameters "
            "(DistributedDataParallel)."
        )
    if param.is_complex():
        raise ConfigError(f"{optimizer} does not support complex parameters, parameter {name} is complex")
