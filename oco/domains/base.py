"""What a domain is: the convex set that decisions must lie in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from oco.types import Array, Shape

if TYPE_CHECKING:
    from oco.domains.metrics import Metric


class Domain(ABC):
    """A closed convex set of decisions, vectors ``(d,)`` or matrices ``(m, n)``.

    A subclass says how to project, how far it reaches in a direction and how wide it is; learners, comparators and
    bounds need nothing else.
    """

    @property
    @abstractmethod
    def shape(self) -> Shape:
        """Shape of a decision."""

    @property
    def dimension(self) -> int:
        """Number of coordinates of a decision, ``d`` or ``m n``."""
        return int(np.prod(self.shape))

    @property
    @abstractmethod
    def start(self) -> Array:
        """The point from which learners start: the centre where there is one. A fresh array on every call."""

    @property
    def bounded(self) -> bool:
        """Whether the diameter is finite."""
        return bool(np.isfinite(self.diameter()))

    @abstractmethod
    def contains(self, point: Array, tolerance: float = 1e-9) -> bool:
        """Whether ``point`` lies in the domain up to ``tolerance``, relative to the domain's size."""

    @abstractmethod
    def project(self, point: Array) -> Array:
        """Euclidean projection: the x in the domain that minimises ``|x - point|_2``."""

    @abstractmethod
    def project_in(self, point: Array, metric: Metric) -> Array:
        """Projection in the learner's norm: the x in the domain that minimises ``(x - point)' H (x - point)``.

        Where ``H`` is singular the minimiser is the limit of those of ``H + h I`` as h falls to zero.
        """

    @abstractmethod
    def support(self, direction: Array) -> float:
        """Support function ``max_{x in domain} <direction, x>``; infinite where the domain is unbounded that way."""

    @abstractmethod
    def maximizer(self, direction: Array) -> Array:
        """A point that attains `support`; raises `DomainError` where none does."""

    @abstractmethod
    def diameter(self, norm: str = "l2") -> float:
        """Largest distance of two points in ``norm``: ``"l1"``, ``"l2"`` (Frobenius), ``"linf"`` (or ``"spectral"``)."""

    @abstractmethod
    def radius(self, norm: str = "l2") -> float:
        """Largest norm of a point."""

    @abstractmethod
    def describe(self) -> dict[str, object]:
        """Name and parameters, as plain values that a record can keep."""
