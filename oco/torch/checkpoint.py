"""Which saved state belongs to which parameter, and whether it fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from oco.errors import ConfigError

# Entries that a checkpoint of an earlier version may lack, or that a change of options adds; they start at zero.
OPTIONAL = ("exp_avg", "exp_avg_bfloat16", "average_left", "average_right", "failures", "skipped", "norm")


def match_groups(own: Sequence[Mapping[str, Any]], saved: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the saved groups in the order of ``own`` with their parameters in the order of ``own``.

    Groups are matched by the names of their parameters where all groups of both sides have names, else by position.

    Raises
    ------
    ConfigError
        If the names, or without names the numbers of groups or parameters, differ.
    """
    if all("param_names" in group for group in (*own, *saved)):
        return _match_names(own, saved)
    counts = [[len(group["params"]) for group in side] for side in (own, saved)]
    if counts[0] != counts[1]:
        raise ConfigError(
            f"the checkpoint has groups of {counts[1]} parameters, this optimizer has groups of {counts[0]}; "
            "both must be equal"
        )
    return [dict(group) for group in saved]


def _match_names(own: Sequence[Mapping[str, Any]], saved: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    by_names = {frozenset(group["param_names"]): group for group in saved}
    matched = []
    for group in own:
        found = by_names.get(frozenset(group["param_names"]))
        if found is None:
            differ = sorted(_names(own) ^ _names(saved)) or sorted(group["param_names"])
            raise ConfigError(
                f"the checkpoint's named parameters differ from this optimizer's, or are grouped differently: "
                f"{', '.join(differ[:5])}; named groups must hold the same names"
            )
        identifiers = dict(zip(found["param_names"], found["params"], strict=True))
        names = list(group["param_names"])
        matched.append({**found, "params": [identifiers[name] for name in names], "param_names": names})
    if len(saved) != len(own):
        raise ConfigError(f"the checkpoint has {len(saved)} groups, this optimizer has {len(own)}")
    return matched


def _names(groups: Sequence[Mapping[str, Any]]) -> set[str]:
    return {name for group in groups for name in group["param_names"]}


def misfit(held: Mapping[str, Any], expected: Mapping[str, Tensor]) -> str:
    """Return what is wrong with the entries and shapes of a parameter's state; empty if nothing is."""
    if "exp_avg" in held and "exp_avg" in expected and held["exp_avg"].shape != expected["exp_avg"].shape:
        shapes = (tuple(side["exp_avg"].shape) for side in (held, expected))
        return "is that of a parameter of shape {}, not {}".format(*shapes)
    foreign = sorted(set(held) - set(expected) - set(OPTIONAL))
    lacking = sorted(set(expected) - set(held) - set(OPTIONAL))
    if foreign or lacking:
        parts = [f"{verb} {', '.join(names)}" for verb, names in (("holds", foreign), ("lacks", lacking)) if names]
        return " and ".join(parts) + ", so it belongs to another optimizer or to other options"
    for name, value in held.items():
        shape = tuple(value.shape) if isinstance(value, Tensor) else ()
        if name in expected and shape != tuple(expected[name].shape):
            return f"holds {name} of shape {shape} where {tuple(expected[name].shape)} is needed"
    return ""


def cast_state(state: Mapping[str, Any], param: Tensor) -> dict[str, Tensor]:
    """Copy a state to the parameter's device, in its precision or float32 if that is wider; ``step`` stays on the CPU.

    PyTorch's own method would round the float32 state of bfloat16 parameters to bfloat16.
    """
    dtype = torch.promote_types(param.dtype, torch.float32)
    cast = {}
    for name, value in state.items():
        kind, device = (torch.float32, torch.device("cpu")) if name == "step" else (dtype, param.device)
        kind = torch.bfloat16 if name == "exp_avg_bfloat16" else kind
        cast[name] = torch.as_tensor(value).detach().to(device, kind, copy=True)
    return cast
