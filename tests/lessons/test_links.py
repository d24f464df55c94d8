"""Lessons link to each other as pages on the site and as notebooks in a copy."""

from __future__ import annotations

import json
import re

import pytest

from regret_experiments.lessons import lessons
from regret_experiments.lessons.exercises import starters
from regret_experiments.lessons.notebooks import notebook


def test_links_of_a_notebook_lead_to_notebooks() -> None:
    pytest.importorskip("sphinx_gallery", reason="notebooks need the extra 'course'")
    names = {lesson.path.stem for lesson in lessons()}
    linked = 0
    for lesson in lessons():
        text = lesson.path.read_text(encoding="utf-8")
        cells = json.loads(notebook(text, starters(text)))["cells"]
        prose = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        targets = re.findall(r"\]\((lesson_\w+)\.(\w+)\)", prose)
        assert all(name in names and suffix == "ipynb" for name, suffix in targets)
        pages = re.findall(r"[\w/]+\.html", prose)
        assert all(re.fullmatch(r"pictures/\w+\.html", page) for page in pages)  # the only pages of a copy
        linked += len(targets)
    assert linked >= 5
