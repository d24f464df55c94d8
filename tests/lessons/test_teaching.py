"""The teacher's page: its syllabuses and its chapters are of lessons that there are, its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from regret_experiments.cli import main
from regret_experiments.lessons import lessons

PAGE = (Path(__file__).parents[2] / "docs" / "teaching.md").read_text(encoding="utf-8")
NUMBERS = [lesson.number for lesson in lessons()]


def part(name: str) -> str:
    return PAGE.partition(f"<!-- {name} -->")[2].partition(f"<!-- end of the {name} -->")[0]


def listed(text: str) -> list[int]:
    """Numbers in a list such as ``1, 2, 5 to 7``."""
    found: list[int] = []
    for first, last in re.findall(r"(\d+)(?: to (\d+))?", text):
        found += range(int(first), int(last or first) + 1)
    return found


def test_every_lesson_has_its_chapters() -> None:
    rows = [int(number) for number in re.findall(r"^\| (\d+) \|", part("chapters"), flags=re.MULTILINE)]
    assert sorted(rows) == NUMBERS


def test_a_syllabus_has_as_many_lessons_as_weeks_or_says_what_else_is_done() -> None:
    weeks = re.findall(r"\*\*(Six|Ten|Fourteen) weeks[^*]*\*\*: (.*?)\.", part("syllabus"), flags=re.DOTALL)
    assert {name for name, _ in weeks} == {"Six", "Ten", "Fourteen"}
    for name, text in weeks:
        found = listed(text.partition(",\nand")[0].partition(", and")[0].partition("weeks of")[0])
        assert set(found) <= set(NUMBERS), text
        assert len(found) <= {"Six": 6, "Ten": 10, "Fourteen": 14}[name], text
        assert len(found) == len(set(found)), text


@pytest.mark.parametrize("command", sorted(set(re.findall(r"oco lessons (\w+)", PAGE))))
def test_its_commands_exist(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["lessons", command, "--help"])
    assert stop.value.code == 0
    options = capsys.readouterr().out
    for line in re.findall(rf"oco lessons {command} (.*)", PAGE):
        for option in re.findall(r"--[a-z]+", line):
            assert option in options, line
