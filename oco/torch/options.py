"""Checks of the optimizers' options, worded as torch words them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from torch import Tensor

from oco.errors import ConfigError
from oco.torch.grafting import GRAFTS
from oco.torch.shapes import MERGES
from oco.torch.sketch import METHODS, TAIL_DECAYS

CHOICES = {
    "graft": GRAFTS,
    "momentum": ("ema", "trace"),
    "statistics": ("ema", "sum"),
    "merge": MERGES,
    "method": METHODS,
    "tail_decay": TAIL_DECAYS,
    "allocate_by": ("escaped_mass", "intrinsic_dimension"),
}


SWITCHES = ("relative_eps", "nesterov", "bias_correction", "vectors", "pseudo_inverse", "maximize")


def check_options(group: Mapping[str, Any]) -> None:
    """Raise ConfigError (a ValueError) with torch's wording if a parameter group holds an option out of range."""
    lr = group["lr"]
    scalar = isinstance(lr, Tensor) and lr.numel() == 1 and not lr.is_complex()
    if not (scalar or _is_number(lr)) or not 0.0 <= float(lr) < math.inf:
        raise ConfigError(
            f"Invalid learning rate: {lr!r} (a finite number or one-element Tensor of at least 0 is allowed)"
        )
    _check_betas(group["betas"])
    for name, label in (("eps", "epsilon"), ("graft_eps", "graft_eps"), ("weight_decay", "weight_decay")):
        if not _is_number(group[name]) or not 0.0 <= group[name] < math.inf:
            raise ConfigError(f"Invalid {label} value: {group[name]!r} (a finite number of at least 0 is allowed)")
    for name, least in (("update_freq", 1), ("max_dim", 1), ("merge_dims", 1), ("max_failures", 0)):
        if not _is_integer(group[name], least):
            raise ConfigError(f"Invalid {name} value: {group[name]!r} (an integer of at least {least} is allowed)")
    start, exponent = group["start_step"], group["exponent"]
    if not (start is None or _is_integer(start, 0)):
        raise ConfigError(f"Invalid start_step value: {start!r} (None or a non-negative integer is allowed)")
    if not (exponent is None or (_is_number(exponent) and -math.inf < exponent < 0.0)):
        raise ConfigError(f"Invalid exponent value: {exponent!r} (None or a negative number is allowed)")
    for name in SWITCHES:
        if name in group and not isinstance(group[name], bool):
            raise ConfigError(f"Invalid {name} value: {group[name]!r} (True or False is allowed)")
    for name, allowed in CHOICES.items():
        if name in group and not (isinstance(group[name], str) and group[name] in allowed):
            raise ConfigError(f"Invalid {name} value: {group[name]!r} (one of {', '.join(allowed)} is allowed)")
    if "rank" in group:
        _check_rank(group)


def _check_rank(group: Mapping[str, Any]) -> None:
    rank, budget = group["rank"], group["budget"]
    if isinstance(rank, Mapping):
        valid = all(_is_integer(value, 1) for value in rank.values())
    elif isinstance(rank, str):
        valid = rank == "auto"
    else:
        valid = callable(rank) or _is_integer(rank, 1) or (isinstance(rank, float) and 0.0 < rank <= 1.0)
    if not valid:
        raise ConfigError(
            f"Invalid rank value: {rank!r} (an integer of at least 1, a fraction in (0, 1], a callable from dimension "
            "to rank, or 'auto' is allowed)"
        )
    automatic = isinstance(rank, str)
    if automatic != (budget is not None):
        raise ConfigError(f"Invalid budget value: {budget!r} (given exactly when rank is 'auto')")
    if budget is not None and not (_is_number(budget) and 0 < budget < math.inf):
        raise ConfigError(
            f"Invalid budget value: {budget!r} (a number of floats or a fraction of the parameters is allowed)"
        )
    steps = group["reallocate_at"]
    if not (isinstance(steps, Sequence) and not isinstance(steps, str) and all(_is_integer(step, 1) for step in steps)):
        raise ConfigError(f"Invalid reallocate_at value: {steps!r} (a sequence of positive integers is allowed)")


def _check_betas(betas: Any) -> None:
    if not (isinstance(betas, Sequence) and not isinstance(betas, str) and len(betas) == 2):
        raise ConfigError(f"Invalid betas value: {betas!r} (a pair of numbers is allowed)")
    for index, beta in enumerate(betas):
        # beta2 = 1 sums the statistics, as AdaGrad does.
        if not (_is_number(beta) and (0.0 <= beta < 1.0 or (index == 1 and beta == 1.0))):
            allowed = "at least 0 and below 1" if index == 0 else "from 0 to 1"
            raise ConfigError(f"Invalid beta parameter at index {index}: {beta!r} (a number {allowed} is allowed)")


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_integer(value: Any, least: int) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least
