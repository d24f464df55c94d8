"""Grade a directory of submissions: each is run confined, with limits, and gets points for every exercise."""

from __future__ import annotations

import csv
import functools
import io
import json
import os
import secrets
import signal
import site
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from oco.checks import check_answer
from oco.errors import DataError
from regret_experiments.lessons.confinement import Confinement
from regret_experiments.lessons.course import Lesson, lessons, lessons_directory
from regret_experiments.lessons.exercises import Exercise, exercises
from regret_experiments.lessons.submission import Step, steps

_PROGRAM = Path(__file__).with_name("attempt.py")
_LARGEST_REPORT = 4_000_000
"""Bytes of outcomes that are read from a submission."""
_LARGEST_FILE = 64_000_000
"""Bytes of a file that a submission may write."""
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of a cell that a spreadsheet would calculate."""


@dataclass(frozen=True)
class Grade:
    """The outcome of one exercise of one submission."""

    submission: str
    lesson: int
    exercise: str
    points: int
    possible: int
    message: str


@dataclass(frozen=True)
class Limits:
    """What one run of a submission may use: wall and processor time, and address space."""

    seconds: int = 120
    memory_bytes: int = 4 << 30


def grade_directory(directory: Path, limits: Limits) -> Iterator[list[Grade]]:
    """Grade every script and notebook below ``directory`` whose name begins with that of a lesson.

    Yields
    ------
    list of Grade
        The grades of one submission, one for every exercise of its lesson.

    Raises
    ------
    DataError
        If there is no such file, or the system cannot confine a process.
    """
    if os.name != "posix":
        raise DataError("grading needs a POSIX system, which can limit what a process uses: Linux or macOS")
    found = [
        (path, lesson)
        for path in sorted(directory.rglob("lesson_*"))
        if path.suffix in (".py", ".ipynb") and ".ipynb_checkpoints" not in path.parts
        for lesson in lessons()
        if path.name.startswith(f"lesson_{lesson.number:02d}")
    ]
    if not found:
        raise DataError(f"{directory} has no submission: a file lesson_NN....ipynb or .py")
    for path, lesson in found:
        yield grade(path, lesson, str(path.relative_to(directory)), limits)


def grade(copy: Path, lesson: Lesson, submission: str, limits: Limits) -> list[Grade]:
    """Run one submission and return its grades; a run that ends early costs the exercise at which it ended."""
    text = lesson.path.read_text(encoding="utf-8")
    asked = exercises(text)
    try:
        left = steps(text, copy)
    except (DataError, OSError) as error:
        return [Grade(submission, lesson.number, one.name, 0, one.points, str(error)) for one in asked]
    said: dict[str, str | None] = {}
    while missing := [one for one in asked if one.name not in said]:
        outcomes, end = _run(left, limits)
        for one in missing:
            if one.name in outcomes:
                said[one.name] = _judged(one, outcomes[one.name])
        unheard = [one for one in missing if one.name not in said]
        if unheard:
            said[unheard[0].name] = end
        left = [step for step in left if step.exercise not in said]
    return [
        Grade(submission, lesson.number, one.name, 0 if said[one.name] is not None else one.points, one.points,
              said[one.name] or "")
        for one in asked
    ]  # fmt: skip


def table(grades: list[Grade]) -> str:
    """The grades as CSV with a header; no cell is a formula to a spreadsheet."""
    made = io.StringIO()
    writer = csv.DictWriter(made, list(Grade.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    for one in grades:
        writer.writerow({name: _inert(value) for name, value in asdict(one).items()})
    return made.getvalue()


def _inert(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value


def _judged(exercise: Exercise, outcome: dict[str, Any]) -> str | None:
    """Why an exercise is not solved; None if it is."""
    if exercise.digest is None:
        return None if outcome.get("solved") is True else str(outcome.get("message") or "not solved")
    if "answer" not in outcome:
        return str(outcome.get("message") or "there is no answer")
    try:
        check_answer(exercise.name, outcome["answer"], exercise.digest, exercise.digits)
    except AssertionError as failure:
        return str(failure)
    return None


def _run(left: list[Step], limits: Limits) -> tuple[dict[str, dict[str, Any]], str]:
    """Outcomes of the exercises by name, and how the run ended."""
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="oco-grade-", ignore_cleanup_errors=True) as scratch:
        _mirror(_kernels(), Path(scratch) / "kernels")
        reading, writing = os.pipe()
        job = {
            "token": token,
            "reports": writing,
            "path": [path for path in sys.path if path],
            "limits": asdict(_confinement(Path(scratch).resolve(), limits)),
            "steps": [asdict(step) for step in left],
        }
        process = subprocess.Popen(
            [sys.executable, str(_PROGRAM)], cwd=scratch, env=_environment(Path(scratch)), pass_fds=(writing,),
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(writing)
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(job).encode())
            process.stdin.close()
            said, end = _listen(process, reading, limits)
        finally:
            _stop(process)
            os.close(reading)
    outcomes, failure = _parsed(said, token)
    return outcomes, failure or end


def _listen(process: subprocess.Popen[bytes], reading: int, limits: Limits) -> tuple[bytes, str]:
    """What the process reported until it ended or its time was over, and how it ended."""
    import select

    said, until = b"", time.monotonic() + limits.seconds
    while len(said) < _LARGEST_REPORT:
        ready, _, _ = select.select([reading], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return said, f"stopped: it ran for more than {limits.seconds} s"
        part = os.read(reading, 1 << 16)
        if not part:
            break
        said += part
    try:
        code = process.wait(max(0.1, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        return said, f"stopped: it ran for more than {limits.seconds} s"
    if code == -signal.SIGXCPU:
        return said, f"stopped: it used more than {limits.seconds} s of processor time"
    return said, f"the run ended early, with exit code {code} (too much memory, or sys.exit?)"


def _stop(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()


def _parsed(said: bytes, token: str) -> tuple[dict[str, dict[str, Any]], str]:
    """The reports that carry the token, of which the first one of an exercise counts, and why nothing could run."""
    found: dict[str, dict[str, Any]] = {}
    failure = ""
    for line in said.decode(errors="replace").splitlines():
        try:
            outcome = json.loads(line)
        except ValueError:
            continue
        if isinstance(outcome, dict) and outcome.get("token") == token:
            failure = str(outcome.get("failure", failure))
            if isinstance(outcome.get("name"), str):
                found.setdefault(outcome["name"], outcome)
    return found, failure


def _confinement(scratch: Path, limits: Limits) -> Confinement:
    """The system, Python and the packages can be read; the lessons with their solutions, and everyone's copies, not."""
    import oco
    import regret_experiments

    packages = [Path(str(package.__file__)).resolve().parent for package in (oco, regret_experiments)]
    hidden = lessons_directory().resolve()
    paths = [Path(path).resolve() for path in [*sys.path, sys.prefix, sys.base_prefix, *site.getsitepackages()] if path]
    above = [path for path in paths if path in (*hidden.parents, hidden, Path.cwd())]
    system = ["/usr", "/lib", "/lib64", "/bin", "/etc", "/proc", "/sys", "/dev/urandom", "/dev/random", "/dev/zero"]
    return Confinement(
        readable=(*system, *{str(path) for path in paths if path not in above}, *map(str, packages), str(_kernels())),
        listable=tuple({str(path) for path in above}),
        hidden=(str(hidden),),
        scratch=str(scratch),
        seconds=limits.seconds,
        memory_bytes=limits.memory_bytes,
        file_bytes=_LARGEST_FILE,
    )  # fmt: skip


@functools.cache
def _kernels() -> Path:
    """Where compiled kernels are kept, or an empty directory."""
    from oco.kernel_cache import open_cache

    directory, _ = open_cache()
    return (directory or Path(tempfile.mkdtemp(prefix="oco-kernels-"))).resolve()


def _mirror(kernels: Path, target: Path) -> None:
    """Make a directory with links to every kernel: new ones can be added there, and the ones that are linked stay.

    Kernels are code. A submission that could write to the cache could run code as the one who grades.
    """
    for place, _, files in os.walk(kernels):
        directory = target / os.path.relpath(place, kernels)
        directory.mkdir(parents=True, mode=0o700, exist_ok=True)
        for name in files:
            (directory / name).symlink_to(os.path.join(place, name))


def _environment(scratch: Path) -> dict[str, str]:
    """The environment of a submission: nothing of the one who grades but where programs are."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH") if name in os.environ}
    homes = dict.fromkeys(("HOME", "TMPDIR", "MPLCONFIGDIR"), str(scratch))
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    caches = {"OCO_CACHE_DIR": str(scratch / "cache"), "NUMBA_CACHE_DIR": str(scratch / "kernels")}
    return kept | homes | threads | caches | {"MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1"}
