"""Every lesson runs as it stands, its starters fail with their sentence, its solutions pass its own checks."""

from __future__ import annotations

import ast
import socket
import time
from pathlib import Path

import pytest
from lesson_runs import run_text

from regret_experiments.lessons import Lesson, lessons, solved
from regret_experiments.lessons.course import interactive_lessons
from regret_experiments.lessons.exercises import only_exercises

LESSONS = lessons()
SECONDS = 60.0
"""Processor time that a lesson may take."""


@pytest.fixture(autouse=True)
def no_network_and_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a lesson must not need the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.delenv("OCO_DATA_DIR", raising=False)


def test_the_course_is_whole() -> None:
    assert [lesson.number for lesson in LESSONS] == list(range(1, len(LESSONS) + 1))
    assert all(lesson.solution.is_file() for lesson in LESSONS)
    assert all(lesson.title.startswith(f"{lesson.number}. ") for lesson in LESSONS)


@pytest.mark.parametrize("word", ["bandit", "optimistic", "frank-wolfe", "online-to-batch", "minimax", "universal"])
def test_a_topic_is_found_by_its_word(word: str) -> None:
    heads = [ast.get_docstring(ast.parse(lesson.path.read_text(encoding="utf-8"))) or "" for lesson in LESSONS]
    assert [head for head in heads if word in head.lower()]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.path.stem)
def test_a_lesson_runs_and_its_starters_say_what_to_do(lesson: Lesson, monkeypatch: pytest.MonkeyPatch) -> None:
    text = lesson.path.read_text(encoding="utf-8")
    for attempt in ("cold", "warm"):  # the first game of a kind compiles its loop, which is not the lesson's time
        began = time.process_time()
        outcomes, printed, drawn = run_text(text, str(lesson.path), monkeypatch)
        if time.process_time() - began < SECONDS:
            break
        assert attempt == "cold", f"the lesson takes {time.process_time() - began:.0f} s, {SECONDS:.0f} are allowed"
    assert 2 <= len(outcomes) <= 4
    assert drawn >= 1
    assert "np.float64" not in printed
    for outcome in outcomes:
        assert not outcome.solved, f"{outcome.name} counts as solved before anything was written"
        assert outcome.message in printed
        assert len(outcome.message) > len(outcome.name) + 40
    assert [outcome.name for outcome in outcomes] == [f"{lesson.number}.{i + 1}" for i in range(len(outcomes))]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.path.stem)
def test_the_solutions_pass(lesson: Lesson, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = solved(lesson.path.read_text(encoding="utf-8"), lesson.solution.read_text(encoding="utf-8"))
    text = ast.unparse(ast.Module(only_exercises(whole), []))  # a lesson is not played twice
    outcomes, _, _ = run_text(text, str(lesson.path), monkeypatch)
    assert outcomes
    assert [outcome.message for outcome in outcomes if not outcome.solved] == []


@pytest.mark.parametrize("path", interactive_lessons(), ids=lambda path: path.stem)
def test_an_interactive_lesson_draws(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, drawn = run_text(path.read_text(encoding="utf-8"), str(path), monkeypatch)
    assert drawn >= 1


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.path.stem)
def test_a_lesson_uses_public_names_only(lesson: Lesson) -> None:
    for text in (lesson.path.read_text(encoding="utf-8"), lesson.solution.read_text(encoding="utf-8")):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute):
                assert not (node.attr.startswith("_") and not node.attr.startswith("__")), ast.unparse(node)
            if isinstance(node, ast.ImportFrom):
                assert "._" not in (node.module or ""), ast.unparse(node)


@pytest.mark.parametrize(
    "path", [lesson.path for lesson in LESSONS] + interactive_lessons(), ids=lambda path: path.stem
)
def test_the_prose_is_sound(path: Path) -> None:
    parser = pytest.importorskip("sphinx_gallery.py_source_parser", reason="needs the extra 'course'")
    from docutils.core import publish_doctree

    blocks = parser.split_code_and_text_blocks(str(path))[1]
    prose = [block[1] for block in blocks if block[0] == "text"]
    settings = {"report_level": 2, "halt_level": 2, "warning_stream": False}
    publish_doctree("\n\n".join(prose), settings_overrides=settings)  # raises where the markup is wrong
    assert len(prose) >= 2
