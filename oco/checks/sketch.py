"""Checks of a covariance sketch against the guarantees of Frequent Directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from oco.checks.failure import Check, bind, require
from oco.types import Array

DIMENSION, RANK, ROUNDS = 8, 3, 30


def check_sketch(make: Callable[..., Any]) -> None:
    """Run every check on the sketches made by ``make(dimension=, rank=)``; raise `CheckFailed` at the first failure.

    A sketch has ``update(vector)``, ``covariance()`` and ``escaped_mass``.

    Examples
    --------
    >>> import oco
    >>> check_sketch(oco.FrequentDirections)
    """
    for _, check in sketch_checks(make):
        check()


def sketch_checks(make: Callable[..., Any]) -> Iterator[tuple[str, Check]]:
    """Every check as ``(name, function)``."""
    yield from bind(SKETCH_CHECKS, make)


def check_exact_while_it_fits(make: Callable[..., Any]) -> None:
    """After at most ``rank`` vectors the sketch equals the covariance."""
    sketch, exact = make(dimension=DIMENSION, rank=RANK), np.zeros((DIMENSION, DIMENSION))
    for count, vector in enumerate(_vectors()[:RANK], start=1):
        sketch.update(vector)
        exact += np.outer(vector, vector)
        require(
            np.allclose(sketch.covariance(), exact, rtol=1e-9, atol=1e-9),
            f"after {count} vectors a rank-{RANK} sketch is not their covariance: vectors in a buffer are left out",
        )
        require(sketch.escaped_mass == 0.0, f"mass {sketch.escaped_mass:.3g} escaped though {count} vectors fit")


def check_sandwich(make: Callable[..., Any]) -> None:
    """``Gbar <= G <= Gbar + rho I`` in the Loewner order, at every round."""
    sketch, exact = make(dimension=DIMENSION, rank=RANK), np.zeros((DIMENSION, DIMENSION))
    for count, vector in enumerate(_vectors(), start=1):
        sketch.update(vector)
        exact += np.outer(vector, vector)
        gaps = np.linalg.eigvalsh(exact - sketch.covariance())
        slack = 1e-9 * np.trace(exact)
        require(gaps[0] >= -slack, f"after {count} vectors the sketch exceeds the covariance by {-gaps[0]:.3g}")
        require(
            gaps[-1] <= sketch.escaped_mass + slack,
            f"after {count} vectors the covariance exceeds the sketch by {gaps[-1]:.3g}, more than the escaped mass "
            f"{sketch.escaped_mass:.3g}: what was subtracted is not all counted, or a buffer was dropped",
        )


def check_rank(make: Callable[..., Any]) -> None:
    """The sketch never has a rank larger than the stated one."""
    sketch = make(dimension=DIMENSION, rank=RANK)
    for vector in _vectors():
        sketch.update(vector)
    values = np.linalg.eigvalsh(sketch.covariance())
    held = int(np.count_nonzero(values > 1e-9 * values[-1]))
    require(held <= RANK, f"a sketch of rank {RANK} holds {held} directions")


def check_trace_identity(make: Callable[..., Any]) -> None:
    """For rank-one updates ``(rank + 1) rho = tr G - tr Gbar``."""
    sketch, vectors = make(dimension=DIMENSION, rank=RANK), _vectors()
    for vector in vectors:
        sketch.update(vector)
    lost = float((vectors**2).sum() - np.trace(sketch.covariance()))
    require(
        abs((RANK + 1) * sketch.escaped_mass - lost) <= 1e-8 * float((vectors**2).sum()),
        f"the trace fell by {lost:.6g}, {RANK + 1} times the escaped mass is {(RANK + 1) * sketch.escaped_mass:.6g}",
    )


SKETCH_CHECKS: list[Callable[..., None]] = [check_exact_while_it_fits, check_sandwich, check_rank, check_trace_identity]
"""All checks of a sketch."""


def _vectors() -> Array:
    return np.random.default_rng(2).standard_normal((ROUNDS, DIMENSION))
