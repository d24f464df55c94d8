"""What an environment is: a domain, a horizon and a stream of convex losses."""

from __future__ import annotations

import copy
import difflib
import inspect
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oco.domains import from_config as domain_from_config
from oco.domains.base import Domain
from oco.errors import ConfigError
from oco.losses.base import Loss
from oco.types import Array

Rounds: TypeAlias = NDArray[np.int64]
"""Numbers of rounds, ``(n,)``."""

if TYPE_CHECKING:
    from oco.comparators import ComparatorCurve, Losses


class Environment(ABC):
    """The learner's opponent: it holds the domain, and reveals one convex loss a round after the point is played.

    The game needs `domain`, `horizon` and `reveal` only, so any object that has them can be played against. What is
    fixed by the constructor (the data, the spectrum, the drift) is the environment; what `restart` draws from its seed
    (the order of the rows, the coin flips) is one stream of it.
    """

    name: ClassVar[str] = ""
    """Name in configs."""

    domain: Domain
    """Where decisions must lie."""
    horizon: int
    """Number of rounds."""

    @abstractmethod
    def restart(self, seed: int) -> None:
        """Go back before round 1 and draw the stream of ``seed``: the same seed gives the same stream, bit for bit."""

    @abstractmethod
    def reveal(self, point: Array) -> Loss:
        """The loss of this round, once ``point`` is played; an adaptive adversary may look at it. Moves to the next."""

    @property
    def gradient_bound(self) -> float | None:
        """A bound on ``|g_t|_2`` over the domain that holds for every stream, or None where none can be stated."""
        return None

    @property
    def gradient_entry_bound(self) -> float | None:
        """A bound on ``max_i |g_{t,i}|``, likewise: far less than `gradient_bound` where gradients are dense."""
        return None

    @property
    def exp_concavity(self) -> float | None:
        """A constant alpha for which every ``exp(-alpha f_t)`` is concave on the domain, or None."""
        return None

    @property
    def strong_convexity(self) -> float | None:
        """A constant sigma for which every f_t is sigma-strongly convex, or None."""
        return None

    def declared_losses(self, start: int, stop: int) -> Losses | None:
        """The losses of rounds ``start`` to ``stop - 1`` (counted from 0) of the stream that `restart` drew.

        An optional hook: in the most special form that is known (rows rather than losses one by one), from which best
        fixed points are found. Where ``start`` is 0 they may go on beyond ``stop``. None where they depend on what is
        played; the game then records them.
        """
        return None

    def comparator_curve(self, rounds: Rounds) -> ComparatorCurve | None:
        """The best fixed point for rounds 1..t, for every t in ``rounds``, of the stream that `restart` drew.

        An optional hook, for a game that knows a better way to that point than its `declared_losses`. None where it
        cannot be known without the points that the learner plays.
        """
        from oco.comparators import anytime

        losses = self.declared_losses(0, int(rounds[-1]))
        return None if losses is None else anytime(losses, self.domain, rounds.tolist())

    def describe(self) -> dict[str, Any]:
        """Name and parameters, as plain values that a record can keep."""
        return {"kind": self.name or type(self).__name__, "horizon": self.horizon, "domain": self.domain.describe()}

    @classmethod
    def from_config(cls, *, domain: dict[str, Any] | None = None, **keywords: Any) -> Self:
        """Build from the plain values of a config: the constructor's keywords, with ``domain`` as a mapping."""
        allowed = [name for name in inspect.signature(cls).parameters if name != "self"]
        if domain is not None:
            keywords["domain"] = domain
        for name in keywords:
            if name not in allowed:
                near = difflib.get_close_matches(name, allowed, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ConfigError(f"environment {cls.name} takes {', '.join(allowed)}, got {name!r}{hint}")
        if domain is not None:
            keywords["domain"] = domain_from_config(domain)
        return cls(**keywords)

    def fresh(self, seed: int) -> Self:
        """A copy of this environment (data shared) restarted with ``seed``."""
        clone = copy.copy(self)
        clone.restart(seed)
        return clone
