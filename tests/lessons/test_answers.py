"""Answers of the course: too many are possible to try, the digests are those of the solutions, hints are said."""

from __future__ import annotations

import json
import math
import re
import runpy
from typing import Any

import numpy as np
import pytest

from oco.checks import CheckFailed, answer_digest, check_answer
from regret_experiments.lessons import Lesson, lessons, lessons_directory
from regret_experiments.lessons.exercises import exercises

WRITER = runpy.run_path(str(lessons_directory() / "solutions" / "write_digests.py"))
LESSONS = [lesson for lesson in lessons() if any(one.digest for one in exercises(lesson.path.read_text()))]
ENOUGH = 40.0
"""Bits of the space of answers."""


def bits(answer: Any, digits: int) -> float:
    """Logarithm of the number of answers that look like this one: of so many digits, or integers of that size."""
    total = 0.0
    for number in np.ravel(answer).tolist():
        mantissa = f"{abs(number):.{digits - 1}e}".partition("e")[0].replace(".", "").rstrip("0")
        short = len(mantissa) <= digits - 3 or float(number).is_integer()
        total += math.log2(2.0 + abs(number)) if short else math.log2(9.0 * 10.0 ** (digits - 1))
    return total


def test_bits_of_known_spaces() -> None:
    assert bits(math.pi, 13) > ENOUGH
    assert bits(4999.0, 13) < 13.0
    assert bits(0.5714, 13) < 2.0
    assert bits([0.123456, 7], 6) == pytest.approx(math.log2(9e5) + math.log2(9.0))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.path.stem)
def test_an_answer_cannot_be_tried_out_and_common_mistakes_get_hints(lesson: Lesson) -> None:
    stored = json.loads(WRITER["HINTS"].read_text())
    answers = WRITER["right_answers"](lesson)
    for exercise in exercises(lesson.path.read_text(encoding="utf-8")):
        if exercise.digest is None:
            continue
        answer = answers[exercise.name]
        assert bits(answer, exercise.digits) >= ENOUGH, exercise.name
        assert WRITER["digest_of"](exercise, answer) == exercise.digest, "run lessons/solutions/write_digests.py"
        check_answer(exercise.name, answer, exercise.digest, exercise.digits)
        wrong = runpy.run_path(str(lesson.solution))["WRONG"].get(exercise.name, {})
        assert len(wrong) == (5 if np.size(answer) == 1 else 0), exercise.name
        for number, hint in wrong.items():
            digest = WRITER["digest_of"](exercise, number)
            assert stored[digest] == hint, "run lessons/solutions/write_digests.py"
            with pytest.raises(CheckFailed, match=f"is not the answer: {re.escape(hint)}"):
                check_answer(exercise.name, number, exercise.digest, exercise.digits)


def test_a_hint_is_for_its_exercise_only() -> None:
    with pytest.raises(CheckFailed, match="13 significant digits are compared"):
        check_answer("1.1", 2499.5, answer_digest("1.1", math.pi, 13), 13)


@pytest.mark.parametrize("text", ["4999", "4/7", "1.5e3", "about three"])
def test_text_is_asked_to_be_a_number(text: str) -> None:
    with pytest.raises(CheckFailed, match=f"'{text}' is not the answer: give a number, not text"):
        check_answer("x", text, answer_digest("x", math.pi, 13), 13)
    with pytest.raises(CheckFailed, match="'4/7' is not the answer: give a number"):
        check_answer("x", "4/7", answer_digest("x", 4 / 7))


def test_a_rounded_answer_is_told_so() -> None:
    digest = answer_digest("x", math.pi, 13)
    check_answer("x", math.pi * (1.0 + 1e-14), digest, 13)
    with pytest.raises(CheckFailed, match="without rounding"):
        check_answer("x", 3.14159, digest, 13)
    with pytest.raises(CheckFailed, match="digits are compared\\)"):
        check_answer("x", math.e, digest, 13)


def test_arrays() -> None:
    answer = np.array([[1.0, 0.123456], [12.0, -3.25e-7]])
    digest = answer_digest("a", answer, 6)
    check_answer("a", answer.tolist(), digest, 6)
    check_answer("a", answer.ravel() * (1.0 + 1e-9), digest, 6)
    for wrong, sentence in (
        (answer[0], "is an array of 4 numbers, got 2"),
        (1.0, "is an array of 4 numbers, got 1"),
        ([1.0, "two", 3.0, 4.0], "is an array of 4 numbers, got list"),
        (answer * 1.001, "6 significant digits of each number are compared"),
        (answer * np.nan, "not a finite number"),
        (None, "there is no answer yet"),
    ):
        with pytest.raises(CheckFailed, match=sentence):
            check_answer("a", wrong, digest, 6)
    with pytest.raises(ValueError, match="lies between two numbers of 3 digits"):
        answer_digest("a", [1.0, 0.12350], 3)


def test_under_nbgrader_a_cell_that_is_not_solved_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    from oco.checks import exercise

    digest = answer_digest("1", 2.0)
    exercise("1", lambda: 3.0, digest=digest)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    exercise("1", lambda: 2.0, digest=digest)
    with pytest.raises(CheckFailed, match="Exercise 1, not yet: 3 is not the answer"):
        exercise("1", lambda: 3.0, digest=digest)


def test_a_question_keeps_its_mark(capsys: pytest.CaptureFixture[str]) -> None:
    from oco.checks import exercise

    def asks() -> None:
        raise CheckFailed("which L did you use?")

    exercise("1", asks)
    assert capsys.readouterr().out == "Exercise 1, not yet: which L did you use?\n"
