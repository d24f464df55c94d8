"""A learner as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from oco import html
from oco.domains import Ball, FrobeniusBall, Simplex, Unbounded
from oco.domains.base import Domain
from oco.errors import OcoError
from oco.learners.problem import Problem
from oco.needs import feedback_of

if TYPE_CHECKING:
    from oco.learners.base import Learner

_HORIZON = 1000
_EXAMPLES: dict[str, Domain] = {
    "matrix": FrobeniusBall(radius=1.0).with_shape((10, 10)),
    "simplex": Simplex(dimension=100),
    "unbounded": Unbounded(dimension=100),
}
"""Domains on which the memory is stated, by the kind of decision."""


def learner_html(learner: Learner) -> str:
    """Hyper-parameters, what it is shown, guarantee, source, and its memory as a formula and for one problem."""
    return html.table(repr(learner), _facts(learner))


def _facts(learner: Learner) -> Iterator[tuple[str, str, str]]:
    for name, value in learner.hyperparameters().items():
        yield name, "the theorem's" if value is None and name == "learning_rate" else repr(value), ""
    yield "is shown", feedback_of(learner.needs), ""
    yield "guarantee", learner.guarantee, ""
    if learner.source:
        yield "source", learner.source, ""
    domain = _EXAMPLES.get(learner.decision, Ball(radius=1.0, dimension=100))
    try:
        memory = learner.memory(Problem(domain, _HORIZON))
    except OcoError:  # of another kind of problem only
        memory = None
    if memory is not None:
        size = "10 x 10 matrices" if learner.decision == "matrix" else "d = 100"
        yield "memory", f"{memory.formula} = {memory.floats:,} floats for {size} and {_HORIZON:,} rounds", ""
