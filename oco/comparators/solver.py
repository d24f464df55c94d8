"""The abstract base class of solvers, and the choice of a solver for a sum of losses."""

from __future__ import annotations

import importlib
import math
import pkgutil
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np

from oco.comparators import solvers
from oco.comparators.comparator import Comparator, ComparatorCurve
from oco.comparators.rows import RowStream
from oco.domains.base import Domain
from oco.errors import ComparatorError, ConfigError, DomainError
from oco.losses.base import Loss
from oco.losses.multinomial import MultinomialBlock
from oco.losses.rows import RowBlock
from oco.regret.interval import radius_text
from oco.types import Array

Losses: TypeAlias = RowBlock | MultinomialBlock | RowStream | Sequence[Loss]
"""Rounds of losses, in the most specific known form."""


class Request(NamedTuple):
    """Options of a search for comparators.

    Attributes
    ----------
    tolerance
        The relative gap that counts as tight; None for the solver's default.
    start
        Initial point of the search; None for the domain's start.
    strict
        Whether to raise an error if a comparator is not tight on the whole domain.
    deadline
        When to stop searching, on the clock of `time.monotonic`; points and intervals so far are returned then.
    solved
        Is told every checkpoint t whose comparator was found.
    """

    tolerance: float | None = None
    start: Array | None = None
    strict: bool = False
    deadline: float = math.inf
    solved: Callable[[int], None] = lambda rounds: None

    @classmethod
    def of(
        cls, tolerance: float | None, start: Array | None, strict: bool, seconds: float | None,
        solved: Callable[[int], None] = lambda rounds: None,
    ) -> Request:  # fmt: skip
        """The options, checked; the time begins to run."""
        for name, value in (("tolerance", tolerance), ("seconds", seconds)):
            if value is not None and not 0.0 <= value < math.inf:
                raise ConfigError(f"{name} of a comparator must be a finite number of at least 0, got {value!r}")
        return cls(tolerance, start, strict, math.inf if seconds is None else time.monotonic() + seconds, solved)


class Solver(ABC):
    """A method that finds certified best fixed points. To add one, put a subclass into ``oco/comparators/solvers/``."""

    order: ClassVar[int]
    """Solvers are tried in increasing order: the most specific first, the one for all losses at 1,000."""

    @abstractmethod
    def taken(self, losses: Losses, domain: Domain) -> Any | None:
        """The losses in the form that the other methods expect; None if this solver does not apply."""

    @abstractmethod
    def curve(self, taken: Any, domain: Domain, rounds: list[int], request: Request) -> ComparatorCurve:
        """Best fixed points for the first t of the losses, for every t in ``rounds``."""

    @abstractmethod
    def certify(
        self, taken: Any, domain: Domain, point: Array, dual: Array | None, tolerance: float | None
    ) -> Comparator:
        """Certify ``point`` as the best fixed point of all the losses."""


@cache
def all_solvers() -> tuple[Solver, ...]:
    """One instance of every solver, in the order in which they are tried."""
    found = []
    for module in pkgutil.iter_modules(solvers.__path__):
        contents = vars(importlib.import_module(f"{solvers.__name__}.{module.name}")).values()
        found += [
            each() for each in contents if isinstance(each, type) and issubclass(each, Solver) and each is not Solver
        ]
    return tuple(sorted(found, key=lambda solver: solver.order))


def solver_of(losses: Losses, domain: Domain) -> tuple[Solver, Any]:
    """The first solver that accepts the losses, and the losses in the form that it expects."""
    for solver in all_solvers():
        taken = solver.taken(losses, domain)
        if taken is not None:
            return solver, taken
    raise ConfigError(f"no solver finds the best fixed point of losses of type {type(losses).__name__}")


def count_of(losses: Any) -> int:
    """Number of rounds of a stream, a block or a sequence."""
    return int(losses.horizon) if hasattr(losses, "horizon") else len(losses)


def checked_rounds(rounds: Sequence[int] | Array, count: int) -> list[int]:
    """The checkpoints as integers; `ConfigError` unless they increase within 1 .. ``count``."""
    checkpoints = [int(t) for t in rounds]
    rising = all(before < after for before, after in pairwise([0, *checkpoints, count + 1]))
    if not checkpoints or not rising:
        raise ConfigError(f"checkpoints must rise within 1..{count}, got {checkpoints}")
    return checkpoints


def require_tight(found: Comparator, tolerance: float) -> None:
    """Raise `ComparatorError` unless the interval is narrow and holds on the whole domain."""
    if found.tight and math.isinf(found.value.within):
        return
    if found.tight:
        what = f"is certified{radius_text(found.value.within)} only, because no dual was found that holds everywhere"
    else:
        what = f"has a certified gap of {found.gap:.3g}, which tolerance {tolerance:g} does not allow"
    raise ComparatorError(f"the comparator for rounds 1..{found.rounds} {what}", found.gap)


def feasible(domain: Domain, point: Array) -> Array:
    """``point`` in the domain's shape, projected if it lies outside by rounding; `DomainError` if it is further out."""
    shaped = point.reshape(domain.shape) if point.size == domain.dimension else point
    with np.errstate(over="ignore"):
        if not domain.contains(shaped):
            raise DomainError(f"a comparator must lie in its domain {domain!r}, and this point does not")
        return domain.project(shaped)
