"""Best fixed points of a stream in hindsight, from its declared losses, its own comparator, or recorded losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from oco.domains.base import Domain
from oco.environments.base import Environment, Rounds
from oco.environments.wrapper import Wrapper
from oco.errors import ConfigError
from oco.losses.base import Loss
from oco.regret.interval import Interval

if TYPE_CHECKING:
    from oco.comparators import ComparatorCurve, Losses


def known_ahead(stream: Any) -> bool:
    """Whether the best fixed points of ``stream`` can be found without the losses revealed in a game."""
    if isinstance(stream, Wrapper) and stream.comparator_domain is stream.domain:
        return known_ahead(stream.environment)
    if isinstance(stream, Wrapper):  # points of another set: what the environment inside knows of its own is no use
        return stream.declared_losses(0, 1) is not None
    hook = getattr(type(stream), "comparator_curve", None)
    if hook is not Environment.comparator_curve:
        return hook is not None
    return stream.declared_losses(0, 1) is not None


def best_fixed_points(
    stream: Any,
    domain: Domain,
    rounds: Rounds,
    recorded: Sequence[Loss] | None = None,
    *,
    tolerance: float | None = None,
    seconds: float | None = None,
    progress: bool = False,
) -> ComparatorCurve | None:
    """The best fixed point for rounds 1..t, for every t in ``rounds``; None if it cannot be determined.

    Parameters
    ----------
    stream
        An environment, or any object that can be played against.
    domain
        Feasible set of the points.
    rounds
        Checkpoints t, in increasing order.
    recorded
        The losses that ``stream`` revealed, if they were kept; then they are used instead of the stream.
    tolerance, seconds, progress
        As for `oco.comparators.anytime`. Environments with a method of their own do not take them.
    """
    from oco.comparators import anytime

    if recorded is None and getattr(type(stream), "comparator_curve", None) is Environment.comparator_curve:
        recorded = stream.declared_losses(0, int(rounds[-1]))
    if recorded is not None:
        return anytime(recorded, domain, rounds.tolist(), tolerance=tolerance, seconds=seconds, progress=progress)
    found: ComparatorCurve | None = stream.comparator_curve(rounds) if hasattr(stream, "comparator_curve") else None
    return found


def least_between(
    stream: Any, domain: Domain, start: int, stop: int, recorded: Sequence[Loss] | None = None
) -> Interval:
    """The certified minimum of the losses of rounds ``start`` to ``stop - 1`` (counted from 0).

    Raises
    ------
    ConfigError
        If ``stream`` cannot give the losses of arbitrary rounds, and they were not recorded.
    """
    from oco.comparators import anytime

    return anytime(losses_between(stream, start, stop, recorded), domain, [stop - start])[-1].value


def losses_between(stream: Any, start: int, stop: int, recorded: Sequence[Loss] | None = None) -> Losses:
    """The stream's declared losses of rounds ``start`` to ``stop - 1``; of any other object, from ``block`` or
    ``loss_at``.

    Raises
    ------
    ConfigError
        As `least_between`.
    """
    declared: Losses | None = None if recorded is None else recorded[start:stop]
    if declared is not None:
        return declared
    if hasattr(stream, "declared_losses"):
        declared = stream.declared_losses(start, stop)
    if declared is None and hasattr(stream, "block"):
        declared = stream.block(start, stop)
    if declared is None and hasattr(stream, "loss_at"):
        declared = [stream.loss_at(i) for i in range(start, stop)]
    if declared is None:
        raise ConfigError(
            f"the regret on intervals and on paths needs the losses of any rounds, which {stream!r} does not give"
        )
    return declared
