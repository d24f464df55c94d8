"""A loss that hides what it is, so that only values and gradients are known of it."""

from __future__ import annotations

import numpy as np

from oco.losses import Loss


class Opaque(Loss):
    """Another loss, with its value and its gradient alone."""

    def __init__(self, loss: Loss) -> None:
        self._loss = loss

    def value(self, point: np.ndarray) -> float:
        return self._loss.value(point)

    def gradient(self, point: np.ndarray) -> np.ndarray:
        return self._loss.gradient(point)
