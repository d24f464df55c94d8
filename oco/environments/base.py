"""The base class of environments: a domain, a horizon and a stream of convex losses."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oco import html
from oco.domains import from_config as domain_from_config
from oco.domains.base import Domain
from oco.keywords import check_names, keywords, parameters, represent
from oco.losses.base import Loss
from oco.losses.scalar import SCALAR_LOSSES, ScalarLoss
from oco.needs import FULL_INFORMATION
from oco.types import Array

Rounds: TypeAlias = NDArray[np.int64]
"""Numbers of rounds, ``(n,)``."""

if TYPE_CHECKING:
    from oco.comparators import ComparatorCurve, Losses


class Environment(ABC):
    """The learner's opponent, which defines the domain and reveals one convex loss per round after the learner's move.

    The game needs only `domain`, `horizon` and `reveal`, so any object with these can be played against. The
    constructor fixes the environment (the data, the spectrum, the drift); `restart` draws one stream of it from a seed
    (the order of the rows, the coin flips).
    """

    name: ClassVar[str] = ""
    """Name in configs."""

    domain: Domain
    """The feasible set of decisions."""
    horizon: int
    """Number of rounds."""

    @abstractmethod
    def restart(self, seed: int) -> None:
        """Go back before round 1 and draw the stream of ``seed``; equal seeds give identical streams, bit for bit."""

    @abstractmethod
    def reveal(self, point: Array) -> Loss:
        """The loss of this round, given the played ``point`` (which adaptive adversaries use); advances one round."""

    @property
    def gives(self) -> tuple[str, ...]:
        """What learners may be shown, in words of `oco.needs`: by default everything that whole losses tell."""
        return FULL_INFORMATION

    @property
    def gradient_bound(self) -> float | None:
        """A bound on ``|g_t|_2`` over the domain that holds for every stream, or None if none is known."""
        return None

    @property
    def gradient_entry_bound(self) -> float | None:
        """A bound on ``max_i |g_{t,i}|``, likewise; far less than `gradient_bound` if gradients are dense."""
        return None

    @property
    def exp_concavity(self) -> float | None:
        """A constant alpha for which every ``exp(-alpha f_t)`` is concave on the domain, or None."""
        return None

    @property
    def strong_convexity(self) -> float | None:
        """A constant sigma for which every f_t is sigma-strongly convex, or None."""
        return None

    @property
    def comparator_domain(self) -> Domain:
        """Where the best fixed point in hindsight is looked for: the domain, unless a constraint leaves less of it."""
        return self.domain

    def declared_losses(self, start: int, stop: int) -> Losses | None:
        """The losses of rounds ``start`` to ``stop - 1`` (counted from 0) of the stream that `restart` drew.

        An optional hook, used to find best fixed points. Return the most specific form available (a block of rows
        rather than single losses). If ``start`` is 0, the losses may extend beyond ``stop``. Return None if they depend
        on the points played; the game then records them.
        """
        return None

    def comparator_curve(self, rounds: Rounds) -> ComparatorCurve | None:
        """The best fixed point for rounds 1..t, for every t in ``rounds``, of the stream that `restart` drew.

        An optional hook for games with a better method than solving for their `declared_losses`. Return None if the
        comparator depends on the points played.
        """
        from oco.comparators import anytime

        losses = self.declared_losses(0, int(rounds[-1]))
        return None if losses is None else anytime(losses, self.comparator_domain, rounds.tolist())

    def keywords(self) -> dict[str, Any]:
        """The constructor's keywords with their values, read from the attributes of the same names."""
        return keywords(self)

    def describe(self) -> dict[str, Any]:
        """Name and parameters, as plain values for a record.

        The ids of stored runs are hashes of this mapping, so the description of an environment must not change.
        Attributes that start with an underscore are left out, and a class that is not derived from a named one of this
        library adds its parameters itself.
        """
        parents = (made for made in type(self).__mro__ if made.__module__.startswith("oco.environments."))
        ours = any(vars(made).get("name") for made in parents)
        public = {name: value for name, value in self.keywords().items() if ours and hasattr(self, name)}
        fixed = {"kind": self.name or type(self).__name__, "horizon": self.horizon, "domain": self.domain}
        return {name: described(value) for name, value in (public | fixed).items()}

    def __repr__(self) -> str:
        """Constructor call that makes this environment, without its stream."""
        return represent(self)

    def _repr_html_(self) -> str:
        """The environment for a notebook: size, domain, what learners are shown, and constants of the losses."""
        constants = {
            name: getattr(self, name) for name in ("gradient_bound", "exp_concavity", "strong_convexity")
        }  # fmt: skip
        rows = [("rounds", f"{self.horizon:,}", ""), ("domain", repr(self.domain), "")]
        rows.append(("learners are shown", ", ".join(self.gives), ""))
        rows += [(name.replace("_", " "), f"{value:.6g}", "") for name, value in constants.items() if value is not None]
        return html.table(repr(self) if len(repr(self)) < 120 else type(self).__name__, rows)

    @classmethod
    def from_config(cls, *, domain: dict[str, Any] | None = None, **keywords: Any) -> Self:
        """Build from the plain values of a config: the constructor's keywords, with domain and loss as mappings."""
        if domain is not None:
            keywords["domain"] = domain
        check_names(f"environment {cls.name}", keywords, parameters(cls))
        if domain is not None:
            keywords["domain"] = domain_from_config(domain)
        if isinstance(keywords.get("feasible"), Mapping):
            keywords["feasible"] = domain_from_config(keywords["feasible"])
        if isinstance(keywords.get("loss"), Mapping):
            keywords["loss"] = SCALAR_LOSSES.build(keywords["loss"])
        return cls(**keywords)

    def fresh(self, seed: int) -> Self:
        """A copy of this environment (data shared) restarted with ``seed``."""
        clone = copy.copy(self)
        clone.restart(seed)
        return clone


def described(value: Any) -> Any:
    """How `Environment.describe` spells a keyword's value."""
    if isinstance(value, ScalarLoss):
        return value.name
    if hasattr(value, "describe"):
        return value.describe()
    return value.tolist() if isinstance(value, np.ndarray) else value
