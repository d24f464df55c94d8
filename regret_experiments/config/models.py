"""The shape of a config, as pydantic models that reject unknown keys."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from oco.errors import ConfigError
from regret_experiments.config.values import tuned_names

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._+@-]*$", max_length=80)]
"""A name that can stand in a table and be a directory."""


def _integers(given: Any, what: str, least: int) -> list[int]:
    if not isinstance(given, list) or not given:
        raise ValueError(f"must be {what}, got {given!r}")
    for number in given:
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise ValueError(f"must be {what}, got {number!r} in it")
    if len(set(given)) < len(given):
        raise ValueError(f"must be {what} without repetition, got {given}")
    return given


def _orders(given: Any) -> tuple[int, ...]:
    if isinstance(given, int) and not isinstance(given, bool):
        if not 1 <= given <= 10_000:
            raise ValueError(f"must be a number of orders in 1..10000 or a list of integers, got {given}")
        return tuple(range(given))
    return tuple(_integers(given, "a number of orders or a list of integers of 0 or more", 0))


def _checkpoints(given: Any) -> int | tuple[int, ...]:
    if isinstance(given, int) and not isinstance(given, bool):
        if not 1 <= given <= 100_000:
            raise ValueError(f"must be a number of checkpoints in 1..100000 or a list of rounds, got {given}")
        return given
    return tuple(sorted(_integers(given, "a number of checkpoints or a list of rounds of 1 or more", 1)))


_INTEGER_OR_LIST = {
    "anyOf": [{"type": "integer", "minimum": 1}, {"type": "array", "items": {"type": "integer"}, "minItems": 1}]
}
Orders = Annotated[Any, BeforeValidator(_orders), WithJsonSchema(_INTEGER_OR_LIST)]
Checkpoints = Annotated[Any, BeforeValidator(_checkpoints), WithJsonSchema(_INTEGER_OR_LIST)]


def _path_budgets(given: Any) -> tuple[float, ...]:
    from oco.arguments import budgets_of

    numbers = isinstance(given, list) and all(type(each) in (int, float) or each == "inf" for each in given)
    try:
        if not numbers:
            raise ConfigError("not a list of numbers")
        return tuple(budgets_of(given) or ())
    except ConfigError:
        raise ValueError(f"must be a list of numbers of at least 0 that rise, or inf, got {given!r}") from None


PathBudgets = Annotated[
    Any,
    BeforeValidator(_path_budgets),
    WithJsonSchema(
        {"type": "array", "items": {"anyOf": [{"type": "number", "minimum": 0}, {"const": "inf"}]}, "minItems": 1}
    ),
]


class Strict(BaseModel):
    """A model without coercions and without unknown keys."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, arbitrary_types_allowed=False)


class EnvironmentEntry(Strict):
    """One environment: its kind, and the keywords of that kind."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    kind: str = Field(description="Name of the environment; `oco environments` lists them.")
    name: Name = Field(
        default="", description="Name in tables and figures; the kind where left out.", validate_default=False
    )
    held_out: float | None = Field(
        default=None,
        gt=0.0,
        lt=1.0,
        description="Share of the rows of a data set that is not played. The mean loss of the averaged and of the last "
        "point on these rows is recorded.",
    )

    @property
    def label(self) -> str:
        """Name in tables."""
        return self.name or self.kind

    @property
    def keywords(self) -> dict[str, Any]:
        """What the environment is built from."""
        held_out = {} if self.held_out is None else {"held_out": self.held_out}
        return dict(self.model_extra or {}) | held_out


class LearnerEntry(Strict):
    """One learner: its kind, and hyper-parameters as values, lists or grids."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    kind: str = Field(description="Name of the learner; `oco learners` lists them.")
    name: Name = Field(
        default="", description="Name in tables and figures; the kind where left out.", validate_default=False
    )
    environments: list[str] | None = Field(default=None, description="Play these environments only, by name.")
    zip: dict[str, list[Any]] = Field(
        default_factory=dict, description="Hyper-parameters that advance together: lists of one length."
    )

    tune: list[str] = Field(
        default_factory=list,
        description="Hyper-parameters whose best value is looked for, besides the learning rate and those with a grid; "
        "the values of any other make rows of their own in tables.",
    )

    @property
    def label(self) -> str:
        """Name in tables."""
        return self.name or self.kind

    @property
    def tuned(self) -> tuple[str, ...]:
        """Hyper-parameters whose best value is looked for."""
        return tuned_names(self.hyperparameters, self.zip, self.tune)

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """Values, lists and grids by hyper-parameter."""
        return dict(self.model_extra or {})


class Selection(Strict):
    """The point of every learner's grid that another stage plays."""

    stage: str = Field(description="The earlier stage whose runs are compared.")
    by: Literal["regret_upper", "cumulative_loss", "mistakes"] = Field(
        default="cumulative_loss", description="The final number that is averaged over orders and minimized."
    )


class StageEntry(Strict):
    """A named part of a sweep: the whole grid, or the best points of an earlier stage on other environments."""

    name: Name
    environments: list[str] | dict[str, str] | None = Field(
        default=None,
        description="Environments by name; with `best_of`, from the name that was tuned on to the one of this stage.",
    )
    best_of: Selection | None = None
    orders: Orders | None = Field(default=None, description="Orders of this stage; the sweep's where left out.")
    comparator: bool | None = Field(default=None, description="The sweep's where left out.")
    spectrum: bool | None = Field(default=None, description="The sweep's where left out.")


class SweepConfig(Strict):
    """A sweep: every learner's grid on every environment, over several orders of the data."""

    name: Name = Field(description="Name of the sweep, and of its directory of results.")
    description: str = ""
    orders: Orders = Field(default=(0,), description="Number of data orders, or their labels.")
    repetitions: int = Field(
        default=1, ge=1, le=10_000, description="Seeds of every randomized learner on every order."
    )
    checkpoints: Checkpoints = Field(default=30, description="Number of log-spaced rounds with curves, or the rounds.")
    comparator: bool = Field(default=True, description="Find the best fixed point in hindsight, for regret.")
    spectrum: bool = Field(default=True, description="Track the spectrum of the gradient covariance.")
    path_budgets: PathBudgets = Field(
        default=(), description="Bounds on the path of a sequence of points; regret against the best one is recorded."
    )
    shortest_interval: int | None = Field(
        default=None, ge=1, description="Record the regret on every dyadic interval of at least so many rounds."
    )
    budget: int | None = Field(
        default=None, ge=1, description="Points that every learner must have at every rank: an equal tuning budget."
    )
    environments: list[EnvironmentEntry] = Field(min_length=1)
    learners: list[LearnerEntry] = Field(min_length=1)
    stages: list[StageEntry] = Field(default_factory=list)
