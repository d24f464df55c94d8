"""What a learner may know before the first round, and the feedback of games with a constraint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from oco.domains.base import Domain
from oco.losses.margin import ScalarLoss
from oco.needs import FULL_INFORMATION
from oco.types import Array


@dataclass(frozen=True)
class Problem:
    """Everything that a learner may know before the first round.

    Attributes
    ----------
    domain
        Feasible set of decisions; its ``shape`` is the shape of decisions and gradients.
    horizon
        Number of rounds.
    gradient_bound
        A bound on ``|g_t|_2`` if the environment states one, else None.
    gradient_entry_bound
        A bound on ``max_i |g_{t,i}|`` if the environment states one, else None.
    exp_concavity
        alpha such that every ``exp(-alpha f_t)`` is concave on the domain, else None.
    strong_convexity
        sigma such that every f_t is sigma-strongly convex on the domain, else None.
    seed
        Seed of a learner that draws random numbers.
    gives
        What the environment shows, as in `Environment.gives`.
    loss
        The loss phi of a margin if all losses are ``phi(<a_t, x>, y_t)``, else None.
    total_delay
        ``sum_t d_t`` if feedback is delayed, counting no round after the last; else 0.
    """

    domain: Domain
    horizon: int
    gradient_bound: float | None = None
    exp_concavity: float | None = None
    strong_convexity: float | None = None
    seed: int = 0
    gradient_entry_bound: float | None = None
    gives: tuple[str, ...] = FULL_INFORMATION
    loss: ScalarLoss | None = None
    total_delay: int = 0

    @classmethod
    def of(cls, stream: Any, seed: int = 0) -> Problem:
        """The problem that the environment ``stream`` poses to a learner with the seed ``seed``.

        Examples
        --------
        >>> import oco
        >>> Problem.of(oco.environments.SpectrumLinear(3, 20), seed=7).seed
        7
        """
        known = ("gradient_bound", "gradient_entry_bound", "exp_concavity", "strong_convexity")
        facts = {name: getattr(stream, name, None) for name in known}
        scalar = getattr(stream, "loss", None)
        horizon = int(stream.horizon)
        return cls(
            domain=stream.domain,
            horizon=horizon,
            seed=seed,
            gives=getattr(stream, "gives", FULL_INFORMATION),
            loss=scalar if isinstance(scalar, ScalarLoss) else None,
            total_delay=stream.total_delay(horizon) if hasattr(stream, "total_delay") else 0,
            **facts,
        )


class Constrained(NamedTuple):
    """The feedback of a game with a constraint ``c_t(x) <= 0``: both functions at the point that was played.

    Attributes
    ----------
    gradient
        A subgradient of f_t.
    violation
        ``c_t(x_t)``, positive where the constraint is violated.
    constraint_gradient
        A subgradient of c_t.
    """

    gradient: Array
    violation: float
    constraint_gradient: Array
