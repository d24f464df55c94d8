"""The base class of learners, which play a point and update their state with the revealed gradient."""

from __future__ import annotations

import copy
import dataclasses
import math
import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from oco.domains.base import Domain
from oco.errors import ConfigError, ProtocolError
from oco.keywords import keywords, represent
from oco.learners.problem import Constrained as Constrained
from oco.learners.problem import Problem as Problem
from oco.memory import process_memory
from oco.needs import DIAMETER as DIAMETER
from oco.needs import EXP_CONCAVITY as EXP_CONCAVITY
from oco.needs import GAME, REMEDIES, feedback_of
from oco.needs import GRADIENT_BOUND as GRADIENT_BOUND
from oco.types import Array

if TYPE_CHECKING:
    from oco.losses.rows import BlockOutcome, RowBlock
    from oco.regret.bounds import Bound, Observed


@dataclass(frozen=True)
class Memory:
    """Size of a learner's state, as a formula in d, k, ... and as a number of floats for one problem."""

    formula: str
    floats: int


class _NotStarted(ProtocolError, AttributeError):
    """A learner has no state yet. Also an AttributeError, so that ``hasattr(learner, "state")`` is False."""


@dataclass(frozen=True)
class Look:
    """Style of a learner in figures: its label, its color ``#RRGGBB`` and its Matplotlib marker."""

    label: str
    color: str
    marker: str


class Learner(ABC):
    """Hyper-parameters as constructor keywords, and a ``state`` that `start` makes and `update` advances.

    A custom learner needs three methods: ``__init__`` with the hyper-parameters, ``start(problem)``, which sets
    ``self.state`` to a plain record (a dataclass, a dict) with at least ``point``, and ``update(gradient)``. Everything
    carried from round to round must be in ``state``, because only ``state`` is counted, copied and compared.

    A learner of something else than gradients says so in `needs`, with words of `oco.needs`. In every round the game

    1. calls `observe` with the context, if the learner needs `ROW` (``(d,)``, the row a_t of the coming loss) or `HINT`
       (an array of the domain's shape, a guess of the coming gradient);
    2. evaluates the loss at every point of `queries`, usually the one that is played, ``prediction``;
    3. calls ``update(feedback)``, at the end of this round or, if feedback is delayed, of a later one. With `GRADIENT`
       the feedback is the gradient at ``prediction``; with `WHOLE_LOSS` the `oco.Loss`, with a ``prox(point, step)`` if
       the learner needs `PROX` too; with `ONE_VALUE` or `TWO_VALUES` the values ``(n,)`` of the loss at `queries`; with
       `CONSTRAINT` a `Constrained` gradient.

    The rest is optional and has defaults: `prediction` (``state.point``), `queries` (``(prediction,)``), `play_block`
    (rounds are played one by one), `memory` (not stated), `bound` (not known; with `bound_needs_comparator` it is given
    the best fixed point at every checkpoint), `fresh`, `hyperparameters`, `rank` (no sketch), `escaped_mass` (not
    known), the texts `name`, `source` and `guarantee`, and attributes for shared tests and figures: `decision`,
    `needs`, `draws`, `examples`, `look`.

    Examples
    --------
    >>> import oco
    >>> class Lazy(oco.Learner):
    ...     def start(self, problem):
    ...         self.state = {"point": problem.domain.start}
    ...     def update(self, gradient):
    ...         pass
    """

    name: ClassVar[str] = ""
    """Short name for tables and configs; by default the class name in snake case."""
    source: ClassVar[str] = ""
    """Source of the algorithm: paper, and theorem or equation number."""
    guarantee: ClassVar[str] = "none known"
    """The regret bound in one line, with its assumptions."""
    bound_needs_sides: ClassVar[bool] = False
    """Whether `bound` uses the spectra of ``sum G G'`` and ``sum G' G``, which cost O(m n (m + n)) a round."""
    bound_needs_comparator: ClassVar[bool] = False
    """Whether `bound` uses the best fixed point itself, which is then found at every checkpoint."""

    decision: ClassVar[Literal["any", "vector", "unbounded", "matrix", "simplex"]] = "any"
    """Kind of decision: an array of any shape (a matrix row by row), a vector, a vector of the whole space, a matrix,
    or a point of the simplex."""
    needs: ClassVar[tuple[str, ...]] = ()
    """What the game must show (gradients if nothing else is named), and what the problem must state if hyper-parameters
    are left at their defaults, the theorem's values; words of `oco.needs`."""
    draws: ClassVar[bool] = False
    """Whether the learner draws random numbers, so that its regret in one game is one draw of a random number."""
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)
    """Hyper-parameters for small problems in shared tests; the first set uses the theorem's values where possible."""
    look: ClassVar[Look | None] = None
    """Style in figures, which choose an unused color and marker if it is None."""

    rank: Any = None
    """Number of directions in the learner's sketch, if it is a hyper-parameter; None without a sketch."""

    state: Any
    """The plain record of arrays and numbers carried from round to round."""

    if not TYPE_CHECKING:  # so that type checkers still report misspelled attributes

        def __getattr__(self, name: str) -> Any:
            """Explain that ``state`` is missing before `start`; other missing attributes get the usual error."""
            private = name.startswith("_") and not name.startswith("__")
            if "state" not in vars(self) and (private or name == "state" or hasattr(type(self), name)):
                raise _NotStarted(
                    f"{type(self).__name__} has no state yet; call start(problem) before the first update or prediction"
                )
            return object.__getattribute__(self, name)

    @property
    def escaped_mass(self) -> float:
        """Bound on the operator norm of the covariance minus its sketch; NaN without a sketch."""
        return math.nan

    @abstractmethod
    def start(self, problem: Problem) -> None:
        """Set ``state`` for the first round of ``problem``; raise `ConfigError` if the problem is unsuitable."""

    @property
    def prediction(self) -> Array:
        """The point x_t played in this round. The caller must not change it.

        It may be the array in ``state``, which the next `update` overwrites, so copy it to keep it.
        """
        point: Array = self.state["point"] if isinstance(self.state, dict) else self.state.point
        return point

    @property
    def queries(self) -> tuple[Array, ...]:
        """The points at which the loss of this round is suffered, the mean of its values there: `prediction` alone,
        unless a learner of `TWO_VALUES` plays two points around it.
        """
        return (self.prediction,)

    def observe(self, context: Array) -> None:
        """Take in what is known of the coming loss, before `prediction` is read; called if `needs` asks for it."""
        raise ProtocolError(
            f"{type(self).__name__} needs to see something before play, so it must define observe(context)"
        )

    @abstractmethod
    def update(self, gradient: Any) -> None:
        """Advance the state with a (sub)gradient of f_t at `prediction`, of the prediction's shape.

        A learner whose `needs` name another feedback is given that instead, see the class.
        """

    def play_block(self, block: RowBlock) -> BlockOutcome | None:
        """Play every round of ``block`` in order, exactly as the same number of `update` calls; None if not possible.

        Learners with a compiled loop over rows override this; otherwise the game falls back on `update`.
        """
        return None

    def memory(self, problem: Problem) -> Memory | None:
        """The state's size as a formula and in floats for ``problem``, or None if not stated."""
        return None

    def bound(self, observed: Observed) -> Bound | None:
        """The theorem's bound on the regret of the rounds so far, from the observed quantities; None if not known."""
        return None

    def hyperparameters(self) -> dict[str, Any]:
        """The constructor keywords with their values."""
        return keywords(self)

    def fresh(self) -> Self:
        """A learner with the same hyper-parameters and no state, which shares no mutable object with this one."""
        clone = copy.copy(self)
        clone.__dict__.pop("state", None)
        clone.__dict__.pop("_counted", None)
        for name, value in clone.__dict__.items():
            try:
                clone.__dict__[name] = copy.deepcopy(value)
            except TypeError:  # for instance an open file or a lock, which cannot be copied
                continue
        return clone

    def __repr__(self) -> str:
        """Constructor call that makes this learner."""
        return represent(self)

    def _repr_html_(self) -> str:
        """The learner for a notebook."""
        from oco.learners._notebook import learner_html

        return learner_html(self)


def require_memory(learner: Learner, problem: Problem) -> None:
    """Raise `ConfigError` if the learner's state, by its own formula, exceeds the memory this process may use."""
    memory = learner.memory(problem)
    if memory is None:
        return
    held = process_memory()
    if 8 * memory.floats > held:
        raise ConfigError(
            f"{type(learner).__name__} holds {memory.formula} floats, {8e-9 * memory.floats:,.0f} GB for decisions of "
            f"{problem.domain.dimension:,} numbers, and this process may use {1e-9 * held:,.0f} GB; "
            "FDAdaGrad holds about dk floats, DiagonalAdaGrad 2d"
        )


def require_feedback(learner: Learner, problem: Problem) -> None:
    """Raise `ConfigError` with the remedy if the environment does not show what the learner needs."""
    for need in (feedback_of(learner.needs), *learner.needs):
        if need in GAME and need not in problem.gives:
            shown = ", ".join(problem.gives) or "nothing"
            raise ConfigError(
                f"{type(learner).__name__} needs {need}, and the environment gives {shown}; {REMEDIES[need]}"
            )


def effective_rank(learner: Learner, domain: Domain) -> int | None:
    """Directions that the learner's sketch keeps on ``domain``, at most its dimension; None without a rank.

    For learners with one sketch per side of a matrix, the longer side counts.
    """
    if not isinstance(learner.rank, numbers.Integral) or isinstance(learner.rank, bool):
        return None
    return min(int(learner.rank), max(domain.shape) if learner.bound_needs_sides else domain.dimension)


def state_arrays(state: Any) -> Iterator[tuple[str, Array]]:
    """Walk a state record (dataclass, mapping, sequence, namespace) and yield every array and number in it by path."""
    if state is None or isinstance(state, (str, bytes)):
        return
    if isinstance(state, np.ndarray):
        yield "", state
    elif isinstance(state, (bool, int, float, complex, np.generic)):
        yield "", np.asarray(state)
    else:
        if dataclasses.is_dataclass(state):
            items: Any = ((field.name, getattr(state, field.name)) for field in dataclasses.fields(state))
        elif isinstance(state, dict):
            items = state.items()
        elif isinstance(state, (list, tuple)):
            items = enumerate(state)
        else:
            items = vars(state).items()
        for key, value in items:
            for path, array in state_arrays(value):
                yield (f"{key}.{path}" if path else str(key)), array


def state_floats(state: Any) -> int:
    """Number of floats in a state record: array entries plus one for every scalar."""
    if isinstance(state, np.ndarray):
        return state.size
    if dataclasses.is_dataclass(state):
        kind: Any = type(state)
        return sum(state_floats(getattr(state, name)) for name in _fields(kind))
    return sum(array.size for _, array in state_arrays(state))


@lru_cache(maxsize=256)
def _fields(record: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(record))


def state_bytes(state: Any) -> int:
    """Bytes of the numbers in a state record."""
    return sum(array.nbytes for _, array in state_arrays(state))
