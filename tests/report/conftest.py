"""A stored sweep with failures, its page, and pages opened in Chromium."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from small_sweeps import CONFIG, fail, play

from regret_experiments.report import write_report
from regret_experiments.store.results import Results, load


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a small sweep without failures; not to be changed."""
    return play(CONFIG, tmp_path_factory.mktemp("sweep"))


@pytest.fixture(scope="session")
def stored(played: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a small sweep of which three runs failed and one is missing."""
    path = tmp_path_factory.mktemp("failed") / "results"
    shutil.copytree(played, path)
    fail(path, 3)
    first = json.loads((path / "plan.json").read_text())["runs"][0]["id"]
    for file in (path / "runs").glob(f"??/{first}.*"):
        file.unlink()
    return path


@pytest.fixture(scope="session")
def results(stored: Path) -> Results:
    """A small sweep of which three runs failed and one is missing."""
    return load(stored)


@pytest.fixture(scope="session")
def report(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its page."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(results, path)
    return path


@dataclass
class Opened:
    """A page in the browser, with all that it said and asked for."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.page, name)

    def texts(self, selector: str) -> list[str]:
        """Texts of all elements that match."""
        return [str(text) for text in self.page.locator(selector).all_inner_texts()]

    def choose(self, name: str, value: str) -> None:
        """Choose a radio button."""
        self.page.check(f"input[name={name}][value={value}]")


Open = Callable[..., Opened]


@pytest.fixture
def open_page(browser: Any) -> Iterator[Open]:
    """Open a file or an address; afterwards nothing may have been complained of in the console."""
    contexts = []
    every: list[Opened] = []

    def opened(where: Path | str, hash_: str = "", width: int = 1280, theme: str = "light") -> Opened:
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)
        contexts.append(context)
        made = Opened(context.new_page())
        every.append(made)
        made.page.on("console", lambda message: made.complaints.append(f"{message.type}: {message.text}"))
        made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
        made.page.on("request", lambda request: made.requests.append(request.url))
        made.page.goto((where.as_uri() if isinstance(where, Path) else where) + hash_)
        made.page.wait_for_selector("#table tbody, #thinning")
        return made

    yield opened
    for context in contexts:
        context.close()
    assert [complaint for made in every for complaint in made.complaints] == []
