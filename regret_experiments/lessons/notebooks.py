"""Lessons as notebooks, with the cell metadata of nbgrader, and the tests of their exercises as Otter reads them."""

from __future__ import annotations

import ast
import json
import re
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from oco.errors import DataError
from regret_experiments.lessons.exercises import Exercise, definitions, exercises, is_exercise, reached, starters

REQUIREMENT = "oco-regret[course]"
"""What a hosted notebook installs."""


def notebook(text: str, written: Collection[str], requirement: str = REQUIREMENT) -> str:
    """The notebook, as JSON, of a script in sphinx-gallery's percent format.

    What students write, the definitions of the names ``written``, and what checks it stand in cells of their own, with
    nbgrader's metadata (version 3). The first cell is a comment that installs ``requirement`` in a hosted notebook.

    Raises
    ------
    DataError
        If sphinx-gallery is not installed.
    """
    try:
        from sphinx_gallery.gen_gallery import DEFAULT_GALLERY_CONF
        from sphinx_gallery.notebook import jupyter_notebook
    except ImportError as error:
        raise DataError(
            "notebooks are written by sphinx-gallery: pip install 'oco-regret[course]', or export with --format py"
        ) from error
    header = f"# In a hosted notebook, remove the first # below and run this cell once.\n# %pip install '{requirement}'"
    with tempfile.TemporaryDirectory() as place:
        configuration = dict(DEFAULT_GALLERY_CONF) | {"first_notebook_cell": header}
        made = jupyter_notebook(blocks(text), configuration, place)
    asked = {exercise.name: exercise for exercise in exercises(text)}
    cells = [part for cell in made["cells"] for part in _split(cell, set(written), asked)]
    made_text = json.dumps(made | {"cells": cells}, indent=1, ensure_ascii=False) + "\n"
    return re.sub(r"\]\((lesson_\w+)\.html\)", r"](\1.ipynb)", made_text)  # links between lessons of the site


def blocks(text: str) -> list[Any]:
    """The blocks of prose and code of a lesson, as sphinx-gallery cuts them."""
    try:
        from sphinx_gallery.py_source_parser import split_code_and_text_blocks
    except ImportError as error:
        raise DataError("lessons are cut up by sphinx-gallery: pip install 'oco-regret[course]'") from error
    with tempfile.TemporaryDirectory() as place:
        script = Path(place) / "lesson.py"
        script.write_text(text, encoding="utf-8")
        found: list[Any] = split_code_and_text_blocks(str(script))[1]
    return found


def otter_test(lesson: str, exercise: Exercise) -> str:
    """The file of Otter's tests for one exercise: the check as it was handed out, played in the student's notebook."""
    names = reached(lesson, exercise.statement) - set(starters(lesson))
    checks = [node for node in definitions(ast.parse(lesson).body) if node.name in names]
    imported = ast.parse("from oco.checks import CheckFailed, exercise").body[0]
    prompts = "\n".join(_prompt(ast.unparse(node)) for node in (imported, *checks, exercise.statement))
    case = {"code": f"{prompts}\nExercise {exercise.name}: correct.\n", "hidden": False, "locked": False}
    suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
    return f"OK_FORMAT = True\n\ntest = { ({'name': exercise.name, 'points': exercise.points, 'suites': [suite]})!r}\n"


def _prompt(code: str) -> str:
    first, *others = code.splitlines()
    return "\n".join([f">>> {first}", *(f"... {line}" for line in others)])


def _split(cell: dict[str, Any], open_names: set[str], asked: dict[str, Exercise]) -> list[dict[str, Any]]:
    """A cell, or several: what the student writes is in one of its own, and so is the exercise with its check."""
    text = "".join(cell["source"])
    body = ast.parse(text).body if cell["cell_type"] == "code" else []
    if not any(is_exercise(node) for node in body):
        return [cell]
    lines, parts, start = text.splitlines(keepends=True), [], 0
    groups: list[tuple[bool, list[ast.stmt]]] = []
    for node in body:
        is_open = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in open_names
        if not groups or groups[-1][0] or is_open:
            groups.append((is_open, []))
        groups[-1][1].append(node)
    for is_open, nodes in groups:
        end = nodes[-1].end_lineno or len(lines)
        source = "".join(lines[start:end]).strip("\n").splitlines(keepends=True)
        parts.append(cell | {"source": source, "metadata": _metadata(is_open, nodes, asked)})
        start = end
    return parts


def _metadata(is_open: bool, nodes: list[ast.stmt], asked: dict[str, Exercise]) -> dict[str, Any]:
    """What nbgrader knows of a cell."""
    flags: dict[str, Any] = {"grade": False, "solution": is_open, "locked": not is_open}
    if is_open:
        flags["grade_id"] = f"answer-{nodes[0].name}"  # type: ignore[attr-defined]
    elif is_exercise(nodes[-1]):
        exercise = next(one for one in asked.values() if ast.dump(one.statement) == ast.dump(nodes[-1]))
        name = exercise.name.replace(".", "_")
        flags |= {"grade": True, "points": exercise.points, "grade_id": f"exercise-{name}"}
    else:
        return {"collapsed": False}
    return {"collapsed": False, "nbgrader": flags | {"task": False, "schema_version": 3}}
