"""Long-term constraints: a second loss that a learner has to keep below a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from oco.domains.base import Domain
from oco.environments.base import Rounds
from oco.environments.hindsight import known_ahead
from oco.environments.wrapper import Wrapper
from oco.errors import ConfigError
from oco.losses.base import Loss
from oco.needs import CONSTRAINT
from oco.types import Array

if TYPE_CHECKING:
    from oco.comparators import ComparatorCurve


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
        best point of this set. ``"sum"``: all points of the domain with ``sum_t c_t(x) <= 0``, among which are those
        that meet every constraint; both streams must know their losses ahead. By default the regret is against the best
        point of the whole domain.

    Notes
    -----
    A learner may violate the constraint, and a record has the sums of ``c_t(x_t)`` (``violation``) and of its positive
    part (``positive_violation``), both with bounds on their rounding. With ``feasible="sum"`` the regret is certified
    by Lagrangian duality (`oco.comparators.best_constrained_point`), which takes milliseconds for linear losses and
    seconds for others, at every checkpoint. Learners that do not need `CONSTRAINT` are not shown it, and are measured
    all the same.

    Examples
    --------
    >>> import numpy as np, oco
    >>> losses = oco.environments.LinearLosses(-np.ones((50, 2)), domain=oco.Ball(radius=1.0))
    >>> half = oco.environments.LinearLosses(np.eye(2)[[0] * 50])  # x_1 <= 0
    >>> record = oco.play(oco.environments.WithConstraint(losses, half), oco.OGD(learning_rate=1.0))
    >>> record.violation.lower > 0.0
    True
    """

    name = "with_constraint"
    parts: ClassVar[tuple[str, ...]] = ("environment", "constraint")

    def __init__(
        self, environment: Any, constraint: Any, limit: float = 0.0, feasible: Domain | str | None = None
    ) -> None:
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
        if isinstance(feasible, str) and feasible != "sum":
            raise ConfigError(f'feasible must be a domain, "sum" or None, got {feasible!r}')
        self.feasible: Any = feasible
        if feasible is not None and not isinstance(feasible, str):
            self.feasible = feasible.with_shape(self.domain.shape)
        if self.feasible == "sum" and not (
            self.domain.bounded and known_ahead(environment) and known_ahead(constraint)
        ):
            raise ConfigError(
                'feasible="sum" needs a bounded domain, and losses and constraints that do not depend on the points '
                "played"
            )
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
        if self.feasible is None or self.feasible == "sum":
            return super().comparator_domain
        domain: Domain = self.feasible
        return domain

    def comparator_curve(self, rounds: Rounds) -> ComparatorCurve | None:
        """The best points of the feasible set."""
        if self.feasible is None:
            return super().comparator_curve(rounds)
        losses = self.declared_losses(0, int(rounds[-1]))
        if self.feasible != "sum":
            from oco.comparators import anytime

            return None if losses is None else anytime(losses, self.comparator_domain, rounds.tolist())
        from oco.comparators import constrained_curve

        assert losses is not None  # as `__init__` made sure
        constraints = self.constraint.declared_losses(0, int(rounds[-1]))
        return constrained_curve(losses, constraints, self.domain, rounds.tolist(), self.limit)


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
