"""Checks of an environment: seeds, restarts, convexity, stated constants, blocks, spectrum, drift."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from oco.checks.blocks import check_any_round, check_block_form, check_blocks
from oco.checks.failure import Check, bind, require
from oco.checks.stated_facts import (
    check_comparators,
    check_exp_concavity,
    check_gradient_bound,
    check_losses,
    check_spectrum,
    check_strong_convexity,
)
from oco.checks.streams import ROUNDS, numbers_of, played, played_as_given, points_inside, same, same_all, stream_of


def check_environment(environment: Any) -> None:
    """Run every check on ``environment``; raise `CheckFailed` at the first failure.

    Parameters
    ----------
    environment
        Any object with ``domain``, ``horizon`` and ``reveal(point) -> Loss``. It is not changed, because the checks
        play copies. Optional members (``restart``, ``block``, ``gradient_bound``, ``exp_concavity``,
        ``strong_convexity``, ``gradient_eigenvalues``, ``comparators``) are checked if they exist.

    Examples
    --------
    >>> import oco
    >>> check_environment(oco.environments.SpectrumLinear(6, 500, exponent=1.5))
    """
    for _, check in environment_checks(environment):
        check()


def environment_checks(environment: Any) -> Iterator[tuple[str, Check]]:
    """Every check as ``(name, function)``."""
    yield from bind(ENVIRONMENT_CHECKS, environment)


def check_protocol(environment: Any) -> None:
    """It has a domain with a shape, a horizon of at least one round, and losses with a value and a gradient."""
    for name in ("domain", "horizon", "reveal"):
        require(
            hasattr(environment, name), f"the environment has no {name}: it needs domain, horizon and reveal(point)"
        )
    require(
        isinstance(environment.horizon, (int, np.integer)) and environment.horizon >= 1,
        f"horizon must be a whole number of rounds, at least 1, got {environment.horizon!r}",
    )
    start = environment.domain.start
    loss = stream_of(environment, 0).reveal(start)
    for name in ("value", "gradient"):
        require(
            callable(getattr(loss, name, None)), f"reveal returned {type(loss).__name__}, which has no {name}(point)"
        )
    value = loss.value(start)
    require(
        np.ndim(value) == 0 and np.isfinite(value), f"the first loss at the domain's start is {value!r}, not a number"
    )


def check_same_seed_same_stream(environment: Any) -> None:
    """Two interleaved streams of one seed are equal to the last bit, and leave the environment itself unchanged."""
    before = played_as_given(environment)
    first, second = stream_of(environment, 5), stream_of(environment, 5)
    generator = np.random.default_rng(1)
    for round_index in range(min(ROUNDS, environment.horizon)):
        point = points_inside(environment.domain, generator, 1)[0]
        ours, theirs = numbers_of(first.reveal(point), point), numbers_of(second.reveal(point), point)
        require(
            same(ours, theirs),
            f"two streams of seed 5 differ in round {round_index + 1}: the losses depend on something besides the seed "
            "and the points played (a global random state, or an array that copies share)",
        )
    require(
        same_all(before, played_as_given(environment)),
        "playing a copy changed the environment that it was made from: restart must make new arrays",
    )


def check_restart(environment: Any) -> None:
    """`restart` in the middle of a stream goes back before round 1 and forgets the rounds played."""
    if not hasattr(environment, "restart"):
        return
    stream = stream_of(environment, 5)
    wanted = played(stream_of(environment, 9), 4)
    played(stream, 7)
    stream.restart(9)
    require(
        same_all(wanted, played(stream, 4)),
        "after restart(9) in mid-stream the losses are not those of a fresh stream of seed 9: restart keeps a counter, "
        "a generator or a cache from before",
    )


ENVIRONMENT_CHECKS: list[Callable[..., None]] = [
    check_protocol,
    check_block_form,
    check_same_seed_same_stream,
    check_restart,
    check_losses,
    check_gradient_bound,
    check_strong_convexity,
    check_exp_concavity,
    check_blocks,
    check_any_round,
    check_spectrum,
    check_comparators,
]
"""All checks of an environment."""
