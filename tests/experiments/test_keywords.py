"""Keywords of a config against a signature: what is checked, and which keyword a constructor's error is about."""

from __future__ import annotations

from typing import Any

import pytest

from regret_experiments.plan.building import build_environment, build_learner
from regret_experiments.plan.keywords import KeywordError, check_types


def maker(anything: Any = 1, thing: object = 2, count: int = 3, either: str | float = "a") -> None:
    pass


@pytest.mark.parametrize("value", [1, 0.5, True, "text", [1, 2], {"a": 1}, None])
def test_a_hint_that_says_nothing_takes_anything(value: Any) -> None:
    check_types({"anything": value, "thing": value}, maker)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("count", 1.5, "must be an integer, got 1.5"),
        ("count", True, "must be an integer, got True"),
        ("either", None, "must be a string or a number, got None"),
        ("either", [1], "must be a string or a number"),
    ],
)
def test_a_value_of_another_type_is_refused(key: str, value: Any, sentence: str) -> None:
    with pytest.raises(KeywordError, match=sentence) as refused:
        check_types({key: value}, maker)
    assert refused.value.key == key


def test_an_error_is_about_a_keyword_only_where_it_names_it() -> None:
    """``a`` and ``rate`` are in "must have a rank" and "separate", which name neither."""
    from oco.learners import LEARNERS, Learner

    class Picky(Learner):
        def __init__(self, a: int = 0, rate: int = 0, rank: int = 0) -> None:
            raise ValueError("separate the two: rank must be above 0")

        def start(self, problem: Any) -> None: ...

        def update(self, gradient: Any) -> None: ...

    LEARNERS.add("picky", Picky)
    try:
        with pytest.raises(KeywordError, match="rank must be above 0") as refused:
            build_learner("picky", {"a": 1, "rate": 1, "rank": 0})
        assert refused.value.key == "rank"
    finally:
        del LEARNERS._added["picky"]


def test_a_loss_may_be_a_mapping_as_a_domain_is() -> None:
    built = build_environment("noisy_regression", {"loss": {"kind": "huber", "delta": 0.5}, "horizon": 20})
    assert built.environment.loss.delta == 0.5
    rows = build_environment("generalized_linear", {"data": "diabetes", "loss": {"kind": "huber", "delta": 0.5}})
    assert rows.environment.loss.delta == 0.5
    with pytest.raises(KeywordError, match="loss huber takes delta, got 'dleta'; did you mean 'delta'") as refused:
        build_environment("noisy_regression", {"loss": {"kind": "huber", "dleta": 0.5}})
    assert refused.value.key == "loss"
