"""Long-term constraints: a second loss that a learner has to keep below a limit."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from oco.domains.base import Domain
from oco.environments.wrapper import Wrapper
from oco.errors import ConfigError
from oco.losses.base import Loss
from oco.needs import CONSTRAINT
from oco.types import Array


class WithConstraint(Wrapper):
    """In round t the constraint ``c_t(x) = h_t(x) - limit <= 0`` is revealed with the loss; h_t is another game's loss.

    Parameters
    ----------
    environment
        The environment whose losses are suffered.
    constraint
        An environment of as many rounds or more, whose losses are the h_t. Its decisions have the same shape; its
        domain plays no part.
    limit
        What h_t may be at most.
    feasible
        The set of all points of the domain that meet every constraint, if it is known: the regret is then against the
        best point of this set. Otherwise it is against the best point of the whole domain, which is at least as large.

    Notes
    -----
    A learner may violate the constraint, and a record has the sums of ``c_t(x_t)`` (``violation``) and of its positive
    part (``positive_violation``). Learners that do not need `CONSTRAINT` are not shown it, and are measured all the
    same.

    Examples
    --------
    >>> import numpy as np, oco
    >>> losses = oco.environments.LinearLosses(-np.ones((50, 2)), domain=oco.Ball(radius=1.0))
    >>> half = oco.environments.LinearLosses(np.eye(2)[[0] * 50])  # x_1 <= 0
    >>> record = oco.play(oco.environments.WithConstraint(losses, half), oco.OGD(learning_rate=1.0))
    >>> record.scalars["violation"] > 0.0
    True
    """

    name = "with_constraint"
    parts: ClassVar[tuple[str, ...]] = ("environment", "constraint")

    def __init__(self, environment: Any, constraint: Any, limit: float = 0.0, feasible: Domain | None = None) -> None:
        super().__init__(environment)
        if not hasattr(constraint, "reveal") or not hasattr(constraint, "horizon"):
            raise ConfigError(f"the constraint is given as an environment, whose losses it is, got {constraint!r}")
        if constraint.domain.shape != self.domain.shape or constraint.horizon < self.horizon:
            raise ConfigError(
                f"the constraint needs decisions of shape {self.domain.shape} and {self.horizon} rounds, got "
                f"{constraint.domain.shape} and {constraint.horizon}"
            )
        if not np.isfinite(limit):
            raise ConfigError(f"limit of a constraint must be a finite number, got {limit!r}")
        self.constraint = constraint
        self.limit = float(limit)
        self.feasible = None if feasible is None else feasible.with_shape(self.domain.shape)
        self.restart(0)

    def restart(self, seed: int) -> None:
        """Go back before round 1 of the streams of ``seed``."""
        super().restart(seed)
        self.constraint = self.constraint.fresh(seed)

    @property
    def gives(self) -> tuple[str, ...]:
        """What the environment inside gives, and the constraint."""
        return (*self.given_inside, CONSTRAINT)

    def reveal_constraint(self, point: Array) -> Excess:
        """The constraint of this round; called once a round, with the point that was played."""
        return Excess(self.constraint.reveal(point), self.limit)

    @property
    def comparator_domain(self) -> Domain:
        """The feasible points, if they are known, else the domain."""
        return self.feasible or self.domain


class Excess(Loss):
    """``c(x) = h(x) - limit``."""

    def __init__(self, loss: Loss, limit: float) -> None:
        self.loss = loss
        self.limit = limit

    def value(self, point: Array) -> float:
        """``h(point) - limit``."""
        return self.loss.value(point) - self.limit

    def gradient(self, point: Array) -> Array:
        """That of h."""
        return self.loss.gradient(point)
