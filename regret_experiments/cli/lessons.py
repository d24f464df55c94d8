"""``oco lessons``: list the course, export copies, check and grade exercises, make slides, figures and pictures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from regret_experiments.cli.output import echo

if TYPE_CHECKING:
    from oco.checks import Outcome


@click.group()
def lessons() -> None:
    """The course: notebooks, slides, figures and pictures, and the grading of exercises."""


@lessons.command("list")
def list_lessons() -> None:
    """List the lessons with where they are."""
    from regret_experiments.lessons import lessons as course

    for lesson in course():
        click.echo(f"{lesson.number:2d}  {lesson.title}\n    {lesson.path}")


@lessons.command("export")
@click.argument("directory", type=click.Path(path_type=Path), metavar="[DIR]", required=False)
@click.option("--students", type=click.Path(path_type=Path), metavar="DIR", help="The same as DIR.")
@click.option("--teachers", type=click.Path(path_type=Path), metavar="DIR", help="A copy with the solved lessons too.")
@click.option("--format", "form", type=click.Choice(["ipynb", "py"]), default="ipynb", show_default=True)
@click.option("--requirement", default="oco-regret[course]", show_default=True, metavar="TEXT",
              help="What pip installs in a hosted notebook, such as the address of a wheel.")  # fmt: skip
def export(directory: Path | None, students: Path | None, teachers: Path | None, form: str, requirement: str) -> None:
    """Write the lessons to DIR as a student's copy: notebooks or scripts, without solutions.

    Notebooks have the cell metadata of nbgrader; tests/ has the exercises for Otter. Existing lessons are not
    overwritten. The solutions are in a checkout, not in the package.
    """
    from regret_experiments.lessons import export_lessons

    wanted = [(place, False) for place in (directory, students) if place is not None]
    wanted += [(teachers, True)] if teachers is not None else []
    if not wanted:
        raise click.UsageError("say where to: DIR (or --students DIR), --teachers DIR, or both")
    for place, solutions in wanted:
        kind: Literal["ipynb", "py"] = "py" if form == "py" else "ipynb"
        written = export_lessons(place, solutions=solutions, form=kind, requirement=requirement)
        click.echo(f"{len(written)} files in {place}, {'with' if solutions else 'without'} solutions")


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


@lessons.command("grade")
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DIR")
@click.option("--csv", "target", type=click.Path(path_type=Path), metavar="FILE", help="Write the grades there.")
@click.option("--seconds", type=click.IntRange(1), default=120, show_default=True, help="Time for a run.")
@click.option("--memory", type=click.FloatRange(1.0), default=4.0, show_default=True, help="GiB for a run.")
def grade(directory: Path, target: Path | None, seconds: int, memory: float) -> None:
    """Run the submissions below DIR, confined, and give points for every exercise.

    A submission is a file lesson_NN....ipynb or .py, in a directory of its student or not. What a student wrote is put
    into the lesson as it was handed out, so a changed check counts for nothing. Each run may read Python and its
    packages, write in a directory of its own, and use so much time and memory; see docs/teaching.md for what this does
    not contain. A number counts 1 point, code counts 2.
    """
    from regret_experiments.lessons.grading import Limits, grade_directory, table
    from regret_experiments.store.files import write_atomic

    grades = []
    for one in grade_directory(directory, Limits(seconds, int(memory * 2**30))):
        grades += one
        echo(f"{one[0].submission}: {sum(part.points for part in one)} of {sum(part.possible for part in one)} points")
        for part in one:
            if part.message:
                echo(f"  {part.exercise}: {part.message}")
    if target is not None:
        write_atomic((target, table(grades).encode()))


@lessons.command("slides")
@click.argument("numbers", nargs=-1, type=int, metavar="[LESSON]...")
@click.option("--out", "directory", type=click.Path(path_type=Path), metavar="DIR", required=True)
def slides(numbers: tuple[int, ...], directory: Path) -> None:
    """Write slides of LESSONs (numbers; default: all), one HTML file each that needs no network.

    The lessons are run for their figures.
    """
    from regret_experiments.lessons.slides import write_slides

    for path in write_slides(numbers, directory):
        click.echo(path)


@lessons.command("figures")
@click.argument("numbers", nargs=-1, type=int, metavar="[LESSON]...")
@click.option("--out", "directory", type=click.Path(path_type=Path), metavar="DIR", required=True)
def figures(numbers: tuple[int, ...], directory: Path) -> None:
    """Run LESSONs (numbers; default: all) and write each figure as PDF and SVG."""
    from regret_experiments.lessons.playing import write_figures

    for path in write_figures(numbers, directory):
        click.echo(path)


@lessons.command("pictures")
@click.option("--out", "directory", type=click.Path(path_type=Path), metavar="DIR", required=True)
def pictures(directory: Path) -> None:
    """Write the interactive pictures, one HTML file each that needs no network."""
    from regret_experiments.lessons.pictures import write_pictures

    for path in write_pictures(directory):
        click.echo(path)


def _report(path: Path, outcomes: list[Outcome]) -> bool:
    right = sum(outcome.solved for outcome in outcomes)
    echo(f"{path.name}: {right} of {len(outcomes)} exercises solved")
    for outcome in outcomes:
        if not outcome.solved:
            echo(f"  {outcome.message}")
    return right == len(outcomes)
