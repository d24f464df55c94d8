"""Copies for students hold no solutions, notebooks hold the lesson and run, a student's work is not overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lesson_runs import run_text

from regret_experiments.cli import main
from regret_experiments.lessons import lessons, solved
from regret_experiments.lessons.checking import code_of


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
