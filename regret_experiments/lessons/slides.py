"""Slides of a lesson from the lesson itself: one HTML file with its formulas and figures, that needs no network.

Each section, and each part of a long one, is a slide; a figure has its own. Short code is shown, code that draws is
not. The slides move with the arrow keys, like those of reveal.js, and print one on a page.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oco.errors import DataError
from regret_experiments.lessons.course import Lesson
from regret_experiments.lessons.playing import Block, chosen, played
from regret_experiments.store.files import write_atomic

if TYPE_CHECKING:
    from docutils.nodes import Element, document

_MATHJAX = ("django-static-mathjax", "mathjax/static/mathjax/es5/tex-svg.js")
_FULL = 620
"""Characters of text that a slide holds; a displayed formula counts as `_FORMULA`, a line of code as `_LINE`."""
_FORMULA, _LINE = 150, 45
_QUESTION = "Predict before you run."
"""A paragraph that begins so fills a slide: what follows would give the answer away."""
_LINES = 14
"""Lines of code, or of output, that are shown."""
_DRAWS = re.compile(r"\b(plt|axes|labels|figure)\.|\bsubplots\(")


def write_slides(numbers: Sequence[int], directory: Path) -> Iterator[Path]:
    """Write the slides of lessons, ``lesson_NN_name.html``; yields the files.

    Raises
    ------
    DataError
        If there is no lesson of a number, or the extra ``course`` is not installed.
    """
    script = _mathjax()
    for lesson in chosen(numbers):
        path = directory / f"{lesson.path.stem}.html"
        write_atomic((path, page(lesson, script).encode()))
        yield path


@dataclass
class Slide:
    """Heading, empty where it is that of the slide before, and body of a slide; how full it is, from 0 to `_FULL`."""

    heading: str
    body: str
    weight: int


def page(lesson: Lesson, mathjax: str) -> str:
    """The page with all slides of a lesson."""
    slides: list[Slide] = []
    for slide in (slide for block in played(lesson) for slide in _slides(block)):
        last = slides[-1] if slides else None
        if last and not slide.heading and last.weight + slide.weight <= _FULL:
            slides[-1] = Slide(last.heading, f"{last.body}\n{slide.body}", last.weight + slide.weight)
        else:
            slides.append(slide)
    sections = "\n".join(f'<section aria-roledescription="slide">\n{_continued(slides, i)}\n</section>'
                         for i in range(len(slides)))  # fmt: skip
    parts = {
        "TITLE": html.escape(lesson.title),
        "STYLE": _asset("slides.css"),
        "SLIDES": sections,
        "MATHJAX": mathjax,
        "SCRIPT": _asset("slides.js"),
    }
    made = _asset("slides.html")
    for name, part in parts.items():
        before, _, after = made.partition(f"%{name}%")
        made = before + part + after
    return made


def _mathjax() -> str:
    package, file = _MATHJAX
    try:
        return Path(str(metadata.distribution(package).locate_file(file))).read_text(encoding="utf-8")
    except (metadata.PackageNotFoundError, OSError) as error:
        raise DataError(f"slides need the formulas of {package}: pip install 'oco-regret[course]'") from error


def _continued(slides: list[Slide], place: int) -> str:
    """The inside of a slide; one without a heading repeats the one before."""
    heading = next((slide.heading for slide in reversed(slides[: place + 1]) if slide.heading), "")
    level = "h1" if place == 0 else "h2"
    return f"<{level}>{heading}</{level}>\n{slides[place].body}"


def _slides(block: Block) -> Iterator[Slide]:
    """The slides of a block."""
    if not block.is_code:
        yield from _prose(block.text)
        return
    lines = block.text.strip().splitlines()
    printed = [line for line in block.printed.strip().splitlines() if not line.startswith("Exercise ")]
    shown = [line for line in lines if not line.startswith(("import ", "from ", "plt.rcParams"))]
    code = "\n".join(shown).strip()
    parts = []
    if code and not _DRAWS.search(code) and "exercise(" not in code and len(code.splitlines()) <= _LINES:
        parts.append(f"<pre><code>{html.escape(code)}</code></pre>")
    if printed and len(printed) <= _LINES:
        parts.append(f'<pre class="printed">{html.escape(chr(10).join(printed))}</pre>')
    if parts:
        yield Slide("", "\n".join(parts), _LINE * sum(part.count("\n") + 1 for part in parts))
    for figure in block.figures:
        data = base64.b64encode(figure["svg"]).decode()
        yield Slide(
            "", f'<img class="figure" alt="Figure of the lesson" src="data:image/svg+xml;base64,{data}">', _FULL
        )


def _prose(text: str) -> Iterator[Slide]:
    """Slides of a block of prose: a new one for every heading, and where one is full."""
    from docutils.core import publish_doctree

    made = publish_doctree(text, settings_overrides={"report_level": 5, "doctitle_xform": False})
    heading, held, full = "", list[str](), 0
    for node in _flat(made):
        if node.tagname == "title":
            if held:
                yield Slide(heading, "\n".join(held), full)
            heading, held, full = _inner(node), [], 0
            continue
        weight = _FORMULA if node.tagname == "math_block" else len(node.astext())
        if node.astext().startswith(_QUESTION):
            weight = _FULL
        if held and full + weight > _FULL:
            yield Slide(heading, "\n".join(held), full)
            heading, held, full = "", [], 0
        held.append(_rendered(node))
        full += weight
    if held or heading:
        yield Slide(heading, "\n".join(held), full)


def _flat(node: Any) -> Iterator[Any]:
    """The titles and the paragraphs, formulas, lists, ... of a document, without its sections."""
    for child in node.children:
        if child.tagname == "section":
            yield from _flat(child)
        elif child.tagname not in ("system_message", "comment", "target"):
            yield child


def _rendered(node: Element) -> str:
    from docutils.core import publish_from_doctree
    from docutils.utils import new_document

    alone: document = new_document("slide")
    alone += node.deepcopy()
    settings = {"math_output": "mathjax local", "output_encoding": "unicode", "report_level": 5}
    whole = str(publish_from_doctree(alone, writer="html5", settings_overrides=settings))
    (body,) = re.findall(r"<main.*?>\n?(.*)</main>", whole, re.DOTALL)
    return str(body).strip()


def _inner(title: Element) -> str:
    from docutils import nodes

    return re.sub(r"^<p>|</p>$", "", _rendered(nodes.paragraph("", "", *[part.deepcopy() for part in title.children])))


def _asset(name: str) -> str:
    return resources.files("regret_experiments.lessons").joinpath("assets", name).read_text(encoding="utf-8")
