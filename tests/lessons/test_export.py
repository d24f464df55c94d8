"""Copies for students hold no solutions, notebooks hold the lesson and run, a student's work is not overwritten."""

from __future__ import annotations

import contextlib
import doctest
import io
import json
import re
import runpy
from pathlib import Path

import matplotlib
import pytest
from lesson_runs import run_text

from regret_experiments.cli import main
from regret_experiments.lessons import Lesson, lessons, solved
from regret_experiments.lessons.checking import code_of
from regret_experiments.lessons.exercises import exercises
from regret_experiments.lessons.notebooks import notebook
from regret_experiments.lessons.pictures import PICTURES


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["lessons", *arguments])
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sphinx_gallery", reason="notebooks need the extra 'course'")
    place = tmp_path_factory.mktemp("course")
    assert run("export", "--students", str(place / "students"), "--teachers", str(place / "teachers")) == 0
    return place


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    printed = capsys.readouterr().out
    assert all(lesson.title in printed for lesson in lessons())


def test_a_student_copy_has_no_solutions(copies: Path) -> None:
    names = {str(path.relative_to(copies / "students")) for path in (copies / "students").rglob("*") if path.is_file()}
    assert {f"{lesson.path.stem}.ipynb" for lesson in lessons()} <= names
    assert not [name for name in names if "solution" in name]
    everything = "\n".join(path.read_text(encoding="utf-8") for path in (copies / "students").rglob("*.ipynb"))
    for lesson in lessons():
        first = lesson.solution.read_text(encoding="utf-8").split('"""')[1]
        assert first not in everything


def test_a_teacher_copy_has_the_solved_lessons(copies: Path) -> None:
    for lesson in lessons():
        text = code_of(copies / "teachers" / "solutions" / f"{lesson.path.stem}.ipynb")
        expected = solved(lesson.path.read_text(encoding="utf-8"), lesson.solution.read_text(encoding="utf-8"))
        assert "raise NotImplementedError" not in text
        assert _code(text) == _code(expected)


def test_notebooks_are_sound(copies: Path) -> None:
    for path in (copies / "students").rglob("*.ipynb"):
        book = json.loads(path.read_text(encoding="utf-8"))
        assert book["nbformat"] == 4
        prose = "".join("".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "markdown")
        assert ":math:" not in prose
        assert ".. math::" not in prose


def test_an_exported_notebook_runs(copies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = copies / "students" / f"{lessons()[0].path.stem}.ipynb"
    outcomes, _, drawn = run_text(code_of(path), path.name, monkeypatch)
    assert len(outcomes) >= 2
    assert drawn >= 1


def test_a_copy_with_answers_is_not_overwritten(copies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "--students", str(copies / "students")) == 2
    assert "may hold someone's answers" in capsys.readouterr().err


def test_scripts_need_no_converter(tmp_path: Path) -> None:
    assert run("export", "--students", str(tmp_path / "new"), "--format", "py") == 0
    first = lessons()[0].path
    assert (tmp_path / "new" / first.name).read_text(encoding="utf-8") == first.read_text(encoding="utf-8")


def test_cells_have_the_metadata_of_nbgrader(copies: Path) -> None:
    allowed = {"schema_version", "grade", "locked", "solution", "task", "grade_id", "points"}
    for lesson in lessons():
        text = lesson.path.read_text(encoding="utf-8")
        for place in ("students", "teachers/solutions"):
            cells = json.loads((copies / place / f"{lesson.path.stem}.ipynb").read_text())["cells"]
            known = [(cell, cell["metadata"]["nbgrader"]) for cell in cells if "nbgrader" in cell["metadata"]]
            ids = [facts["grade_id"] for _, facts in known]
            assert len(set(ids)) == len(ids)
            assert all(re.fullmatch(r"[a-zA-Z0-9_\-]+", name) for name in ids)
            for cell, facts in known:
                assert set(facts) <= allowed
                assert facts["schema_version"] == 3
                assert facts["solution"] != facts["grade"]
                assert facts["locked"] == facts["grade"]
                assert ("exercise(" in "".join(cell["source"])) == facts["grade"]
            points = {facts["grade_id"]: facts["points"] for _, facts in known if facts["grade"]}
            assert points == {f"exercise-{one.name.replace('.', '_')}": one.points for one in exercises(text)}
            written = {name.removeprefix("answer-") for name in ids if name.startswith("answer-")}
            assert written == {name for one in exercises(text) for name in one.starters}


def test_the_first_cell_would_install_and_does_nothing(copies: Path, tmp_path: Path) -> None:
    first = json.loads((copies / "students" / f"{lessons()[0].path.stem}.ipynb").read_text())["cells"][0]
    lines = "".join(first["source"]).splitlines()
    assert first["cell_type"] == "code"
    assert all(line.startswith("#") for line in lines)
    assert lines[-1] == "# %pip install 'oco-regret[course]'"
    made = notebook('"""Title"""\nx = 1\n', [], "https://example.org/oco.whl")
    assert "# %pip install 'https://example.org/oco.whl'" in "".join(json.loads(made)["cells"][0]["source"])


def test_tests_for_otter_pass_on_the_solutions_and_fail_on_the_starters(copies: Path) -> None:
    lesson = lessons()[0]
    files = sorted((copies / "students" / "tests" / lesson.path.stem).glob("q*.py"))
    asked = exercises(lesson.path.read_text(encoding="utf-8"))
    assert [path.stem for path in files] == [f"q{one.name.replace('.', '_')}" for one in asked]
    for place, passes in (("teachers/solutions", True), ("students", False)):
        played: dict[str, object] = {"__name__": "__main__"}
        with contextlib.redirect_stdout(io.StringIO()):
            source = lesson.path.name.replace(".py", ".ipynb")
            matplotlib.use("Agg")
            exec(compile(code_of(copies / place / source), source, "exec"), played)
        for path, one in zip(files, asked, strict=True):
            test = runpy.run_path(str(path))["test"]
            assert test["points"] == one.points
            (suite,) = test["suites"]
            (case,) = suite["cases"]
            parsed = doctest.DocTestParser().get_doctest(case["code"], dict(played), one.name, None, None)
            with contextlib.redirect_stdout(io.StringIO()):
                assert (doctest.DocTestRunner().run(parsed).failed == 0) == passes


def test_pictures_come_along_and_the_links_lead_to_them(copies: Path) -> None:
    links = set()
    for path in (copies / "students").glob("*.ipynb"):
        links |= set(re.findall(r"pictures/\w+\.html", path.read_text(encoding="utf-8")))
    assert links == {f"pictures/{picture.name}.html" for picture in PICTURES}
    assert all((copies / "students" / link).is_file() for link in links)


def test_without_the_solutions_there_is_no_teacher_s_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Lesson, "solution", property(lambda self: tmp_path / self.path.name))
    assert run("export", str(tmp_path / "students"), "--teachers", str(tmp_path / "teachers"), "--format", "py") == 2
    assert "the solutions are not installed with the package" in capsys.readouterr().err
    assert (tmp_path / "students" / lessons()[0].path.name).is_file()
    assert not (tmp_path / "teachers").exists()


def test_export_asks_where_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export") == 2
    assert "--students DIR" in capsys.readouterr().err


def test_check_names_what_is_not_solved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "mine.py"
    copy.write_text(
        "from oco.checks import answer_digest, exercise\n"
        "exercise('1', lambda: 4, digest=answer_digest('1', 4))\n"
        "exercise('2', lambda: 5, digest=answer_digest('2', 4))\n"
    )
    assert run("check", str(copy)) == 1
    printed = capsys.readouterr().out
    assert "mine.py: 1 of 2 exercises solved" in printed
    assert "Exercise 2, not yet: 5 is not the answer" in printed


def test_check_survives_a_copy_that_breaks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "broken.py"
    copy.write_text("from oco.checks import exercise\nexercise('1', lambda: None)\n\n1 / 0\n")
    assert run("check", str(copy)) == 1
    assert "line 4 raised ZeroDivisionError" in capsys.readouterr().out
    for name, text, sentence in (("a.txt", "", ".py or .ipynb"), ("a.ipynb", "{}", "not a notebook")):
        (tmp_path / name).write_text(text)
        assert run("check", str(tmp_path / name)) == 2
        assert sentence in capsys.readouterr().err


def _code(text: str) -> list[str]:
    import ast

    return [ast.unparse(node) for node in ast.parse(text).body if not _is_docstring(node)]


def _is_docstring(node: object) -> bool:
    import ast

    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
