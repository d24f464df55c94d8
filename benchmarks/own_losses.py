"""Best fixed points of losses that a user wrote, beside the library's loss of the same kind, in CPU time.

    python -m benchmarks.own_losses             # 500 rows, d = 3
    python -m benchmarks.own_losses 20000 50

Prints a Markdown table: for each loss and domain the milliseconds of one best fixed point with the library's loss, with
values and derivatives only, and with objects that have a value and a gradient only.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oco.comparators import Comparator, best_fixed_point
from oco.domains import Ball, Box, Domain, Unbounded
from oco.losses import RowBlock, RowLoss, ScalarLoss, scalar_loss

REPEATS = 3


class LogCosh(ScalarLoss):
    """``log cosh(p - y)``."""

    name = "log_cosh"

    def values_and_derivatives(self, margins: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        errors = margins - targets
        return np.logaddexp(errors, -errors) - np.log(2.0), np.tanh(errors)


class HandHuber(ScalarLoss):
    """Huber's loss of width 1."""

    name = "hand_huber"

    def values_and_derivatives(self, margins: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        errors = margins - targets
        sizes = np.abs(errors)
        return np.where(sizes <= 1.0, 0.5 * errors**2, sizes - 0.5), np.clip(errors, -1.0, 1.0)


class HandPinball(ScalarLoss):
    """The quantile loss of 0.9."""

    name = "hand_pinball"

    def values_and_derivatives(self, margins: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        errors = margins - targets
        slopes = np.where(errors > 0.0, 0.1, np.where(errors < 0.0, -0.9, 0.0))
        return slopes * errors, slopes


class Poisson(ScalarLoss):
    """``e^p - y p``."""

    name = "poisson"

    def values_and_derivatives(self, margins: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(over="ignore"):
            rates = np.exp(margins)
        return rates - targets * margins, rates - targets


class Opaque:
    """A loss with a value and a gradient alone."""

    def __init__(self, loss: RowLoss) -> None:
        self.value: Callable[[np.ndarray], float] = loss.value
        self.gradient: Callable[[np.ndarray], np.ndarray] = loss.gradient


def timed(losses: Any, domain: Domain) -> tuple[float, Comparator]:
    best, found = np.inf, None
    for _ in range(REPEATS):
        began = time.process_time()
        found = best_fixed_point(losses, domain)
        best = min(best, time.process_time() - began)
    assert found is not None
    return 1e3 * best, found


def main(arguments: Sequence[str]) -> None:
    count, dimension = (int(arguments[0]), int(arguments[1])) if arguments else (500, 3)
    generator = np.random.default_rng(0)
    rows = generator.standard_normal((count, dimension)) / np.sqrt(dimension)
    true = generator.standard_normal(dimension)
    real = rows @ true + 0.3 * generator.standard_normal(count)
    counts = generator.poisson(np.exp(np.clip(rows @ true, -3.0, 3.0))).astype(np.float64)
    domains: dict[str, Domain] = {
        "ball": Ball(1.0, dimension=dimension),
        "box": Box(-0.5, 0.5, dimension=dimension),
        "unbounded": Unbounded(dimension),
    }
    pairs = [
        (LogCosh(), scalar_loss("huber", delta=1.0), real),
        (HandHuber(), scalar_loss("huber", delta=1.0), real),
        (HandPinball(), scalar_loss("quantile", tau=0.9), real),
        (Poisson(), scalar_loss("squared"), counts),
    ]
    print(f"{count} rows, d = {dimension}; milliseconds of CPU, the least of {REPEATS}; * is not tight")
    print("| loss | domain | library | derivatives | ratio | value and gradient |\n|---|---|---|---|---|---|")
    for own, known, targets in pairs:
        for name, domain in domains.items():
            library, _ = timed(RowBlock(known, rows, targets), domain)
            derivatives, found = timed(RowBlock(own, rows, targets), domain)
            opaque = [Opaque(RowLoss(own, row, y)) for row, y in zip(rows, targets, strict=True)]
            alone, opaquely = timed(opaque, domain)
            print(
                f"| {own.name} | {name} | {library:.1f} | {derivatives:.1f}{'' if found.tight else '*'} "
                f"| {derivatives / library:.1f} | {alone:.0f}{'' if opaquely.tight else '*'} |"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
