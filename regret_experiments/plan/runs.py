"""A run: one learner with one set of hyper-parameters on one order of one environment, named by its content."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from regret_experiments.plan.content import RESULT_SCHEMA, canonical, content_hash
from regret_experiments.plan.seeds import learner_seed, order_seed


@dataclass(frozen=True)
class Game:
    """What all learners share: an environment, an order of it, and the rounds at which curves are kept."""

    environment: dict[str, Any]
    order: int
    checkpoints: int | tuple[int, ...]

    @property
    def content(self) -> dict[str, Any]:
        """The content that the hash covers, besides the schema of results."""
        return {"environment": self.environment, "order": self.order, "checkpoints": self.checkpoints}

    @cached_property
    def id(self) -> str:
        """Hash of the content; names the stored comparator."""
        return content_hash({"schema": RESULT_SCHEMA, "game": self.content})

    @cached_property
    def seed(self) -> int:
        """Seed of the stream."""
        return order_seed(self.environment, self.order)


@dataclass(frozen=True)
class Run:
    """One run of a plan.

    Attributes
    ----------
    game
        What is played against.
    learner
        ``kind`` and every hyper-parameter, defaults included.
    repetition
        Number of the learner's seed.
    comparator, spectrum
        What is tracked.
    path_budgets, shortest_interval
        What else is tracked; content only where given, so that the ids of other runs stay.
    """

    game: Game
    learner: dict[str, Any]
    repetition: int = 0
    comparator: bool = True
    spectrum: bool = True
    path_budgets: tuple[float, ...] = ()
    shortest_interval: int | None = None

    @cached_property
    def content(self) -> dict[str, Any]:
        """What the hash covers: the canonical config, the data's checksum inside it, and the schema of results."""
        more = {"path_budgets": self.path_budgets, "shortest_interval": self.shortest_interval}
        return {
            "schema": RESULT_SCHEMA,
            "environment": self.game.environment,
            "order": self.game.order,
            "checkpoints": self.game.checkpoints,
            "learner": self.learner,
            "repetition": self.repetition,
            "comparator": self.comparator,
            "spectrum": self.spectrum,
        } | {name: value for name, value in more.items() if value}

    @cached_property
    def id(self) -> str:
        """Hash of `content`."""
        return content_hash(self.content)

    @cached_property
    def seeds(self) -> dict[str, int]:
        """Seed of the stream and of the learner."""
        own = learner_seed(self.game.environment, self.learner, self.game.order, self.repetition)
        return {"order": self.game.seed, "learner": own}

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> Run:
        """Return the run whose content was stored."""
        checkpoints = content["checkpoints"]
        game = Game(
            content["environment"],
            content["order"],
            tuple(checkpoints) if isinstance(checkpoints, list) else checkpoints,
        )
        budgets = tuple(float(budget) for budget in content.get("path_budgets", ()))
        tracked = content["comparator"], content["spectrum"], budgets, content.get("shortest_interval")
        return cls(game, content["learner"], content["repetition"], *tracked)


@dataclass(frozen=True)
class PlannedRun:
    """A run as a sweep sees it: under which names, and at which point of which grid.

    Attributes
    ----------
    stage, environment, learner
        Names of the config.
    rank
        Directions that the sketch keeps; None for learners without one.
    point
        All hyper-parameters that the config gives, but the rank.
    tuned
        Names of those whose best value is looked for.
    """

    run: Run
    stage: str
    environment: str
    learner: str
    rank: int | None
    point: dict[str, Any] = field(default_factory=dict)
    tuned: tuple[str, ...] = ("learning_rate",)

    @property
    def compared(self) -> str:
        """The hyper-parameters that are not tuned, as one text: learners that differ in them are different rows."""
        return canonical({name: value for name, value in self.point.items() if name not in self.tuned})

    @property
    def tuned_point(self) -> dict[str, Any]:
        """The hyper-parameters whose best value is looked for."""
        return {name: value for name, value in self.point.items() if name in self.tuned}

    @property
    def words(self) -> str:
        """The run as a person would name it."""
        parts = [self.learner, *point_words(self.rank, self.point)]
        again = f", repetition {self.run.repetition}" if self.run.repetition else ""
        return f"{', '.join(parts)} on {self.environment}, order {self.run.game.order}{again}"

    @property
    def labels(self) -> dict[str, Any]:
        """Everything but the run, as plain values."""
        return {
            "stage": self.stage,
            "environment": self.environment,
            "learner": self.learner,
            "order": self.run.game.order,
            "repetition": self.run.repetition,
            "rank": self.rank,
            "point": self.point,
        }


def point_words(rank: int | None, point: dict[str, Any]) -> list[str]:
    """Rank and hyper-parameters in words.

    Examples
    --------
    >>> point_words(2, {"learning_rate": None, "delta": 0.5})
    ['rank 2', "learning_rate the theorem's", 'delta 0.5']
    """
    words = [] if rank is None else [f"rank {rank}"]
    for name, value in point.items():
        left = value is None and name == "learning_rate"
        text = "the theorem's" if left else f"{value:.6g}" if isinstance(value, float) else str(value)
        words.append(f"{name} {text}")
    return words
