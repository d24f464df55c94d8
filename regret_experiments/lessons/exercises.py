"""Find the exercises in the text of a lesson: what the student writes, what checks it, what it counts."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Collection
from dataclasses import dataclass

POINTS_OF_A_NUMBER, POINTS_OF_CODE = 1, 2
"""An answer that is compared with a digest counts 1, code that a check plays with counts 2."""


@dataclass(frozen=True)
class Exercise:
    """One ``exercise(...)`` statement of a lesson.

    ``starters`` are the functions and classes of it that the student completes.
    """

    name: str
    starters: tuple[str, ...]
    digest: str | None
    digits: int
    statement: ast.Expr

    @property
    def points(self) -> int:
        """What the exercise counts."""
        return POINTS_OF_CODE if self.digest is None else POINTS_OF_A_NUMBER


def exercises(lesson: str) -> list[Exercise]:
    r"""The exercises of a lesson's text, in their order.

    Examples
    --------
    >>> text = "def f():\n    return None\n\nexercise('1.1', f, digest='ab', digits=13)\n"
    >>> [(found.name, found.starters, found.points) for found in exercises(text)]
    [('1.1', ('f',), 1)]
    """
    found, names = [], set(starters(lesson))
    for node in ast.parse(lesson).body:
        if is_exercise(node):
            call = node.value  # type: ignore[attr-defined]
            given = {keyword.arg: keyword.value for keyword in call.keywords}
            digest, digits = given.get("digest"), given.get("digits")
            found.append(
                Exercise(
                    name=ast.literal_eval(call.args[0]),
                    starters=tuple(sorted(reached(lesson, node) & names)),
                    digest=None if digest is None else ast.literal_eval(digest),
                    digits=3 if digits is None else ast.literal_eval(digits),
                    statement=node,  # type: ignore[arg-type]
                )
            )
    return found


def starters(lesson: str) -> list[str]:
    """Names of the functions and classes that are still to be written: they raise an error, or return None."""
    return [node.name for node in definitions(ast.parse(lesson).body) if _is_open(node)]


def definitions(body: list[ast.stmt]) -> list[ast.FunctionDef | ast.ClassDef]:
    """The functions and classes among statements."""
    return [node for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]


def only_exercises(lesson: str, needed: Collection[str] = ()) -> list[ast.stmt]:
    """The statements of a lesson that its exercises need: no figures, no games that are only shown.

    Statements that neither bind a name nor are an exercise (plots, prints, assertions) are left out, and so is every
    statement that binds names which nothing kept uses, and which are not ``needed``.
    """
    kept: list[ast.stmt] = []
    names = set(needed)
    for node in reversed(ast.parse(lesson).body):
        if is_exercise(node) or isinstance(node, (ast.Import, ast.ImportFrom)) or bound(node) & names:
            kept.append(node)
            names |= used(node)
    return kept[::-1]


def is_exercise(node: ast.stmt) -> bool:
    """Whether a statement is ``exercise(...)``."""
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "exercise"


def bound(node: ast.stmt) -> set[str]:
    """Names that a statement binds at the top level; for compound statements, all that are stored in them."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}


def used(node: ast.stmt) -> set[str]:
    """Names that a statement takes from the module: not those that are local to functions in it."""
    module = symtable.symtable(ast.unparse(node), "lesson", "exec")
    names, waiting = set(), [module]
    while waiting:
        scope = waiting.pop()
        waiting += scope.get_children()
        free = (one for one in scope.get_symbols() if one.is_referenced() and (scope is module or one.is_global()))
        names |= {one.get_name() for one in free}
    return names


def reached(lesson: str, node: ast.stmt) -> set[str]:
    """Names that a statement reaches, through the functions and classes of the lesson too."""
    defined = {definition.name: definition for definition in definitions(ast.parse(lesson).body)}
    reached: set[str] = set()
    waiting = used(node)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting |= used(defined[name]) if name in defined else set()
    return reached


def _is_open(node: ast.FunctionDef | ast.ClassDef) -> bool:
    for part in ast.walk(node):
        if isinstance(part, ast.Raise) and "NotImplementedError" in ast.dump(part):
            return True
    last = node.body[-1]
    return isinstance(last, ast.Return) and isinstance(last.value, ast.Constant) and last.value.value is None
