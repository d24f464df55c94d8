"""The compiled learners are their plain definitions: same points, same sketch, on balls and without."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import oco
from oco.learners import plain

D, ROUNDS, RATE, DELTA = 12, 60, 0.3, 0.4


class OverBound:
    """A definition for gradients of at most unit length, shown gradients over their bound."""

    def __init__(self, definition: Any, gradient_bound: float) -> None:
        self.definition, self.gradient_bound = definition, gradient_bound

    def update(self, gradient: Any) -> None:
        self.definition.update(gradient / self.gradient_bound)

    @property
    def point(self) -> Any:
        return self.definition.point

    @property
    def sketch(self) -> Any:
        return types.SimpleNamespace(escaped_mass=self.gradient_bound**2 * self.definition.sketch.escaped_mass)


Make = Callable[[int, float], tuple[Any, Any]]
PAIRS: dict[str, Make] = {
    "fd_adagrad": lambda k, r: (oco.FDAdaGrad(k, RATE, DELTA), plain.FDAdaGrad(D, k, RATE, r, DELTA)),
    "fd_adagrad without delta": lambda k, r: (oco.FDAdaGrad(k, RATE), plain.FDAdaGrad(D, k, RATE, r)),
    "ada_fd": lambda k, r: (oco.AdaFD(k, RATE, DELTA), plain.AdaFD(D, k, RATE, r, DELTA)),
    "fd_son": lambda k, r: (oco.FDSON(k, 2.0, DELTA), plain.SketchedSON(D, k, 0.0, 0.5, 2.0, r, DELTA)),
    "rfd_son": lambda k, r: (
        oco.RFDSON(k, 2.0, DELTA, curvature=0.1),
        plain.SketchedSON(D, k, 0.5, 1.0, 2.0, r, DELTA, curvature=0.1),
    ),
    "parameter_free_fd": lambda k, r: (
        oco.learners.ParameterFreeFD(k, gradient_bound=10.0, scale=RATE),
        OverBound(plain.ParameterFreeFD(D, k, RATE, r), 10.0),
    ),
    "ftsl": lambda k, r: (oco.FTSL(k, RATE, DELTA), plain.FTSL(D, k, RATE, r, DELTA)),
}


def gradients() -> Any:
    """A falling spectrum, a zero and a repeated gradient."""
    rows = np.random.default_rng(0).standard_normal((ROUNDS, D)) * np.arange(1, D + 1) ** -0.7
    rows[7], rows[20] = 0.0, rows[19]
    return rows


@pytest.mark.parametrize("radius", [0.2, math.inf])
@pytest.mark.parametrize("rank", [1, 4, D])
@pytest.mark.parametrize("name", PAIRS)
def test_compiled_rounds_are_the_plain_ones(name: str, rank: int, radius: float) -> None:
    learner, definition = PAIRS[name](rank, radius)
    domain = oco.Unbounded(D) if radius == math.inf else oco.Ball(radius, dimension=D)
    learner.start(oco.Problem(domain, ROUNDS))
    for gradient in gradients():
        learner.update(gradient)
        definition.update(gradient)
        np.testing.assert_allclose(learner.prediction, definition.point, rtol=1e-8, atol=1e-9)
    assert learner.escaped_mass == pytest.approx(definition.sketch.escaped_mass, rel=1e-10, abs=1e-12)
    assert (rank < D) == (definition.sketch.escaped_mass > 0.0)


@pytest.mark.parametrize("radius", [0.2, math.inf])
def test_the_full_matrix_is_the_plain_one(radius: float) -> None:
    definition = plain.FullMatrixAdaGrad(D, RATE, radius)
    learner = oco.FullMatrixAdaGrad(RATE)
    learner.start(oco.Problem(oco.Unbounded(D) if radius == math.inf else oco.Ball(radius, dimension=D), ROUNDS))
    for gradient in gradients():
        learner.update(gradient)
        definition.update(gradient)
        np.testing.assert_allclose(learner.prediction, definition.point, rtol=1e-6, atol=1e-7)
