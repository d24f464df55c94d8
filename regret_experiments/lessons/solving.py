"""Replace the starter code of a lesson's exercises by their solutions."""

from __future__ import annotations

import ast

from oco.errors import DataError

_Definition = ast.FunctionDef | ast.ClassDef


def solved(lesson: str, solutions: str) -> str:
    r"""The text of ``lesson`` in which every function and class that ``solutions`` defines replaces its namesake.

    Raises
    ------
    DataError
        If the lesson has no starter of a solution's name.

    Examples
    --------
    >>> print(solved("def double(x):\n    raise NotImplementedError", "def double(x):\n    return 2 * x"))
    def double(x):
        return 2 * x
    """
    starters = _definitions(lesson)
    lines = lesson.splitlines()
    replacements = []
    for name, solution in _definitions(solutions).items():
        if name not in starters:
            raise DataError(f"the solution {name} has no starter of that name in its lesson")
        text = "\n".join(solutions.splitlines()[_first_line(solution) - 1 : solution.end_lineno])
        replacements.append((_first_line(starters[name]), starters[name].end_lineno, text))
    for first, last, text in sorted(replacements, reverse=True):
        lines[first - 1 : last] = text.splitlines()
    return "\n".join(lines) + ("\n" if lesson.endswith("\n") else "")


def _definitions(text: str) -> dict[str, _Definition]:
    return {node.name: node for node in ast.parse(text).body if isinstance(node, _Definition)}


def _first_line(node: _Definition) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
