"""Domains by the names that configs use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oco.domains.affine import AffineSlice
from oco.domains.ball import Ball, FrobeniusBall
from oco.domains.ball_box import BallBox
from oco.domains.base import Domain
from oco.domains.box import Box
from oco.domains.half_space import HalfSpace, Slab
from oco.domains.l1_ball import L1Ball
from oco.domains.simplex import Simplex
from oco.domains.spectral_ball import SpectralBall
from oco.domains.unbounded import Unbounded
from oco.plugins import Registry

DOMAINS: Registry[Domain] = Registry(
    "domain",
    "oco.domains",
    Domain,
    {
        domain.name: domain
        for domain in (
            Ball,
            Box,
            Simplex,
            L1Ball,
            HalfSpace,
            AffineSlice,
            FrobeniusBall,
            SpectralBall,
            BallBox,
            Unbounded,
            Slab,
        )
    },
)
"""All domains, plugins' included, by their names in configs."""


def from_config(description: Mapping[str, Any]) -> Domain:
    """Build a domain from plain values: ``{"kind": "ball", "radius": 5.0}``.

    Raises
    ------
    ConfigError
        If the kind or a keyword is unknown; the message lists the allowed ones.

    Examples
    --------
    >>> from_config({"kind": "ball", "radius": 2.0, "dimension": 3}).diameter()
    4.0
    """
    return DOMAINS.build(description)
