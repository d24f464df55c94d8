"""Conversion of learners, domains, losses and environments to the plain values of a config, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oco.domains import DOMAINS
from oco.environments import ENVIRONMENTS
from oco.errors import ConfigError
from oco.keywords import did_you_mean, spec
from oco.learners import LEARNERS
from oco.losses import SCALAR_LOSSES
from oco.plugins import Registry

__all__ = ["from_spec", "spec"]

_REGISTRIES: tuple[Registry[Any], ...] = (LEARNERS, ENVIRONMENTS, DOMAINS, SCALAR_LOSSES)


def from_spec(given: Mapping[str, Any]) -> Any:
    """Make the learner, environment, domain or loss described by ``given``; the inverse of `spec`.

    Parameters
    ----------
    given
        ``kind``, a registered name, and the constructor's keywords in plain values.

    Returns
    -------
    Learner, Environment, Domain or ScalarLoss
        A fresh object.

    Raises
    ------
    ConfigError
        If the kind or a keyword is unknown; the message lists the known ones.

    Examples
    --------
    >>> import oco
    >>> from_spec({"kind": "fd_adagrad", "rank": 2})
    FDAdaGrad(rank=2)
    >>> spec(from_spec(spec(oco.Ball(radius=2.0)))) == spec(oco.Ball(radius=2.0))
    True
    """
    kind = given.get("kind") if isinstance(given, Mapping) else None
    found = [registry for registry in _REGISTRIES if kind in registry]
    if not found:
        near = did_you_mean(kind, [name for registry in _REGISTRIES for name in registry])
        raise ConfigError(
            f"a spec is a mapping whose kind is the name of a learner, environment, domain or loss, got {kind!r}{near}"
        )
    if len(found) > 1:
        kinds = " and a ".join(registry.kind for registry in found)
        raise ConfigError(f"{kind!r} is the name of both a {kinds}; use the build method of the registry that is meant")
    return found[0].build(given)
