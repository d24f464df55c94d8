"""Convex sets of decisions, with exact projections in the norms that learners use. `DOMAINS` has them all by name.

The imports below are the one list of domains. A new domain is its file and a line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oco.domains.affine import AffineSlice as AffineSlice
from oco.domains.ball import Ball as Ball
from oco.domains.ball import FrobeniusBall as FrobeniusBall
from oco.domains.ball_box import BallBox as BallBox
from oco.domains.base import Domain
from oco.domains.box import Box as Box
from oco.domains.certificate import projection_residual
from oco.domains.half_space import HalfSpace as HalfSpace
from oco.domains.half_space import Slab as Slab
from oco.domains.l1_ball import L1Ball as L1Ball
from oco.domains.simplex import Simplex as Simplex
from oco.domains.spectral_ball import SpectralBall as SpectralBall
from oco.domains.unbounded import Unbounded as Unbounded
from oco.metrics import Dense, Diagonal, Kronecker, LowRankPlusScaledIdentity, Metric, ScaledIdentity
from oco.plugins import Registry


def _imported() -> list[type[Domain]]:
    """The domains among the imports of this module, in their order."""
    found = [value for value in globals().values() if isinstance(value, type) and issubclass(value, Domain)]
    return [domain for domain in found if domain is not Domain]


DOMAINS: Registry[Domain] = Registry("domain", "oco.domains", Domain, {domain.name: domain for domain in _imported()})
"""Every domain by the name that a config gives it, those of other packages too."""


def from_config(description: Mapping[str, Any]) -> Domain:
    """Build a domain from plain values: ``{"kind": "ball", "radius": 5.0}``.

    Raises
    ------
    ConfigError
        If the kind or a keyword is unknown, in one sentence with what is allowed.

    Examples
    --------
    >>> from_config({"kind": "ball", "radius": 2.0, "dimension": 3}).diameter()
    4.0
    """
    return DOMAINS.build(description)


__all__ = [
    "DOMAINS",
    "Dense",
    "Diagonal",
    "Domain",
    "Kronecker",
    "LowRankPlusScaledIdentity",
    "Metric",
    "ScaledIdentity",
    "from_config",
    "projection_residual",
]
__all__ += [domain.__name__ for domain in _imported()]
