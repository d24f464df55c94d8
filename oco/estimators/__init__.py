"""Learners as scikit-learn estimators: `OnlineClassifier` and `OnlineRegressor`. Needs scikit-learn 1.6 or newer."""

try:
    import sklearn as sklearn
except ImportError as error:
    raise ImportError("oco.estimators needs scikit-learn 1.6 or newer: pip install scikit-learn") from error

from oco.estimators.classifier import OnlineClassifier
from oco.estimators.regressor import OnlineRegressor

__all__ = ["OnlineClassifier", "OnlineRegressor"]
