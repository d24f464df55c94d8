"""Which lessons there are, in a checkout and in an installed copy."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from oco.errors import DataError

_DISTRIBUTION = "oco-regret"
_INSTALLED = ("share", _DISTRIBUTION, "lessons")


@dataclass(frozen=True)
class Lesson:
    """One lesson: its number, its title, its script, and the script with the solutions of its exercises."""

    number: int
    title: str
    path: Path

    @property
    def solution(self) -> Path:
        """Where the solutions are; a student's copy does not have the file."""
        return self.path.parent / "solutions" / self.path.name


def lessons_directory() -> Path:
    """The directory of the lessons: ``lessons/`` of a checkout, or what the wheel put under ``share/``.

    Raises
    ------
    DataError
        If neither is there.
    """
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "setup.cfg").is_file() and (checkout / "lessons").is_dir():
        return checkout / "lessons"
    try:
        files = metadata.files(_DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "README.rst" and file.parent.parts[-len(_INSTALLED) :] == _INSTALLED:
            return Path(str(file.locate())).resolve().parent
    raise DataError(f"the lessons are not installed with {_DISTRIBUTION}; take them from the lessons/ of a checkout")


def lessons() -> list[Lesson]:
    """Every lesson, in the order of the course."""
    paths = sorted(lessons_directory().glob("lesson_*.py"))
    return [Lesson(int(path.stem.split("_")[1]), title_of(path), path) for path in paths]


def interactive_lessons() -> list[Path]:
    """The scripts with sliders, which are no part of the course's order."""
    return sorted((lessons_directory() / "interactive").glob("*.py"))


def title_of(path: Path) -> str:
    """The first line of a script's docstring."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or path.stem).splitlines()[0]
