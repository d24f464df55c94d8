"""What a learner is: a point to play, and what it does with the gradient it is shown."""

from __future__ import annotations

import copy
import dataclasses
import math
import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from oco.domains.base import Domain
from oco.errors import ConfigError, ProtocolError
from oco.keywords import keywords, represent
from oco.memory import process_memory
from oco.types import Array

if TYPE_CHECKING:
    from oco.losses.rows import BlockOutcome, RowBlock
    from oco.regret.bounds import Bound, Observed

DIAMETER = "a bounded domain"
GRADIENT_BOUND = "a gradient bound"
EXP_CONCAVITY = "an exp-concavity constant"
"""What `Learner.needs` may name."""


@dataclass(frozen=True)
class Problem:
    """What a learner may know before the first round, and nothing else.

    Attributes
    ----------
    domain
        Where decisions must lie; its ``shape`` is the shape of decisions and gradients.
    horizon
        Number of rounds.
    gradient_bound
        A bound on ``|g_t|_2`` where the environment can state one, else None.
    gradient_entry_bound
        A bound on ``max_i |g_{t,i}|`` where the environment can state one, else None.
    exp_concavity
        alpha such that every ``exp(-alpha f_t)`` is concave on the domain, else None.
    strong_convexity
        sigma such that every f_t is sigma-strongly convex on the domain, else None.
    seed
        Seed of a learner that draws random numbers.
    """

    domain: Domain
    horizon: int
    gradient_bound: float | None = None
    exp_concavity: float | None = None
    strong_convexity: float | None = None
    seed: int = 0
    gradient_entry_bound: float | None = None

    @classmethod
    def of(cls, stream: Any, seed: int = 0) -> Problem:
        """What ``stream``, an environment, lets a learner with the seed ``seed`` know.

        Examples
        --------
        >>> import oco
        >>> Problem.of(oco.environments.SpectrumLinear(3, 20), seed=7).seed
        7
        """
        known = ("gradient_bound", "gradient_entry_bound", "exp_concavity", "strong_convexity")
        facts = {name: getattr(stream, name, None) for name in known}
        return cls(domain=stream.domain, horizon=int(stream.horizon), seed=seed, **facts)


@dataclass(frozen=True)
class Memory:
    """State of a learner as a formula in d, k, ... and as a number of floats for one problem."""

    formula: str
    floats: int


class _NotStarted(ProtocolError, AttributeError):
    """A learner has no state yet; an AttributeError too, so that ``hasattr(learner, "state")`` is False."""


@dataclass(frozen=True)
class Look:
    """How a learner is called and drawn in figures: its label, its color ``#RRGGBB`` and Matplotlib's marker."""

    label: str
    color: str
    marker: str


class Learner(ABC):
    """Hyper-parameters as constructor keywords, and a ``state`` that `start` makes and `update` advances.

    A learner of one's own needs three methods: ``__init__`` with the hyper-parameters, ``start(problem)`` that sets
    ``self.state`` to a plain record (a dataclass, a dict) with at least ``point``, and ``update(gradient)``. Everything
    that the learner carries from round to round must be in ``state``: that is what is counted, copied and compared.

    The rest is optional, and what the library does without it is the default here: `prediction` (``state.point``),
    `play_block` (rounds go one by one), `memory` (nothing is claimed), `bound` (none is known), `fresh`,
    `hyperparameters`, `rank` (no sketch), `escaped_mass` (not known), the texts `name`, `source` and `guarantee`, and
    what shared tests and figures know of it: `decision`, `needs`, `examples`, `look`.

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
    """Short name for tables and configs; the class name in snake case where left empty."""
    source: ClassVar[str] = ""
    """Paper, and theorem or equation number, that the algorithm is from."""
    guarantee: ClassVar[str] = "none known"
    """The regret bound in one line, with its assumptions."""
    bound_needs_sides: ClassVar[bool] = False
    """Whether `bound` uses the spectra of ``sum G G'`` and ``sum G' G``, which cost O(m n (m + n)) a round."""

    decision: ClassVar[Literal["any", "matrix", "simplex"]] = "any"
    """What is played: an array of any shape (a matrix row by row), a matrix, or a point of the simplex."""
    needs: ClassVar[tuple[str, ...]] = ()
    """What the problem must state for the hyper-parameters that are left to the theorem, which is the default."""
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)
    """Hyper-parameters for small problems in shared tests; the first leave to the theorem what they can."""
    look: ClassVar[Look | None] = None
    """How it is drawn; figures find a spare color and marker where it is None."""

    rank: Any = None
    """Directions that a learner with a sketch keeps, where that is a hyper-parameter; None without a sketch."""

    state: Any
    """The plain record of arrays and numbers that the learner carries from round to round."""

    if not TYPE_CHECKING:  # a type checker is to refuse misspelled attributes

        def __getattr__(self, name: str) -> Any:
            """What `start` sets is missing before it: say so; any other missing attribute is reported as ever."""
            private = name.startswith("_") and not name.startswith("__")
            if "state" not in vars(self) and (private or name == "state" or hasattr(type(self), name)):
                raise _NotStarted(
                    f"{type(self).__name__} has no state yet; call start(problem) before the first update or prediction"
                )
            return object.__getattribute__(self, name)

    @property
    def escaped_mass(self) -> float:
        """The most by which the covariance exceeds its sketch, in the operator norm; NaN without a sketch."""
        return math.nan

    @abstractmethod
    def start(self, problem: Problem) -> None:
        """Set ``state`` for the first round of ``problem``; raise `ConfigError` if the problem does not suit."""

    @property
    def prediction(self) -> Array:
        """The point x_t that is played in this round. Not to be changed by the caller.

        It may be the array in ``state``, which the next `update` overwrites: copy what is to be kept.
        """
        point: Array = self.state["point"] if isinstance(self.state, dict) else self.state.point
        return point

    @abstractmethod
    def update(self, gradient: Array) -> None:
        """Advance the state with a (sub)gradient of f_t at `prediction`, of the prediction's shape."""

    def play_block(self, block: RowBlock) -> BlockOutcome | None:
        """Play every round of ``block`` in order, exactly as that many calls of `update` would; None where unable.

        A learner that has a compiled loop over rows overrides this; the game falls back on `update` otherwise.
        """
        return None

    def memory(self, problem: Problem) -> Memory | None:
        """The state's size as a formula and in floats for ``problem``, or None where nothing is claimed."""
        return None

    def bound(self, observed: Observed) -> Bound | None:
        """The theorem's bound on the regret of the rounds so far, from what was observed; None where none is known."""
        return None

    def hyperparameters(self) -> dict[str, Any]:
        """The constructor keywords with their values."""
        return keywords(self)

    def fresh(self) -> Self:
        """A learner with the same hyper-parameters and no state, which shares nothing that can change with this one."""
        clone = copy.copy(self)
        clone.__dict__.pop("state", None)
        clone.__dict__.pop("_counted", None)
        for name, value in clone.__dict__.items():
            try:
                clone.__dict__[name] = copy.deepcopy(value)
            except TypeError:  # an open file, a lock: it has no copy
                continue
        return clone

    def __repr__(self) -> str:
        """Constructor call that makes this learner."""
        return represent(self)


def require_memory(learner: Learner, problem: Problem) -> None:
    """`ConfigError` where the learner's own formula asks for a larger state than this process may use."""
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


def effective_rank(learner: Learner, domain: Domain) -> int | None:
    """Directions that the learner's ``rank`` keeps on ``domain``: at most as many as there are; None without a rank.

    Learners with a sketch for every side of a matrix count the longer side's.
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
    """Numbers that a state record holds: array entries plus one for every scalar."""
    return sum(array.size for _, array in state_arrays(state))


def state_bytes(state: Any) -> int:
    """Bytes of the numbers that a state record holds."""
    return sum(array.nbytes for _, array in state_arrays(state))
