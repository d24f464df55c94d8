"""Every learner of the registry through the same tests: to add a learner is to add an entry, not tests."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

import oco
from oco.checks import learner_checks
from oco.checks.playing import show, tell
from oco.domains import Ball, FrobeniusBall, Unbounded
from oco.domains.base import Domain
from oco.errors import ConfigError, NumericsError, ProtocolError
from oco.learners import LEARNERS, Learner, Problem
from oco.learners.base import DIAMETER, EXP_CONCAVITY, GRADIENT_BOUND, require_feedback, state_arrays, state_floats
from oco.needs import GAME

from .domains import domains_of

KEYWORDS = [
    pytest.param(name, dict(keywords), id="-".join([name, *(f"{k}={v}" for k, v in keywords.items())]))
    for name, entry in LEARNERS.built_in.items()
    for keywords in entry.examples
]


def domains_for(entry: type[Learner]) -> Iterator[Domain]:
    """Domains of the kind that a learner plays on; vectors of one coordinate included."""
    if entry.decision == "matrix":
        yield FrobeniusBall(radius=2.0, center=np.array([[0.5, -0.3, 0.2], [0.1, -0.4, 0.0]]))
    elif entry.decision == "unbounded":
        yield Unbounded(5)
        yield Unbounded(1)
    elif entry.decision == "simplex":
        yield oco.Simplex(dimension=5)
        yield oco.Simplex(scale=3.0, dimension=2)
    else:
        yield Ball(radius=2.0, center=np.array([0.5, -0.3, 0.2, 0.1, -0.4]))
        yield Ball(radius=2.0, dimension=1)
        if entry.decision == "any":
            yield FrobeniusBall(radius=1.0, shape=(2, 3))


def domains_off_the_origin(name: str) -> Iterator[Domain]:
    """Domains whose projection is not compiled and whose start is not the origin."""
    return (domain for where, domain in domains_of(name).items() if where != "l1 ball" and domain.bounded)


def problem(domain: Domain, **facts: Any) -> Problem:
    return Problem(domain, horizon=30, **{"gradient_bound": 10.0, "exp_concavity": 0.1, "seed": 3} | facts)


def plays_on(learner: Learner, domain: Domain) -> bool:
    """Whether a learner can start on a domain; only bandits cannot play on every one."""
    try:
        learner.fresh().start(problem(domain))
    except ConfigError as error:
        if "inner_radius" not in str(error) and "plays on a Euclidean ball" not in str(error):
            raise
        return False
    return True


def all_checks() -> Iterator[Any]:
    for parameters in KEYWORDS:
        name, keywords = parameters.values
        first = keywords == LEARNERS[name].examples[0]
        for domain in list(domains_for(LEARNERS[name]))[: None if first else 1]:
            for check_name, check in learner_checks(LEARNERS[name](**keywords), domain):
                yield pytest.param(check, id=f"{parameters.id}-{domain.name}{list(domain.shape)}-{check_name}")
        for domain in filter(partial(plays_on, LEARNERS[name](**keywords)), domains_off_the_origin(name)):
            for check_name, check in learner_checks(LEARNERS[name](**keywords), domain):
                if check_name not in ("regret_below_bound", "scales"):  # test_every_bound has the bounds
                    yield pytest.param(check, id=f"{parameters.id}-{domain.name}-off-the-origin-{check_name}")


@pytest.mark.parametrize("check", list(all_checks()))
def test_conformance(check: Any) -> None:
    check()


def default(name: str) -> Learner:
    """The learner with everything left to the theorem that can be."""
    return LEARNERS[name](**LEARNERS[name].examples[0])


def started(name: str, keywords: dict[str, Any], **facts: Any) -> Learner:
    learner = LEARNERS[name](**keywords)
    learner.start(problem(next(domains_for(LEARNERS[name])), **facts))
    return learner


@pytest.mark.parametrize(("name", "keywords"), KEYWORDS)
def test_a_gradient_that_is_not_finite_leaves_the_state_alone(name: str, keywords: dict[str, Any]) -> None:
    learner = started(name, keywords)
    generator = np.random.default_rng(0)
    for _ in range(3):
        gradient = generator.standard_normal(learner.prediction.shape)
        show(learner, gradient[None], 0)
        tell(learner, gradient)
    before = copy.deepcopy(learner.state)
    for bad in (np.nan, np.inf, -np.inf):
        gradient = np.ones(learner.prediction.shape)
        gradient.flat[-1] = bad
        with pytest.raises(NumericsError, match="not finite"):
            tell(learner, gradient)
    with pytest.raises(ProtocolError):
        learner.update(np.ones((7, 7)))
    after = dict(state_arrays(learner.state))
    for path, array in state_arrays(before):
        np.testing.assert_array_equal(array, after[path])


@pytest.mark.parametrize(("name", "keywords"), KEYWORDS)
def test_memory_is_the_formula_before_the_first_round_too(name: str, keywords: dict[str, Any]) -> None:
    for domain in domains_for(LEARNERS[name]):
        learner = LEARNERS[name](**keywords)
        learner.start(problem(domain))
        memory = learner.memory(problem(domain))
        assert memory is not None
        assert memory.formula
        assert memory.floats == state_floats(learner.state)


@pytest.mark.parametrize(("name", "keywords"), KEYWORDS)
def test_hyperparameters_make_the_same_learner(name: str, keywords: dict[str, Any]) -> None:
    learner = LEARNERS[name](**keywords)
    again = LEARNERS[name](**learner.hyperparameters())
    assert repr(again) == repr(learner)
    assert learner.hyperparameters() == again.hyperparameters()


@pytest.mark.parametrize(("name", "entry"), list(LEARNERS.built_in.items()))
def test_what_a_learner_needs_is_refused_by_name_where_it_is_missing(name: str, entry: type[Learner]) -> None:
    missing = {
        DIAMETER: ({}, Unbounded((2, 3) if entry.decision == "matrix" else 5), "learning_rate|curvature|ridge"),
        GRADIENT_BOUND: (
            {"gradient_bound": None},
            next(domains_for(entry)),
            "bound on the gradients|bound G on gradients",
        ),
        EXP_CONCAVITY: ({"exp_concavity": None}, next(domains_for(entry)), "exp-concavity"),
    }
    for need in set(entry.needs) & set(missing):
        facts, domain, sentence = missing[need]
        with pytest.raises(ConfigError, match=sentence):
            default(name).start(problem(domain, **facts))
    for need in set(entry.needs) & set(GAME):
        gives = tuple(word for word in GAME if word != need)
        with pytest.raises(ConfigError, match=rf"{entry.__name__} needs {need}, and the environment gives .*; \w+"):
            require_feedback(default(name), Problem(Ball(dimension=3), 30, gives=gives))
    if not set(entry.needs) & set(missing):
        default(name).start(problem(next(domains_for(entry)), gradient_bound=None, exp_concavity=None))
    if entry.decision == "matrix":
        with pytest.raises(ConfigError, match="matrices"):
            default(name).start(problem(Ball(dimension=3)))
    if entry.decision == "simplex":
        with pytest.raises(ConfigError, match="simplex"):
            default(name).start(problem(Ball(dimension=3)))


def test_the_registry_is_complete() -> None:
    """Every learner that can be constructed is in it, under its own name, with source and guarantee said."""

    def below(family: type[Learner]) -> Iterator[type[Learner]]:
        for child in family.__subclasses__():
            yield child
            yield from below(child)

    named = {child for child in below(Learner) if child.__module__.startswith("oco.learners") and child.name}
    assert named == set(LEARNERS.values())
    for name, learner in LEARNERS.items():
        assert learner.name == name
        assert learner.source
        assert learner.guarantee
        assert learner.__doc__ is not None
        assert "Examples" in learner.__doc__


@pytest.mark.parametrize(("name", "keywords"), KEYWORDS)
def test_wrong_hyperparameters_are_refused_in_one_sentence(name: str, keywords: dict[str, Any]) -> None:
    for keyword, value in LEARNERS[name](**keywords).hyperparameters().items():
        if isinstance(value, bool):
            continue
        signed = keyword in ("infimum", "low")  # which may be -1
        for wrong in (*(() if signed else (-1,)), float("nan"), float("inf")):
            with pytest.raises(ConfigError, match=keyword):
                LEARNERS[name](**(keywords | {keyword: wrong}))
