"""The norms that learners project in: ``|x|_H^2 = x' H x`` with a positive semidefinite operator H."""

from oco.metrics.any_metric import as_metric
from oco.metrics.base import DENSE_LIMIT, Metric, Parts
from oco.metrics.dense import Dense
from oco.metrics.diagonal import Diagonal
from oco.metrics.kronecker import Kronecker
from oco.metrics.low_rank import LowRankPlusScaledIdentity
from oco.metrics.scaled_identity import ScaledIdentity

__all__ = [
    "DENSE_LIMIT",
    "Dense",
    "Diagonal",
    "Kronecker",
    "LowRankPlusScaledIdentity",
    "Metric",
    "Parts",
    "ScaledIdentity",
    "as_metric",
]
