"""The base class of losses, the convex functions that an environment reveals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from oco.types import Array


class Loss(ABC):
    """A convex function of the decision. Any object with `value` and `gradient` is accepted; inheriting is optional."""

    @abstractmethod
    def value(self, point: Array) -> float:
        """The loss suffered at ``point``."""

    @abstractmethod
    def gradient(self, point: Array) -> Array:
        """A subgradient at ``point``, of the point's shape."""

    @classmethod
    def batch(cls, losses: Sequence[Any]) -> Callable[[Array], tuple[Array, Array]] | None:
        """A function from a point to values ``(n,)`` and gradients ``(n, *shape)`` of many losses of this class.

        An optional hook for best fixed points; None, the default, means that losses are evaluated one by one.
        """
        return None
