"""Measures of a path by its steps ``u_{t+1} - u_t``: a norm whose ball the steps lie in, and the dual norm."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from oco.types import Array


class Measure(ABC):
    """A measure ``m`` of paths of which ``m(path) <= budget`` says ``norm(steps) <= radius(budget)``."""

    name: ClassVar[str]

    @abstractmethod
    def radius(self, budget: float) -> float:
        """The norm that the steps may have."""

    @abstractmethod
    def longest(self, radius: float, count: int) -> float:
        """The greatest length of a path of ``count`` steps."""

    @abstractmethod
    def norm(self, steps: Array) -> float:
        """Norm of the steps ``(n, d)``."""

    @abstractmethod
    def dual(self, potentials: Array) -> float:
        """The norm with ``<z, steps> <= dual(z) norm(steps)``."""

    @abstractmethod
    def shortened(self, potentials: Array, size: float) -> Array:
        """Potentials near these whose dual norm is at most ``size``, up to rounding."""

    @abstractmethod
    def project(self, steps: Array, radius: float) -> Array:
        """The nearest steps of norm at most ``radius``."""


class Length(Measure):
    """``sum_t |u_{t+1} - u_t|_2``; the dual norm is the largest length of a potential."""

    name: ClassVar[str] = "length"

    def radius(self, budget: float) -> float:
        """The budget."""
        return budget

    def longest(self, radius: float, count: int) -> float:
        """The radius."""
        return radius

    def norm(self, steps: Array) -> float:
        """The sum of the lengths."""
        return float(lengths(steps).sum())

    def dual(self, potentials: Array) -> float:
        """The largest length."""
        return float(lengths(potentials).max(initial=0.0))

    def shortened(self, potentials: Array, size: float) -> Array:
        """Shorten those that are too long."""
        sizes = lengths(potentials)
        clipped: Array = potentials * (np.minimum(sizes, size) / np.where(sizes > 0.0, sizes, 1.0))[:, None]
        return clipped

    def project(self, steps: Array, radius: float) -> Array:
        """Shorten every step by the same length, to no less than zero."""
        sizes = lengths(steps)
        if sizes.sum() <= radius:
            return steps
        falling = np.sort(sizes)[::-1]
        excess = np.cumsum(falling) - radius
        counts = np.arange(1, sizes.size + 1)
        last = np.flatnonzero(falling * counts > excess)[-1]
        shrunk = np.maximum(sizes - excess[last] / counts[last], 0.0)
        shorter: Array = steps * (shrunk / np.where(sizes > 0.0, sizes, 1.0))[:, None]
        return shorter


class Squares(Measure):
    """``sum_t |u_{t+1} - u_t|_2^2``, which says that all steps as one vector have at most the root of the budget."""

    name: ClassVar[str] = "squares"

    def radius(self, budget: float) -> float:
        """The root of the budget."""
        return math.sqrt(budget)

    def longest(self, radius: float, count: int) -> float:
        """That of equal steps in one direction."""
        return radius * math.sqrt(count)

    def norm(self, steps: Array) -> float:
        """Length of all steps as one vector."""
        return float(np.linalg.norm(steps))

    def dual(self, potentials: Array) -> float:
        """The same length, by Cauchy and Schwarz."""
        return float(np.linalg.norm(potentials))

    def shortened(self, potentials: Array, size: float) -> Array:
        """Scale all alike."""
        return self.project(potentials, size)

    def project(self, steps: Array, radius: float) -> Array:
        """Scale all steps alike."""
        size = self.norm(steps)
        return steps if size <= radius else steps * (radius / size)


MEASURES: dict[str, Measure] = {measure.name: measure for measure in (Length(), Squares())}


def lengths(vectors: Array) -> Array:
    """``|v_i|_2`` of every row."""
    squares: Array = np.einsum("ij,ij->i", vectors, vectors)
    return np.sqrt(squares)
