"""Checks of the optimizers' options, worded as torch words them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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


def check_options(group: Mapping[str, Any]) -> None:
    """Raise ValueError with torch's wording if a parameter group holds an option out of range."""
    if not float(group["lr"]) >= 0.0:
        raise ValueError(f"Invalid learning rate: {group['lr']}")
    for index, (beta, closed) in enumerate(zip(group["betas"], (False, True), strict=True)):
        # beta2 = 1 sums the statistics, as AdaGrad does.
        if not (0.0 <= beta < 1.0 or (closed and beta == 1.0)):
            raise ValueError(f"Invalid beta parameter at index {index}: {beta}")
    for name, label in (("eps", "epsilon"), ("graft_eps", "graft_eps"), ("weight_decay", "weight_decay")):
        if not group[name] >= 0.0:
            raise ValueError(f"Invalid {label} value: {group[name]}")
    for name, least in (("update_freq", 1), ("max_dim", 1), ("merge_dims", 1), ("max_failures", 0)):
        if not (isinstance(group[name], int) and group[name] >= least):
            raise ValueError(f"Invalid {name} value: {group[name]} (an integer of at least {least} is allowed)")
    if not (group["start_step"] is None or (isinstance(group["start_step"], int) and group["start_step"] >= 0)):
        raise ValueError(f"Invalid start_step value: {group['start_step']} (None or a non-negative integer is allowed)")
    if not (group["exponent"] is None or group["exponent"] < 0.0):
        raise ValueError(f"Invalid exponent value: {group['exponent']} (None or a negative number is allowed)")
    for name, allowed in CHOICES.items():
        if name in group and group[name] not in allowed:
            raise ValueError(f"Invalid {name} value: {group[name]!r} (one of {', '.join(allowed)} is allowed)")
    if "rank" in group:
        _check_rank(group)


def _check_rank(group: Mapping[str, Any]) -> None:
    rank, budget = group["rank"], group["budget"]
    if isinstance(rank, Mapping):
        valid = all(isinstance(value, int) and value >= 1 for value in rank.values())
    elif isinstance(rank, bool):
        valid = False
    else:
        valid = (
            rank == "auto"
            or callable(rank)
            or (isinstance(rank, int) and rank >= 1)
            or (isinstance(rank, float) and 0.0 < rank <= 1.0)
        )
    if not valid:
        raise ValueError(
            f"Invalid rank value: {rank!r} (an integer of at least 1, a fraction in (0, 1], a callable from dimension "
            "to rank, or 'auto' is allowed)"
        )
    if (rank == "auto") != (budget is not None):
        raise ValueError(f"Invalid budget value: {budget!r} (given exactly when rank is 'auto')")
    if budget is not None and not budget > 0:
        raise ValueError(
            f"Invalid budget value: {budget!r} (a number of floats or a fraction of the parameters is allowed)"
        )
