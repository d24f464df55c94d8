"""Regret: its kinds, intervals, bounds, and the spectrum of the gradient covariance."""

from typing import TYPE_CHECKING, Any

from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.regret.certificate import Certificate
from oco.regret.covariance import GradientCovariance
from oco.regret.interval import Interval
from oco.regret.quantities import (
    IntervalRegret,
    PathRegret,
    dyadic_intervals,
    dynamic_regret,
    interval_regret,
    linearized_regret,
    path_length,
    regret_against_final,
    regret_against_prefix_best,
)
from oco.regret.row_spectrum import gradient_spectrum
from oco.regret.spectrum import Spectrum
from oco.regret.verdict import Verdict, allowed, verdict, worst

__all__ = [
    "Assumption",
    "Bound",
    "Certificate",
    "Constant",
    "GradientCovariance",
    "Interval",
    "IntervalRegret",
    "Observed",
    "PathRegret",
    "Spectrum",
    "Verdict",
    "allowed",
    "dyadic_intervals",
    "dynamic_regret",
    "gradient_spectrum",
    "interval_regret",
    "linearized_regret",
    "path_length",
    "regret_against_final",
    "regret_against_prefix_best",
    "verdict",
    "worst",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name != "linearised_regret":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import warnings

        warnings.warn("oco.regret.linearised_regret is now linearized_regret", DeprecationWarning, stacklevel=2)
        return linearized_regret
