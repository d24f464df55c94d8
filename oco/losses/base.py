"""The base class of losses, the convex functions that an environment reveals."""

from __future__ import annotations

from abc import ABC, abstractmethod

from oco.types import Array


class Loss(ABC):
    """A convex function of the decision. Any object with these two methods is accepted; inheriting is optional."""

    @abstractmethod
    def value(self, point: Array) -> float:
        """The loss suffered at ``point``."""

    @abstractmethod
    def gradient(self, point: Array) -> Array:
        """A subgradient at ``point``, of the point's shape."""
