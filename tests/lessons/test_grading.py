"""Grading end to end: right and wrong copies get their points, and a hostile one is contained."""

from __future__ import annotations

import csv
import json
import os
import time
from pathlib import Path

import pytest

from regret_experiments.cli import main
from regret_experiments.lessons import lessons, solved
from regret_experiments.lessons.confinement import landlock_version
from regret_experiments.lessons.exercises import exercises
from regret_experiments.lessons.grading import Grade, Limits, grade_directory, table
from regret_experiments.lessons.submission import steps

LESSON = lessons()[0]
TEXT = LESSON.path.read_text(encoding="utf-8")
SOLVED = solved(TEXT, LESSON.solution.read_text(encoding="utf-8"))


def replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


@pytest.mark.slow
def test_the_command_grades_right_wrong_and_empty_copies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alice = replaced(  # with a helper and an import of her own
        SOLVED,
        "def best_fixed_loss(gradients, radius):",
        "from numpy.linalg import norm as length\n\n\ndef size(rows):\n    return length(rows.sum(axis=0))\n\n\n"
        "def best_fixed_loss(gradients, radius):\n    return -radius * size(gradients)",
    )
    wrong = replaced(SOLVED, "return radius * (rounds - 0.5)", "return radius * rounds")
    unchecked = replaced(TEXT, 'exercise("1.3", check_regularized_leader)', 'exercise("1.3", lambda: None)')
    for student, text in (("alice", alice), ("bob", wrong), ("carol", unchecked)):
        (tmp_path / "all" / student).mkdir(parents=True)
        (tmp_path / "all" / student / LESSON.path.name).write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        main(["lessons", "grade", str(tmp_path / "all"), "--csv", str(tmp_path / "grades.csv")])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    assert f"alice/{LESSON.path.name}: 4 of 4 points" in printed
    assert "the learner loses nothing in round 1" in printed  # the hint for bob's number
    with (tmp_path / "grades.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    points = {(row["submission"].split("/")[0], row["exercise"]): int(row["points"]) for row in rows}
    assert points == {
        ("alice", "1.1"): 1, ("alice", "1.2"): 1, ("alice", "1.3"): 2,
        ("bob", "1.1"): 1, ("bob", "1.2"): 0, ("bob", "1.3"): 2,
        ("carol", "1.1"): 0, ("carol", "1.2"): 0, ("carol", "1.3"): 0,
    }  # fmt: skip


HOSTILE = '''
import os, pathlib, shutil
HOME = pathlib.Path({home!r})


def tried(action):
    """What came of an attempt: the error's name, or the truth."""
    try:
        return repr(action())
    except BaseException as error:
        return type(error).__name__


def best_fixed_loss(gradients, radius):
    attempts = {{
        "delete": lambda: (HOME / "victim.txt").unlink(),
        "delete all": lambda: shutil.rmtree(HOME),
        "write": lambda: (HOME / "new.txt").write_text("here"),
        "append": lambda: open(HOME / "victim.txt", "a").write("more"),
        "read": lambda: (HOME / "victim.txt").read_text(),
        "solutions": lambda: pathlib.Path({solution!r}).read_text(),
        "process": lambda: os.system("touch " + str(HOME / "process.txt")),
        "fork": lambda: os.fork(),
        "network": lambda: __import__("socket").create_connection(("127.0.0.1", 9), 1),
        "kill": lambda: os.kill(os.getppid(), 9),
        "native write": lambda: __import__("ctypes").CDLL(None).open({native!r}.encode(), 0o101, 0o600),
        "own": lambda: pathlib.Path("mine.txt").write_text("fine"),
    }}
    raise AssertionError("; ".join(f"{{name}}: {{tried(action)}}" for name, action in attempts.items()))


def regret_of_the_leader(rounds, radius):
    while True:
        pass


class RegularizedLeader(oco.Learner):
    def start(self, problem):
        self.state = {{"point": [0.0] * 10**10}}

    def update(self, gradient):
        raise SystemExit(0)
'''


@pytest.mark.slow
def test_a_hostile_notebook_is_contained(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "victim.txt").write_text("keep me")
    submissions = tmp_path / "all"
    submissions.mkdir()
    code = HOSTILE.format(home=str(home), solution=str(LESSON.solution), native=str(home / "native.txt"))
    cells = [{"cell_type": "code", "source": cell} for cell in (TEXT.split("# %%")[0], "while not code\n", code)]
    (submissions / "lesson_01_regret.ipynb").write_text(json.dumps({"cells": cells}))
    began = time.monotonic()
    (grades,) = grade_directory(submissions, Limits(seconds=15))
    assert time.monotonic() - began < 120.0  # three runs, of 15 s at most, on a busy machine
    assert [one.points for one in grades] == [0, 0, 0]
    said = dict(part.split(": ") for part in grades[0].message.split("; "))
    assert said.pop("own") == "4"
    refused_by_the_kernel = said.pop("native write") == "-1"
    assert refused_by_the_kernel == (landlock_version() > 0)  # elsewhere native code is not contained
    assert set(said.values()) == {"PermissionError"}, said
    assert "more than 15 s" in grades[1].message
    assert "MemoryError" in grades[2].message or "ended early" in grades[2].message
    assert {path.name for path in home.iterdir()} - {"native.txt"} == {"victim.txt"}
    assert (home / "native.txt").exists() != refused_by_the_kernel
    assert (home / "victim.txt").read_text() == "keep me"


def test_what_is_no_file_of_a_student_is_not_followed(tmp_path: Path) -> None:
    place = tmp_path / "all"
    place.mkdir()
    (place / "lesson_01_link.py").symlink_to(LESSON.solution)
    os.mkfifo(place / "lesson_01_pipe.py")
    (place / "lesson_01_text.ipynb").write_text("no notebook")
    (place / "lesson_01_broken.py").write_text("def f(:\n")
    said = {grades[0].submission: grades[0].message for grades in grade_directory(place, Limits())}
    assert "not a regular file" in said["lesson_01_link.py"]
    assert "not a regular file" in said["lesson_01_pipe.py"]
    assert "is not a notebook" in said["lesson_01_text.ipynb"]
    assert "is not Python" in said["lesson_01_broken.py"]


def test_changed_checks_and_games_are_the_lesson_s_again(tmp_path: Path) -> None:
    copy = tmp_path / "lesson_01.py"
    check = "def check_regularized_leader():"
    cheat = replaced(TEXT, check, f"{check}\n    return\n\n\ndef before():")
    copy.write_text(replaced(cheat, "horizon=1000)", "horizon=2)"), encoding="utf-8")
    made = steps(TEXT, copy)
    (kept,) = (step for step in made if step.source.startswith(check))
    assert "sqrt(2 * trap.horizon)" in kept.source
    assert [step.source for step in made if step.source.startswith("trap =")] == [
        "trap = oco.environments.FollowTheLeaderTrap(dimension=2, horizon=1000)"
    ]
    assert [step.exercise for step in made if step.exercise] == [one.name for one in exercises(TEXT)]


def test_a_cell_of_the_table_is_no_formula() -> None:
    text = table([Grade("=cmd|x.py", 1, "1.1", 0, 1, "+1")])
    assert text.splitlines()[1] == "'=cmd|x.py,1,1.1,0,1,'+1"
