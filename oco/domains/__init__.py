"""Convex sets of decisions, with exact projections in the norms that learners use."""

from oco.domains.ball import Ball, FrobeniusBall
from oco.domains.base import Domain
from oco.domains.metrics import Dense, Diagonal, Kronecker, LowRankPlusScaledIdentity, Metric, ScaledIdentity
from oco.domains.unbounded import Unbounded

DOMAINS: dict[str, type[Domain]] = {domain.name: domain for domain in (Ball, FrobeniusBall, Unbounded)}
"""The domains by the name that a config gives them."""

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
]
