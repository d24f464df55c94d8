"""Convex sets of decisions, with exact projections in the norms that learners use."""

from oco.domains.affine import AffineSlice
from oco.domains.ball import Ball, FrobeniusBall
from oco.domains.ball_box import BallBox
from oco.domains.base import Domain
from oco.domains.box import Box
from oco.domains.certificate import projection_residual
from oco.domains.half_space import HalfSpace, Slab
from oco.domains.l1_ball import L1Ball
from oco.domains.registry import DOMAINS, from_config
from oco.domains.simplex import Simplex
from oco.domains.spectral_ball import SpectralBall
from oco.domains.unbounded import Unbounded
from oco.metrics import Dense, Diagonal, Kronecker, LowRankPlusScaledIdentity, Metric, ScaledIdentity

__all__ = [
    "DOMAINS",
    "AffineSlice",
    "Ball",
    "BallBox",
    "Box",
    "Dense",
    "Diagonal",
    "Domain",
    "FrobeniusBall",
    "HalfSpace",
    "Kronecker",
    "L1Ball",
    "LowRankPlusScaledIdentity",
    "Metric",
    "ScaledIdentity",
    "Simplex",
    "Slab",
    "SpectralBall",
    "Unbounded",
    "from_config",
    "projection_residual",
]
