"""Copies of the course for students and teachers, as notebooks or scripts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

from oco.errors import ConfigError, DataError
from regret_experiments.lessons.course import Lesson, interactive_lessons, lessons, lessons_directory
from regret_experiments.lessons.exercises import exercises, starters
from regret_experiments.lessons.notebooks import REQUIREMENT, notebook, otter_test
from regret_experiments.lessons.pictures import write_pictures
from regret_experiments.lessons.solving import solved
from regret_experiments.store.files import write_atomic

Format = Literal["ipynb", "py"]


def export_lessons(
    directory: Path, *, solutions: bool, form: Format = "ipynb", requirement: str = REQUIREMENT
) -> list[Path]:
    """Write every lesson to ``directory``; with ``solutions`` also each lesson with its exercises solved.

    Parameters
    ----------
    directory
        Made where it is missing. Files of the same names that are not an export are not overwritten.
    solutions
        Whether this is a teacher's copy. A student's copy holds nothing of the solutions.
    form
        ``"ipynb"``: notebooks with nbgrader's metadata, by sphinx-gallery's converter, and Otter's tests of their
        exercises in ``tests/``; ``"py"``: the scripts.
    requirement
        What the first cell of a notebook would install, in the words of pip.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    ConfigError
        If ``directory`` already holds a lesson: a student's work is never overwritten.
    DataError
        If solutions are wanted and not there: the wheel does not have them.
    """
    texts: dict[Path, tuple[str, list[str]]] = {}
    for lesson in lessons():
        text = lesson.path.read_text(encoding="utf-8")
        texts[Path(lesson.path.stem)] = text, starters(text)
        if solutions:
            texts[Path("solutions") / lesson.path.stem] = solved(text, solution_of(lesson)), starters(text)
    for path in interactive_lessons():
        texts[Path("interactive") / path.stem] = path.read_text(encoding="utf-8"), []
    targets = {(directory / name).with_suffix(f".{form}"): text for name, text in texts.items()}
    taken = [path for path in targets if path.exists()]
    if taken:
        raise ConfigError(f"{taken[0]} exists, and may hold someone's answers; export to an empty directory")
    written = []
    for path, (text, names) in targets.items():
        write_atomic((path, (text if form == "py" else notebook(text, names, requirement)).encode()))
        written.append(path)
    if form == "ipynb":
        written += _write_otter_tests(directory / "tests")
    written += write_pictures(directory / "pictures")
    guide = directory / "README.rst"
    shutil.copyfile(lessons_directory() / "README.rst", guide)
    return [*written, guide]


def solution_of(lesson: Lesson) -> str:
    """The text of a lesson's solutions.

    Raises
    ------
    DataError
        If they are not there: the wheel does not have them.
    """
    if not lesson.solution.is_file():
        raise DataError("the solutions are not installed with the package; they are in lessons/solutions of a checkout")
    return lesson.solution.read_text(encoding="utf-8")


def _write_otter_tests(directory: Path) -> list[Path]:
    written = []
    for lesson in lessons():
        text = lesson.path.read_text(encoding="utf-8")
        for exercise in exercises(text):
            path = directory / lesson.path.stem / f"q{exercise.name.replace('.', '_')}.py"
            write_atomic((path, otter_test(text, exercise).encode()))
            written.append(path)
    return written
