"""Every claim that a lesson asserts is listed, with its assertion, and nothing else is; equations are numbered once."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from regret_experiments.lessons import Lesson, lessons

LESSONS = lessons()
CLAIMS = Path(__file__).parent / "claims.md"
COLUMNS = 88


def listed() -> dict[str, list[tuple[str, str]]]:
    """Claims and assertions of each lesson by its title, from the tables of claims.md."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in CLAIMS.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            rows = found.setdefault(line[3:], [])
        elif match := re.fullmatch(r"\| (.+?) \| `(.+)` \|", line):
            rows.append((match[1], match[2]))
    return found


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.path.stem)
def test_the_list_of_claims_is_that_of_the_lesson(lesson: Lesson) -> None:
    rows = listed()[lesson.title]
    assert sorted(assertion for _, assertion in rows) == sorted(asserted(lesson))
    assert len(rows) >= 3
    assert all(len(claim.split()) >= 3 for claim, _ in rows)


def test_no_other_lesson_is_listed() -> None:
    assert list(listed()) == [lesson.title for lesson in LESSONS]


def test_every_equation_has_one_number_and_every_reference_an_equation() -> None:
    homes: dict[str, str] = {}
    for lesson in LESSONS:
        text = lesson.path.read_text(encoding="utf-8")
        tags, labels = re.findall(r"\\tag\{(\w+)\}", text), re.findall(r"\\label\{eq:(\w+)\}", text)
        assert tags == labels
        for tag in tags:
            assert homes.setdefault(tag, lesson.path.stem) == lesson.path.stem
        assert set(re.findall(r"\\eqref\{eq:(\w+)\}", text)) <= set(tags)
    for lesson in LESSONS:
        links = re.findall(r"`\((\w+)\)\s+<(lesson_\w+)\.html>`_", lesson.path.read_text(encoding="utf-8"))
        assert all(homes[number] == page for number, page in links)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.path.stem)
def test_code_fits_the_column_of_the_site(lesson: Lesson) -> None:
    text = lesson.path.read_text(encoding="utf-8")
    prose_ends = ast.parse(text).body[0].end_lineno or 0
    code = [line for line in text.splitlines()[prose_ends:] if not line.startswith("#")]
    assert [line for line in code if len(line) > COLUMNS] == []


def asserted(lesson: Lesson) -> list[str]:
    """The assertions of a lesson, spelled the way that `ast.unparse` does."""
    tree = ast.parse(lesson.path.read_text(encoding="utf-8"))
    return [ast.unparse(node.test) for node in ast.walk(tree) if isinstance(node, ast.Assert)]
