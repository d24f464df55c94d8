"""The optimizers that a run may name, and how a network's parameters are given to them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch

from oco.errors import ConfigError
from oco.keywords import check_names, parameters
from oco.torch import OPTIMIZERS
from oco.torch.groups import RECORDS


def constructor(kind: str) -> Callable[..., torch.optim.Optimizer]:
    """Return the class of a ``kind``: one of `oco.torch.OPTIMIZERS`, or your own as ``package.module:Class``.

    Raises
    ------
    ConfigError
        If there is no such class.
    """
    if kind in OPTIMIZERS:
        return OPTIMIZERS[kind]
    module, _, name = kind.partition(":")
    if not name:
        known = ", ".join(map(repr, OPTIMIZERS))
        raise ConfigError(f"kind must be {known}, or a class of yours as 'package.module:Class', got {kind!r}")
    try:
        found: Callable[..., torch.optim.Optimizer] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"kind {kind!r} cannot be imported: {error}") from error
    if not callable(found):
        raise ConfigError(f"kind {kind!r} must be a class of an optimizer, got {found!r}")
    return found


def make_optimizer(
    kind: str,
    model: torch.nn.Module,
    lr: float,
    options: Mapping[str, Any],
    rest: Mapping[str, Any] | None = None,
    modules: Iterable[str] = (),
) -> torch.optim.Optimizer:
    """Construct an optimizer of all parameters of ``model``.

    Parameters
    ----------
    kind
        As `constructor` takes it.
    lr, options
        Arguments of the class.
    rest
        If given, vectors and the parameters of ``modules`` form a second group with these options. Its learning rate is
        ``lr`` times the option ``factor``.
    modules
        Names of modules that are an embedding or the last layer of a classifier.

    Raises
    ------
    ConfigError
        If there is no such class, or it rejects an option.
    """
    made = constructor(kind)
    if kind in OPTIMIZERS:
        _check_names(f"optimizer {kind}:", made, options)
        _check_names(f"optimizer {kind}: rest", made, rest or {}, "factor")
    groups: Any = model.parameters() if rest is None else _groups(model, lr, rest, tuple(modules))
    try:
        if rest is not None and kind in OPTIMIZERS and not hasattr(made, "option_defaults"):
            # PyTorch's constructors check the options of all groups, but not those of one.
            own = {name: value for name, value in rest.items() if name != "factor"}
            made(groups[1]["params"], lr=lr, **{**options, **own})
        return made(groups, lr=lr, **options)
    except Exception as error:
        given = f"options={dict(options)}" + ("" if rest is None else f" and rest={dict(rest)}")
        raise ConfigError(f"optimizer {kind} cannot take {given}: {error}") from error


def _check_names(what: str, made: Any, given: Mapping[str, Any], *others: str) -> None:
    """Raise ConfigError for an option that the class does not have; flat ones of earlier versions are taken."""
    known = [*others, *(name for name in parameters(made) if name not in ("params", "defaults", "lr"))]
    earlier = made.option_defaults() if hasattr(made, "option_defaults") else {}
    check_names(what, [name for name in given if name == "lr" or name not in earlier], known)
    for name, value in given.items():
        if earlier and name in RECORDS and isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            check_names(f"{what} {name}", value, RECORDS[name].flat)  # type: ignore[attr-defined]


def _groups(model: torch.nn.Module, lr: float, rest: Mapping[str, Any], modules: tuple[str, ...]) -> list[Any]:
    options = dict(rest)
    factor = options.pop("factor", 1.0)
    if isinstance(factor, bool) or not isinstance(factor, int | float):
        raise ConfigError(f"rest.factor must be a number, got {factor!r}")
    hidden: list[torch.nn.Parameter] = []
    others: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        apart = parameter.ndim < 2 or any(name.startswith(f"{module}.") for module in modules)
        (others if apart else hidden).append(parameter)
    return [{"params": hidden}, {"params": others, "lr": factor * lr, **options}]
