"""Write the digests of the lessons, from their solutions, and the hints for common wrong answers: run it by hand.

A solution file may have a table ``WRONG``: for every exercise, wrong numbers and the hints that they deserve. The
package gets the digests of these numbers, not the numbers.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import runpy
from pathlib import Path
from typing import Any

import oco.checks
from oco.checks import answer_digest
from regret_experiments.lessons import Lesson, lessons, solved
from regret_experiments.lessons.exercises import Exercise, exercises, only_exercises

HINTS = Path(oco.checks.__file__).parent / "hints.json"


def right_answers(lesson: Lesson) -> dict[str, Any]:
    """The answers that the solutions of ``lesson`` give to its exercises with digests."""
    text = solved(
        lesson.path.read_text(encoding="utf-8"),
        lesson.solution.read_text(encoding="utf-8"),
    )
    found: dict[str, Any] = {}

    def answered(name: str, attempt: Any, digest: str | None = None, **_: Any) -> None:
        if digest is not None:
            found[name] = attempt()

    with contextlib.redirect_stdout(io.StringIO()):
        names: dict[str, Any] = {"__name__": "__main__"}
        for node in only_exercises(text):
            exec(compile(ast.Module([node], []), str(lesson.path), "exec"), names)
            names["exercise"] = answered
    return found


def digest_of(exercise: Exercise, answer: Any) -> str:
    """The digest for the lesson's text."""
    return answer_digest(exercise.name, answer, exercise.digits)


def hints(lesson: Lesson, exercise: Exercise) -> dict[str, str]:
    """Hints for wrong answers to ``exercise``, under the digests of these answers."""
    wrong = runpy.run_path(str(lesson.solution)).get("WRONG", {}).get(exercise.name, {})
    return {digest_of(exercise, number): hint for number, hint in wrong.items()}


def main() -> None:
    """Rewrite the lessons and the hints."""
    told: dict[str, str] = {}
    for lesson in lessons():
        text = lesson.path.read_text(encoding="utf-8")
        answers = right_answers(lesson)
        for exercise in exercises(text):
            if exercise.digest is not None:
                digest = digest_of(exercise, answers[exercise.name])
                assert len(re.findall(f'"{exercise.digest}"', text)) == 1, exercise
                text = text.replace(f'"{exercise.digest}"', f'"{digest}"')
                told |= hints(lesson, exercise)
        lesson.path.write_text(text, encoding="utf-8")
    HINTS.write_text(
        json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
