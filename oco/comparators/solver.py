"""What a solver is, and which of the files of ``oco/comparators/solvers/`` solves a sum of losses."""

from __future__ import annotations

import importlib
import math
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
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
"""Rounds of losses, in the most special form that is known."""


class Request(NamedTuple):
    """What is asked of a curve.

    Attributes
    ----------
    tolerance
        The relative gap that counts as tight; None for the solver's own.
    start
        Where to start looking; None for the domain's start.
    strict
        Whether a comparator that is not tight everywhere is an error.
    """

    tolerance: float | None = None
    start: Array | None = None
    strict: bool = False


class Solver(ABC):
    """A way to find best fixed points, certified. A file with a subclass in ``oco/comparators/solvers/`` adds one."""

    order: ClassVar[int]
    """Solvers are asked in this order: the most special first, the one for all losses at 1,000."""

    @abstractmethod
    def taken(self, losses: Losses, domain: Domain) -> Any | None:
        """The losses as the other methods want them; None where this is not a solver for them."""

    @abstractmethod
    def curve(self, taken: Any, domain: Domain, rounds: list[int], request: Request) -> ComparatorCurve:
        """Best fixed points for the first t of the losses, for every t in ``rounds``."""

    @abstractmethod
    def certify(
        self, taken: Any, domain: Domain, point: Array, dual: Array | None, tolerance: float | None
    ) -> Comparator:
        """What ``point`` is worth as a best fixed point of all the losses."""


@cache
def all_solvers() -> tuple[Solver, ...]:
    """One of every solver, in the order in which they are asked."""
    found = []
    for module in pkgutil.iter_modules(solvers.__path__):
        contents = vars(importlib.import_module(f"{solvers.__name__}.{module.name}")).values()
        found += [
            each() for each in contents if isinstance(each, type) and issubclass(each, Solver) and each is not Solver
        ]
    return tuple(sorted(found, key=lambda solver: solver.order))


def solver_of(losses: Losses, domain: Domain) -> tuple[Solver, Any]:
    """The first solver that takes the losses, and the losses as it wants them."""
    for solver in all_solvers():
        taken = solver.taken(losses, domain)
        if taken is not None:
            return solver, taken
    raise ConfigError(f"no comparator is known for losses that are {type(losses).__name__}")


def count_of(losses: Any) -> int:
    """Number of rounds of a stream, a block or a sequence."""
    return int(losses.horizon) if hasattr(losses, "horizon") else len(losses)


def checked_rounds(rounds: Sequence[int] | Array, count: int) -> list[int]:
    """The checkpoints as integers; `ConfigError` unless they rise within 1 .. ``count``."""
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
    """``point`` in the domain's shape, moved onto the domain where it is off by rounding; `DomainError` beyond that."""
    shaped = point.reshape(domain.shape) if point.size == domain.dimension else point
    with np.errstate(over="ignore"):
        if not domain.contains(shaped):
            raise DomainError(f"a comparator must lie in its domain {domain!r}, and this point does not")
        return domain.project(shaped)
