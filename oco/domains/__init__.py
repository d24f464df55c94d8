"""Convex sets of decisions, with exact projections in the norms that learners use."""

from oco.domains.ball import Ball, FrobeniusBall
from oco.domains.base import Domain
from oco.domains.metrics import Dense, Diagonal, Kronecker, LowRankPlusScaledIdentity, Metric, ScaledIdentity
from oco.domains.registry import DOMAINS, from_config
from oco.domains.unbounded import Unbounded

__all__ = [
    "DOMAINS",
    "Ball",
    "Dense",
    "Diagonal",
    "Domain",
    "FrobeniusBall",
    "Kronecker",
    "LowRankPlusScaledIdentity",
    "Metric",
    "ScaledIdentity",
    "Unbounded",
    "from_config",
]
