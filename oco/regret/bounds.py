"""A regret bound: a theorem's value for one run, its constants and its assumptions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from oco.domains.base import Domain
from oco.regret.spectrum import Spectrum
from oco.types import Array

Origin = Literal["given", "domain", "observed"]


@dataclass(frozen=True)
class Constant:
    """A number that entered a bound and where it came from: given by the user, the domain, or observed in the run."""

    name: str
    value: float
    origin: Origin

    @classmethod
    def resolved(cls, name: str, value: float, given: float | None) -> Constant:
        """The value that is used of a hyper-parameter: what was ``given``, or what follows from the domain."""
        return cls(name, value, "domain" if given is None else "given")


@dataclass(frozen=True)
class Assumption:
    """Something that the theorem requires, and whether the run satisfies it."""

    statement: str
    holds: bool


@dataclass(frozen=True)
class Bound:
    """A theorem's bound for the rounds so far: ``regret <= value`` if every assumption holds.

    Attributes
    ----------
    theorem
        Which theorem of which paper.
    value
        The right-hand side.
    constants
        The constants in the right-hand side.
    assumptions
        What the theorem requires. A bound with a violated assumption is reported and marked, but never counts as a
        pass.
    variants
        Other right-hand sides of the same theorem for the same rounds, by name.
    """

    theorem: str
    value: float
    constants: tuple[Constant, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    variants: dict[str, float] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        """Whether every assumption holds."""
        return all(assumption.holds for assumption in self.assumptions)

    @property
    def violations(self) -> tuple[str, ...]:
        """Statements of the assumptions that do not hold."""
        return tuple(assumption.statement for assumption in self.assumptions if not assumption.holds)


SMALLEST_GRADIENT = 1e-150
"""Squares of shorter gradients are subnormal, so sums of them lose all accuracy."""


@dataclass(frozen=True)
class Observed:
    """What the tracker has seen up to a checkpoint; the input of `oco.Learner.bound`.

    Attributes
    ----------
    rounds
        t, rounds played so far.
    domain
        The game's domain.
    gradient_squares
        ``sum_s |g_s|_2^2``, the trace of the gradient covariance.
    coordinate_squares
        ``(d,)``, ``sum_s g_{s,i}^2``: the diagonal of the gradient covariance (of the flattened gradient).
    largest_gradient
        ``max_s |g_s|_2``.
    spectrum
        Top eigenvalues of the gradient covariance, if they were requested.
    largest_point
        ``max_s |x_s|_2``, which replaces the radius if the domain is unbounded.
    comparator_distance
        ``|u_t - x_1|_2`` for the best fixed point u_t of the rounds so far, if the domain is unbounded and u_t does not
        depend on the points played; else NaN.
    comparator
        u_t itself, on any domain, for learners with `oco.Learner.bound_needs_comparator`; None if it is not known.
    extra
        For learners with `oco.Learner.bound_needs_sides`, in games of matrices: ``left_eigenvalues`` ``(m,)`` of
        ``sum G G'`` and ``right_eigenvalues`` ``(n,)`` of ``sum G' G``.
    total_delay
        ``sum_s min(d_s, t - s)`` if the feedback of round s comes d_s rounds late; else 0.
    """

    rounds: int
    domain: Domain
    gradient_squares: float
    coordinate_squares: Array
    largest_gradient: float
    spectrum: Spectrum | None = None
    largest_point: float = float("nan")
    comparator_distance: float = float("nan")
    extra: dict[str, Any] = field(default_factory=dict)
    total_delay: int = 0
    comparator: Array | None = None


def within_scales(bound: Bound | None, observed: Observed) -> Bound | None:
    """``bound``, with a violated assumption if all gradients are so short that their squares underflow."""
    if bound is None or not 0.0 < observed.largest_gradient < SMALLEST_GRADIENT:
        return bound
    short = Assumption(f"some gradient is at least {SMALLEST_GRADIENT:g} long: squares of shorter ones vanish", False)
    return replace(bound, assumptions=(*bound.assumptions, short))


def within_delay(bound: Bound | None, observed: Observed) -> Bound | None:
    """``bound`` of a theorem on prompt feedback, with a violated assumption if some feedback came late."""
    if bound is None or observed.total_delay == 0:
        return bound
    return replace(bound, assumptions=(*bound.assumptions, Assumption("all feedback comes in its round", False)))
