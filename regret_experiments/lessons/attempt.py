"""The program that runs one submission, confined: a job comes in on standard input, outcomes go out line by line.

It is started by `regret_experiments.lessons.grading` as a file, so that it is confined before any package is loaded.
Outcomes go to the file descriptor that the job names, with the job's token: what the submission prints is lost.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

LARGEST_ANSWER = 10_000
"""Entries of an array that is an answer."""


def main(job: dict[str, Any]) -> None:
    """Confine this process, run the statements of the job, report every exercise as soon as it has run."""
    from confinement import Confinement, confine  # type: ignore[import-not-found]

    sys.path[:] = job["path"]
    confined = confine(Confinement(**job["limits"]))
    report(job, {"kernel": confined})

    import numpy as np

    names: dict[str, Any] = {"__name__": "__main__"}
    troubles: list[str] = []
    for step in job["steps"]:
        code = compile(step["source"], step["origin"], "exec")
        if step["exercise"] is None:
            try:
                exec(code, names)
            except Exception as error:
                troubles.append(described(error))
            continue
        names["exercise"] = recorder(job, np)
        try:
            exec(code, names)
        except Exception as error:
            reason = f"{described(error)}, after {troubles[0]}" if troubles else described(error)
            report(job, {"name": step["exercise"], "solved": False, "message": reason})


def recorder(job: dict[str, Any], np: Any) -> Callable[..., None]:
    """What ``exercise`` is to a submission: answers are sent away, and compared where it cannot reach."""

    def exercise(name: str, attempt: Callable[[], Any], digest: str | None = None, digits: int = 3) -> None:
        try:
            answer = attempt()
        except (AssertionError, NotImplementedError) as failure:
            said = str(failure) or "there is still code to write"
            report(job, {"name": name, "solved": False, "message": said})
        except Exception as error:
            report(job, {"name": name, "solved": False, "message": described(error)})
        else:
            if digest is None:
                report(job, {"name": name, "solved": True, "message": ""})
            else:
                report(job, {"name": name, "answer": plain(answer, np)})

    return exercise


def plain(answer: Any, np: Any) -> Any:
    """An answer as JSON has it."""
    if answer is None or isinstance(answer, (str, bool)):
        return answer
    try:
        numbers = np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        return f"<{type(answer).__name__}>"
    if numbers.size > LARGEST_ANSWER:
        return f"<{numbers.size} numbers>"
    return numbers.tolist()


def described(error: BaseException) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def report(job: dict[str, Any], outcome: dict[str, Any]) -> None:
    """Send one outcome."""
    line = json.dumps(outcome | {"token": job["token"]}) + "\n"
    os.write(job["reports"], line.encode())


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        asked = json.load(sys.stdin)
        try:
            main(asked)
        except Exception as error:
            report(asked, {"failure": described(error)})
