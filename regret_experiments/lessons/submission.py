"""Put what a student wrote into the lesson as it was handed out, so that changed checks check nothing."""

from __future__ import annotations

import ast
import stat
from dataclasses import dataclass
from pathlib import Path

from oco.errors import DataError
from regret_experiments.lessons.checking import cells_of
from regret_experiments.lessons.exercises import bound, is_exercise, only_exercises, starters, used

LARGEST_SUBMISSION = 20_000_000
"""Bytes; a notebook with all its figures has less."""


@dataclass(frozen=True)
class Step:
    """A statement that a submission is graded with, and the exercise that it is, if it is one."""

    source: str
    origin: str
    exercise: str | None


def steps(lesson: str, copy: Path) -> list[Step]:
    """The statements of ``lesson`` that its exercises need, with what the student wrote in the place of the starters.

    The student's own statements (helpers, imports, constants) come along, in their order. What the exercises of the
    lesson need stays the lesson's: games, checks, data.

    Raises
    ------
    DataError
        If the file is a link, too large, or neither a script nor a notebook.
    """
    theirs = _statements(copy)
    known = {ast.dump(node) for node in ast.parse(lesson).body}
    reserved = set().union(*(bound(node) for node in only_exercises(lesson))) - set(starters(lesson))
    own = [
        node
        for node in theirs
        if is_exercise(node) or not (ast.dump(node) in known or bound(node) & reserved or _is_text(node))
    ]
    made: list[Step] = []

    def take(last: ast.stmt | None) -> None:
        """Move the student's statements up to ``last`` over."""
        while last is not None and last in own:
            node = own.pop(0)
            if not is_exercise(node):
                made.append(Step(ast.unparse(node), "the submission", None))

    needed = set().union(*(used(node) for node in own)) - set().union(*(bound(node) for node in own))
    for node in only_exercises(lesson, needed):
        if is_exercise(node):
            name = _exercise_name(node)
            take(next((one for one in own if is_exercise(one) and _exercise_name(one) == name), None))
            made.append(Step(ast.unparse(node), "the lesson", name))
        elif mine := next((one for one in own if bound(one) & bound(node)), None):
            take(mine)
        else:
            made.append(Step(ast.unparse(node), "the lesson", None))
    return made


def _statements(copy: Path) -> list[ast.stmt]:
    """The statements of a copy; a cell that is no Python counts as empty."""
    facts = copy.lstat()
    if not stat.S_ISREG(facts.st_mode):
        raise DataError(f"{copy.name} is not a regular file")
    if facts.st_size > LARGEST_SUBMISSION:
        raise DataError(f"{copy.name} has {facts.st_size:,} bytes, {LARGEST_SUBMISSION:,} are allowed")
    found: list[ast.stmt] = []
    broken: SyntaxError | None = None
    for cell in cells_of(copy):
        try:
            found.extend(ast.parse(cell).body)
        except (SyntaxError, ValueError, RecursionError) as error:
            broken = error if isinstance(error, SyntaxError) else SyntaxError(str(error))
    if broken is not None and not found:
        raise DataError(f"{copy.name} is not Python: {broken}")
    return found


def _exercise_name(node: ast.stmt) -> str:
    call = node.value if isinstance(node, ast.Expr) else None
    first = call.args[0] if isinstance(call, ast.Call) and call.args else None
    return str(first.value) if isinstance(first, ast.Constant) else ""


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
