"""Run a lesson as it is read, block by block, and keep what it prints and draws."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oco.errors import DataError
from regret_experiments.lessons.course import Lesson, lessons
from regret_experiments.lessons.notebooks import blocks
from regret_experiments.store.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FORMATS = ("svg", "pdf")


@dataclass
class Block:
    """A block of a lesson: prose in reStructuredText, or code with what it printed and drew."""

    is_code: bool
    text: str
    printed: str = ""
    figures: list[dict[str, bytes]] = field(default_factory=list)
    """One dictionary a figure: its bytes as SVG and as PDF."""


def chosen(numbers: Sequence[int]) -> list[Lesson]:
    """The lessons of these numbers, in the order of the course; all of them for none.

    Raises
    ------
    DataError
        If there is no lesson of a number.
    """
    course = {lesson.number: lesson for lesson in lessons()}
    for number in numbers:
        if number not in course:
            raise DataError(f"there is no lesson {number}; the lessons are 1 to {max(course)}")
    return [lesson for number, lesson in course.items() if number in numbers or not numbers]


def played(lesson: Lesson) -> list[Block]:
    """Run a lesson from top to bottom and return its blocks."""
    import matplotlib

    names: dict[str, Any] = {"__name__": "__main__"}
    done: list[Block] = []
    with matplotlib.rc_context({"backend": "Agg", "svg.hashsalt": lesson.path.stem}):
        for kind, text, _ in blocks(lesson.path.read_text(encoding="utf-8")):
            block = Block(kind == "code", text)
            if block.is_code:
                with _drawings(block.figures), contextlib.redirect_stdout(io.StringIO()) as printed:
                    exec(compile(text, str(lesson.path), "exec"), names)
                block.printed = printed.getvalue()
            done.append(block)
    return done


@contextlib.contextmanager
def _drawings(kept: list[dict[str, bytes]]) -> Iterator[None]:
    """Keep every figure that is shown, or left open, inside."""
    from matplotlib import pyplot

    def show(*_: Any, **__: Any) -> None:
        for number in pyplot.get_fignums():
            kept.append({form: _bytes_of(pyplot.figure(number), form) for form in _FORMATS})
        pyplot.close("all")

    shown, pyplot.show = pyplot.show, show
    try:
        yield
        show()
    finally:
        pyplot.show = shown
        pyplot.close("all")


def _bytes_of(figure: Figure, form: str) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format=form, metadata={"Date": None} if form == "svg" else {"CreationDate": None})
    return stream.getvalue()


def write_figures(numbers: Sequence[int], directory: Path) -> Iterator[Path]:
    """Write the figures of lessons, ``lesson_NN_name_1.svg``, ``.pdf``, and so on; yields the files."""
    for lesson in chosen(numbers):
        figures = [figure for block in played(lesson) for figure in block.figures]
        for number, figure in enumerate(figures, start=1):
            for form, data in figure.items():
                path = directory / f"{lesson.path.stem}_{number}.{form}"
                write_atomic((path, data))
                yield path
