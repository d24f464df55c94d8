"""The base class of wrappers, which change what learners are shown of another environment, and when."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from oco.domains.base import Domain
from oco.environments.base import Environment, Rounds
from oco.errors import ConfigError
from oco.losses.base import Loss
from oco.needs import FULL_INFORMATION
from oco.types import Array

if TYPE_CHECKING:
    from oco.comparators import ComparatorCurve, Losses


class Wrapper(Environment):
    """The losses of another environment under other rules. Wrappers can be wrapped again.

    A wrapper says in `gives` what learners are shown. Everything else, such as the losses, their constants and the best
    fixed point, is that of the environment inside.
    """

    parts: ClassVar[tuple[str, ...]] = ("environment",)
    """Keywords that are environments themselves, given in configs as mappings with their own kind."""

    environment: Any
    """The environment inside."""

    def __init__(self, environment: Any) -> None:
        needed = ("domain", "horizon", "reveal", "fresh")
        if isinstance(environment, type) or not all(hasattr(environment, name) for name in needed):
            raise ConfigError(
                f"{type(self).__name__} wraps an environment with domain, horizon, reveal(point) and fresh(seed), got "
                f"{environment!r}"
            )
        self.environment = environment
        self.domain = environment.domain
        self.horizon = int(environment.horizon)

    @property
    @abstractmethod
    def gives(self) -> tuple[str, ...]:
        """What learners may be shown, in words of `oco.needs`."""

    @property
    def given_inside(self) -> tuple[str, ...]:
        """What the environment inside gives."""
        inside: tuple[str, ...] = getattr(self.environment, "gives", FULL_INFORMATION)
        return inside

    def restart(self, seed: int) -> None:
        """Go back before round 1 of the stream of ``seed``; the environment inside is copied, not changed."""
        self.environment = self.environment.fresh(seed)

    def reveal(self, point: Array) -> Loss:
        """The loss of this round."""
        loss: Loss = self.environment.reveal(point)
        return loss

    @property
    def gradient_bound(self) -> float | None:
        """That of the environment inside, as are the other constants."""
        return getattr(self.environment, "gradient_bound", None)

    @property
    def gradient_entry_bound(self) -> float | None:
        """A bound on the entries of gradients."""
        return getattr(self.environment, "gradient_entry_bound", None)

    @property
    def exp_concavity(self) -> float | None:
        """A constant of exp-concavity."""
        return getattr(self.environment, "exp_concavity", None)

    @property
    def strong_convexity(self) -> float | None:
        """A constant of strong convexity."""
        return getattr(self.environment, "strong_convexity", None)

    @property
    def comparator_domain(self) -> Domain:
        """That of the environment inside."""
        domain: Domain = getattr(self.environment, "comparator_domain", self.domain)
        return domain

    def comparator_curve(self, rounds: Rounds) -> ComparatorCurve | None:
        """The best fixed points of the environment inside."""
        found: ComparatorCurve | None = None
        if hasattr(self.environment, "comparator_curve"):
            found = self.environment.comparator_curve(rounds)
        return found

    def declared_losses(self, start: int, stop: int) -> Losses | None:
        """The losses of the environment inside."""
        declared: Losses | None = None
        if hasattr(self.environment, "declared_losses"):
            declared = self.environment.declared_losses(start, stop)
        return declared

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Further members of the environment inside, such as its moving comparator."""
            if name.startswith("_") or name == "environment":
                raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
            return getattr(self.environment, name)


def innermost(stream: Any) -> Any:
    """The environment inside all wrappers.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.ExpertAdvice(3, 10)
    >>> innermost(oco.environments.Delayed(oco.environments.Bandit(game), delay=2))
    ExpertAdvice(dimension=3, horizon=10)
    """
    while isinstance(stream, Wrapper):
        stream = stream.environment
    return stream
