"""Slides and figures of a lesson: formulas are set and figures shown without a network, everything can be reached."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from regret_experiments.cli import main
from regret_experiments.lessons import Lesson, lessons, slides
from regret_experiments.lessons.notebooks import blocks
from regret_experiments.lessons.playing import Block, chosen, played
from regret_experiments.lessons.slides import _slides

pytest.importorskip("sphinx_gallery", reason="needs the extra 'course'")


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["lessons", *arguments])
    return int(stop.value.code or 0)


def test_a_lesson_is_played_block_by_block() -> None:
    blocks = played(lessons()[0])
    assert sum(len(block.figures) for block in blocks) >= 1
    assert any("follow the leader:" in block.printed for block in blocks)
    assert not any(block.figures for block in blocks if not block.is_code)


def test_figures_are_written_as_pdf_and_svg(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("figures", "1", "--out", str(tmp_path)) == 0
    stem = lessons()[0].path.stem
    assert {path.name for path in tmp_path.iterdir()} == {f"{stem}_1.svg", f"{stem}_1.pdf"}
    assert (tmp_path / f"{stem}_1.pdf").read_bytes().startswith(b"%PDF")
    assert b"<svg" in (tmp_path / f"{stem}_1.svg").read_bytes()
    assert f"{stem}_1.pdf" in capsys.readouterr().out


def test_a_lesson_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("slides", "99", "--out", str(tmp_path)) == 2
    assert "there is no lesson 99; the lessons are 1 to" in capsys.readouterr().err
    assert [lesson.number for lesson in chosen([2, 1])] == [1, 2]
    assert chosen([]) == lessons()


def test_code_that_draws_and_exercises_are_left_out() -> None:
    shown = list(_slides(Block(True, "import numpy\nx = 1\n", "1\n")))
    assert "x = 1" in shown[0].body
    assert "import" not in shown[0].body
    assert list(_slides(Block(True, "figure, axes = plt.subplots()\n"))) == []
    assert list(_slides(Block(True, 'exercise("1", f)\n', "Exercise 1, not yet: think.\n"))) == []


def test_long_prose_takes_several_slides_and_keeps_its_order() -> None:
    paragraphs = [f"Number {i} " + "word " * 60 for i in range(5)]
    slides = list(_slides(Block(False, "Heading\n-------\n\n" + "\n\n".join(paragraphs))))
    assert len(slides) >= 3
    assert slides[0].heading == "Heading"
    together = "".join(slide.body for slide in slides)
    assert [together.index(f"Number {i}") for i in range(5)] == sorted(together.index(f"Number {i}") for i in range(5))


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.path.stem)
def test_a_question_to_predict_has_a_slide_of_its_own(lesson: Lesson, monkeypatch: pytest.MonkeyPatch) -> None:
    text = lesson.path.read_text(encoding="utf-8")
    unplayed = [Block(kind == "code", part, "printed\n" if kind == "code" else "") for kind, part, _ in blocks(text)]
    monkeypatch.setattr(slides, "played", lambda _: unplayed)
    sections = re.findall(r"<section.*?</section>", slides.page(lesson, ""), flags=re.DOTALL)
    asked = [section for section in sections if "Predict before you run." in section]
    assert len(asked) == text.count("**Predict before you run.**") >= 1
    assert [section for section in asked if section.count("<p>") != 1 or "<pre" in section] == []


@pytest.mark.slow
def test_slides_in_a_browser(tmp_path: Path, browser: Any) -> None:
    lesson = lessons()[5]
    assert run("slides", str(lesson.number), "--out", str(tmp_path)) == 0
    file = tmp_path / f"{lesson.path.stem}.html"
    for width, height in ((1280, 720), (390, 800)):
        context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
        page, complaints = context.new_page(), []
        page.on("console", lambda message: complaints.append(message.text))  # noqa: B023  (read below)
        page.on("pageerror", lambda error: complaints.append(str(error)))  # noqa: B023
        page.on("request", lambda request: request.url.startswith(("file:", "data:")) or complaints.append(request.url))  # noqa: B023
        page.goto(file.as_uri())
        page.wait_for_selector("body[data-ready]", timeout=60_000)
        count = page.locator("section").count()
        assert count >= 8
        text = lesson.path.read_text(encoding="utf-8")
        assert page.locator("mjx-container").count() >= 0.8 * text.count(":math:")
        assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
        assert page.locator("img.figure").count() == sum(len(block.figures) for block in played(lesson))
        seen = []
        for _ in range(count):
            seen.append(page.locator("#place").inner_text())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.keyboard.press("ArrowRight")
        assert seen == [f"{i} / {count}" for i in range(1, count + 1)]
        page.keyboard.press("Home")
        page.click("#on")
        assert page.locator("#place").inner_text() == f"2 / {count}"
        assert page.url.endswith("#2")
        context.close()
        assert complaints == []
