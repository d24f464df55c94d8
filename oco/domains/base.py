"""The abstract base class of domains, the convex sets in which decisions must lie."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from oco import html
from oco.domains._any_metric import project_by_gradients
from oco.errors import DomainError
from oco.keywords import keywords, plain, registered_name, represent
from oco.metrics import Metric, as_metric
from oco.types import Array, Shape

if TYPE_CHECKING:
    from oco.domains._region import Region


class Domain(ABC):
    """A closed convex set of decisions, vectors ``(d,)`` or matrices ``(m, n)``.

    A subclass implements the projection, the support function and the diameter; learners, comparators and bounds need
    nothing else. Domains are immutable. A domain made without a shape, such as ``Ball(radius=5.0)``, gets one from
    `with_shape` when an environment uses it.
    """

    name: ClassVar[str] = ""
    """Name of the domain in configs and records."""

    axes: ClassVar[tuple[int, ...]] = (1, 2)
    """Numbers of axes that a decision may have: 1 for vectors ``(d,)``, 2 for matrices ``(m, n)``."""

    _shape: Shape | None = None

    @property
    def shape(self) -> Shape:
        """Shape of a decision; raises `DomainError` if it has not been given yet."""
        if self._shape is None:
            raise DomainError(
                f"{type(self).__name__} does not know the shape of a decision yet: give it to the constructor or call "
                "with_shape"
            )
        return self._shape

    def with_shape(self, shape: Shape) -> Self:
        """The domain for decisions of ``shape``: itself where that is its shape, a copy where it had none.

        Parameters
        ----------
        shape
            ``(d,)`` or ``(m, n)``.

        Raises
        ------
        DomainError
            If the domain has another shape, or cannot have this one.
        """
        shape = tuple(int(length) for length in shape)
        if self._shape == shape:
            return self
        if self._shape is not None:
            raise DomainError(f"{type(self).__name__} has decisions of shape {self._shape}, not {shape}")
        self._check_shape(shape)
        domain = copy.copy(self)
        domain._shape = shape
        return domain

    def _check_shape(self, shape: Shape) -> None:
        """Raise `DomainError` if decisions of this domain cannot have ``shape``."""
        if len(shape) not in self.axes or min(shape) < 1:
            allowed = " or ".join({1: "(d,)", 2: "(m, n)"}[count] for count in self.axes)
            raise DomainError(f"The shape of {type(self).__name__} must be {allowed}, of positive lengths, got {shape}")

    def _size_given(self, dimension: int | Shape | None) -> Shape | None:
        """The shape given by a constructor's ``dimension``; raises `DomainError` if it is not possible."""
        if dimension is None:
            return None
        shape = (int(dimension),) if isinstance(dimension, int) else tuple(dimension)
        self._check_shape(shape)
        return shape

    def _checked(self, point: ArrayLike) -> Array:
        """``point`` as a float64 array, with its shape and finiteness checked."""
        array = np.asarray(point, dtype=np.float64)
        if array.shape != self.shape:
            raise DomainError(f"{type(self).__name__} has decisions of shape {self.shape}, got one of {array.shape}")
        # Finite squares first: that takes half the time, and overflow in them does not warn.
        if not (math.isfinite(np.vdot(array, array)) or np.isfinite(array).all()):
            raise DomainError(f"{type(self).__name__} got a point with an entry that is not finite")
        return array

    @property
    def dimension(self) -> int:
        """Number of coordinates of a decision, ``d`` or ``m n``."""
        return int(math.prod(self.shape))

    @property
    @abstractmethod
    def start(self) -> Array:
        """The point from which learners start: the center where there is one. A fresh array on every call."""

    @property
    def bounded(self) -> bool:
        """Whether the diameter is finite."""
        return bool(np.isfinite(self.diameter()))

    def as_ball(self) -> tuple[Array, float] | None:
        """Center and radius if `project` is the projection on a Euclidean ball; infinite radius for the whole space.

        Learners and comparators then use the ball's closed forms in place of `project`. A subclass may have changed
        `project`, so it does not inherit the answer; a subclass that is still a ball overrides this method.
        """
        return None

    def as_region(self) -> Region | None:
        """The arrays from which compiled loops project on this domain in a learner's norm; None if they cannot.

        As with `as_ball`, a subclass does not inherit the answer.
        """
        return None

    @abstractmethod
    def contains(self, point: Array, tolerance: float = 1e-9) -> bool:
        """Whether ``point`` lies in the domain up to ``tolerance``, relative to the domain's size."""

    @abstractmethod
    def project(self, point: Array) -> Array:
        """Euclidean projection: the x in the domain that minimizes ``|x - point|_2``."""

    def project_in(self, point: Array, metric: Metric) -> Array:
        """Projection in the learner's norm: the x in the domain that minimizes ``(x - point)' H (x - point)``.

        If ``H`` is singular, this is the limit of the minimizers for ``H + h I`` as h falls to zero.

        An optional hook. The default method needs `project` and `support` only. It takes about ``30 sqrt(c)`` Euclidean
        projections for a metric of condition number c, certifies the result, and raises `DomainError` if 20,000
        projections are not enough. If H is singular it finds one of the minimizers, not always the limit. Override it
        where a faster method is known.

        Parameters
        ----------
        point
            Of the domain's shape.
        metric
            A metric, or any object that `oco.metrics.as_metric` takes.

        Raises
        ------
        DomainError
            If the projection cannot be certified.
        """
        point = self._checked(point)
        metric = as_metric(metric, self.shape)
        if metric.isotropic or metric.largest == 0.0:
            return self.project(point)
        return project_by_gradients(self, point, metric)

    @abstractmethod
    def support(self, direction: Array) -> float:
        """Support function ``max_{x in domain} <direction, x>``; infinite where the domain is unbounded that way."""

    @abstractmethod
    def maximizer(self, direction: Array) -> Array:
        """A point that attains `support`; raises `DomainError` where none does."""

    @abstractmethod
    def diameter(self, norm: str = "l2") -> float:
        """Largest distance of two points in ``norm``: ``"l1"``, ``"l2"`` (Frobenius), ``"linf"`` or ``"spectral"``."""

    @abstractmethod
    def radius(self, norm: str = "l2") -> float:
        """Largest norm of a point."""

    def keywords(self) -> dict[str, Any]:
        """The constructor's keywords, with the size that `with_shape` gave."""
        shape = self._shape
        dimension = shape[0] if shape is not None and len(shape) == 1 else shape
        return keywords(self, dimension=dimension, shape=shape)

    def describe(self) -> dict[str, object]:
        """Name, parameters and shape, as plain values for a record.

        The ids of stored runs are hashes of this mapping, so its keys stay ``name`` and ``shape`` although
        `oco.spec.spec` uses ``kind`` and ``dimension``.
        """
        sized = {"shape": None if self._shape is None else list(self._shape)}
        own = {name: plain(value) for name, value in self.keywords().items() if name not in ("dimension", "shape")}
        return {"name": self.name or registered_name(type(self))} | own | sized

    def __repr__(self) -> str:
        """Constructor call that makes this domain."""
        return represent(self)

    def _repr_html_(self) -> str:
        """The domain for a notebook: its shape, where learners start, and how large it is."""
        if self._shape is None:
            return html.table(repr(self), [("shape", "given by the environment that uses it", "")])
        lengths = ", ".join(f"{self.diameter(norm):.6g} ({norm})" for norm in ("l2", "linf"))
        start = np.array2string(self.start, precision=4, threshold=8)
        return html.table(
            repr(self), [("shape", str(self.shape), ""), ("learners start at", start, ""), ("diameter", lengths, "")]
        )


def require_inside(domain: Domain, projected: Array) -> Array:
    """``projected``; raises `DomainError` if overflow or cancellation left it outside or not finite."""
    if np.isfinite(projected).all() and domain.contains(projected):
        return projected
    raise DomainError(
        f"The projection on {type(domain).__name__} was lost to rounding: the point is too far away, or the metric too "
        "badly conditioned"
    )
