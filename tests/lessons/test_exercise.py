"""Exercises: right answers in every form pass, wrong ones get a sentence, nothing else is swallowed."""

from __future__ import annotations

import doctest
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oco.checks import CheckFailed, answer_digest, check_answer, exercise, recorded_exercises
from oco.checks import exercises as module

numbers = st.floats(1e-12, 1e12) | st.floats(-1e12, -1e-12)


@pytest.fixture(autouse=True, scope="module")
def quick_hash() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_STRETCHES", 1)
        yield


def test_examples() -> None:
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0


@given(numbers, st.integers(1, 6), st.floats(-0.4, 0.4))
def test_a_number_passes_if_it_agrees_in_the_digits(answer: float, digits: int, part: float) -> None:
    unit = 10.0 ** (np.floor(np.log10(abs(answer))) - digits + 1)
    check_answer("x", answer + part * unit, answer_digest("x", answer, digits), digits)


@given(numbers, st.integers(1, 6), st.floats(3.0, 50.0))
def test_a_number_fails_if_it_does_not(answer: float, digits: int, units: float) -> None:
    unit = 10.0 ** (np.floor(np.log10(abs(answer))) - digits + 1)
    with pytest.raises(CheckFailed, match="is not the answer"):
        check_answer("x", answer + np.sign(answer) * units * 10.0 * unit, answer_digest("x", answer, digits), digits)


def test_types_of_answers() -> None:
    check_answer("w", " Hedge ", answer_digest("w", "hedge"))
    check_answer("b", True, answer_digest("b", True))
    check_answer("z", 0, answer_digest("z", 0.0))
    check_answer("n", np.float64(2.5), answer_digest("n", 2.5))
    check_answer("n", np.array([2.5]), answer_digest("n", 2.5))
    for wrong, digest in (
        (1, answer_digest("b", True)),
        (False, answer_digest("b", True)),
        ("ogd", answer_digest("w", "x")),
    ):
        with pytest.raises(CheckFailed, match="is not the answer"):
            check_answer("b", wrong, digest)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (None, "there is no answer yet"),
        (..., "there is no answer yet"),
        (np.ones(3), "one number or one word, got ndarray"),
        (float("nan"), "not a finite number"),
        ([1.0], "one number or one word, got list"),
    ],
)
def test_what_is_no_answer_is_named(answer: object, sentence: str) -> None:
    with pytest.raises(CheckFailed, match=sentence):
        check_answer("1", answer, answer_digest("1", 1.0))


def test_the_name_salts_the_hash() -> None:
    with pytest.raises(CheckFailed):
        check_answer("2", 5.0, answer_digest("1", 5.0))


def test_a_bug_of_the_student_is_not_swallowed(capsys: pytest.CaptureFixture[str]) -> None:
    with recorded_exercises() as outcomes, pytest.raises(ZeroDivisionError):
        exercise("1", lambda: 1 / 0)
    assert outcomes == []


def test_outcomes_are_collected_in_their_own_block() -> None:
    with recorded_exercises() as outer:
        exercise("1", lambda: None)
        with recorded_exercises() as inner:
            exercise("2", lambda: None)
    assert [outcome.name for outcome in outer] == ["1"]
    assert [outcome.name for outcome in inner] == ["2"]
