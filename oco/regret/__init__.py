"""Regret: intervals, bounds, the spectrum of the gradient covariance, and the tracker that watches a game."""

from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.regret.covariance import GradientCovariance
from oco.regret.interval import Interval
from oco.regret.spectrum import Spectrum

__all__ = ["Assumption", "Bound", "Constant", "GradientCovariance", "Interval", "Observed", "Spectrum"]
