"""The former location of `oco.metrics`; its names can be imported from here for one more release."""

from oco.metrics import Dense, Diagonal, Kronecker, LowRankPlusScaledIdentity, Metric, ScaledIdentity

__all__ = ["Dense", "Diagonal", "Kronecker", "LowRankPlusScaledIdentity", "Metric", "ScaledIdentity"]
