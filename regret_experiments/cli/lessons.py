"""``oco lessons``: list the course, export copies for students and teachers, check the exercises."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from regret_experiments.cli.output import echo

if TYPE_CHECKING:
    from oco.checks import Outcome


@click.group()
def lessons() -> None:
    """List the lessons of the course, export them as notebooks, check exercises."""


@lessons.command("list")
def list_lessons() -> None:
    """List the lessons with where they are."""
    from regret_experiments.lessons import lessons as course

    for lesson in course():
        click.echo(f"{lesson.number:2d}  {lesson.title}\n    {lesson.path}")


@lessons.command("export")
@click.option("--students", type=click.Path(path_type=Path), metavar="DIR", help="A copy without the solutions.")
@click.option("--teachers", type=click.Path(path_type=Path), metavar="DIR", help="A copy with the solved lessons.")
@click.option("--format", "form", type=click.Choice(["ipynb", "py"]), default="ipynb", show_default=True)
def export(students: Path | None, teachers: Path | None, form: str) -> None:
    """Write the lessons to a directory, as notebooks or scripts.

    Existing lessons there are not overwritten.
    """
    from regret_experiments.lessons import export_lessons

    if students is None and teachers is None:
        raise click.UsageError("say where to: --students DIR, --teachers DIR, or both")
    for directory, solutions in ((students, False), (teachers, True)):
        if directory is not None:
            written = export_lessons(directory, solutions=solutions, form="py" if form == "py" else "ipynb")
            click.echo(f"{len(written)} files in {directory}, {'with' if solutions else 'without'} solutions")


@lessons.command("check")
@click.argument("copies", nargs=-1, type=click.Path(path_type=Path))
def check(copies: tuple[Path, ...]) -> None:
    """Run COPIES of lessons (scripts or notebooks) and say which exercises are solved.

    The code in them runs with your rights. Without COPIES, the course's own solutions are checked. Exit code 1 if an
    exercise is not solved.
    """
    import tempfile

    from regret_experiments.lessons import check_copy, export_lessons

    if copies:
        solved = [_report(copy, check_copy(copy)) for copy in copies]
    else:
        with tempfile.TemporaryDirectory() as place:
            written = export_lessons(Path(place), solutions=True, form="py")
            solved = [_report(path, check_copy(path)) for path in written if path.parent.name == "solutions"]
    if not all(solved):
        sys.exit(1)


def _report(path: Path, outcomes: list[Outcome]) -> bool:
    right = sum(outcome.solved for outcome in outcomes)
    echo(f"{path.name}: {right} of {len(outcomes)} exercises solved")
    for outcome in outcomes:
        if not outcome.solved:
            echo(f"  {outcome.message}")
    return right == len(outcomes)
