"""What notebooks show: learners, domains, environments, sweeps and pages as HTML, and a bar while a game is played."""

from __future__ import annotations

import io
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from small_sweeps import play as play_sweep

import oco
from oco.comparators import anytime, fixed_point
from oco.environments import Bandit, Delayed, SpectrumLinear
from oco.errors import ConfigError
from oco.learners import LEARNERS
from oco.losses import RowBlock, scalar_loss
from oco.progress import GameProgress
from oco.showing import Embedded
from regret_experiments import load

VOID = ("line", "rect", "polyline", "polygon")


class Tags(HTMLParser):
    """Fails on tags that do not close; keeps the texts, the tags and the attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.text = ""
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes |= dict(attrs)
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes |= dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def shown(thing: Any) -> Tags:
    page = thing._repr_html_()
    found = Tags(page)
    assert not {"script", "style", "link", "img"} & set(found.tags)
    return found


@pytest.mark.parametrize("kind", sorted(LEARNERS))
def test_a_learner_shows_its_hyperparameters_its_guarantee_and_its_memory(kind: str) -> None:
    learner = LEARNERS[kind](**LEARNERS[kind].examples[0])
    text = shown(learner).text
    assert repr(learner) in text
    assert learner.guarantee in text
    for name in learner.hyperparameters():
        assert name in text
    if learner.decision != "matrix":
        domain = oco.Simplex(dimension=100) if learner.decision == "simplex" else oco.Ball(radius=1.0, dimension=100)
        domain = oco.Unbounded(dimension=100) if learner.decision == "unbounded" else domain
        memory = learner.memory(oco.Problem(domain, 1000))
        if memory is not None:
            assert f"{memory.formula} = {memory.floats:,} floats" in text


def test_domains_and_games_show_their_size_and_constants() -> None:
    text = shown(oco.Ball(radius=2.0, dimension=3)).text
    assert "4 (l2)" in text
    assert "(3,)" in text
    assert "given by the environment" in shown(oco.Ball(radius=2.0)).text
    game = SpectrumLinear(4, 1234, domain=oco.Ball(radius=1.0))
    assert "1,234" in shown(game).text
    assert "gradient bound" in shown(game).text
    assert "one value of the loss" in shown(Bandit(Delayed(game, 2))).text


def test_what_a_user_named_is_escaped() -> None:
    class Named(oco.Learner):
        guarantee = "<script>alert(1)</script> & more"

        def __init__(self, label: str = "<b>") -> None:
            self.label = label

        def start(self, problem: oco.Problem) -> None:
            self.state = {"point": problem.domain.start}

        def update(self, gradient: Any) -> None:
            pass

    found = shown(Named("<img src=x onerror=alert(1)>"))
    assert "<script>alert(1)</script> & more" in found.text
    assert "<img src=x onerror=alert(1)>" in found.text


CONFIG = """
name: small sweep
orders: 1
checkpoints: 6
environments:
  - {name: one@home, kind: spectrum_linear, dimension: 3, horizon: 40, domain: {kind: ball, radius: 1.0}}
learners:
  - {kind: ogd, learning_rate: [0.1, 1.0]}
  - {kind: fd_adagrad, rank: 1}
"""


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return play_sweep(CONFIG, tmp_path_factory.mktemp("sweep"))


def test_a_sweep_shows_counts_the_best_learner_and_curves(sweep: Path) -> None:
    results = load(sweep)
    found = shown(results)
    assert "small sweep" in found.text
    assert "one@home" in found.text
    assert "3 finished" in found.text
    finished = results.runs.groupby("learner")["regret_upper"].min()
    assert f"{finished.idxmin()}" in found.text
    assert f"{finished.min():.4g}" in found.text
    assert found.tags.count("polyline") == 2


def test_the_page_of_a_sweep_is_shown_in_a_frame_of_its_own(sweep: Path) -> None:
    frame = oco.show(load(sweep), height=321)
    found = Tags(frame._repr_html_())
    assert found.tags == ["iframe"]
    assert found.attributes["sandbox"] == "allow-scripts"
    assert "height:321px;" in str(found.attributes["style"])
    page = str(found.attributes["srcdoc"])  # unescaped by the parser, as by a browser
    assert page.lower().startswith("<!doctype html>")
    assert "small sweep" in page


@pytest.mark.parametrize("given", ["results", None, oco.OGD(), SimpleNamespace()])
def test_what_has_no_page_is_said(given: Any) -> None:
    with pytest.raises(ConfigError, match=r"show takes the results of a sweep, from regret_experiments\.load"):
        oco.show(given)
    with pytest.raises(ConfigError, match="height of a page must be a whole number of pixels"):
        oco.show(given, height=0)
    assert 'srcdoc="&lt;p&gt;&quot;"' in Embedded('<p>"')._repr_html_()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_drawn_on_a_terminal_and_in_a_notebook_and_not_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    game, learner = SpectrumLinear(3, 500), oco.AdaGradNorm()
    plain = oco.play(game, learner)
    terminal, pipe, cell = Terminal(), io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    watched = oco.play(game, learner, progress=True)
    assert "500/500" in terminal.getvalue()
    assert watched.regret == plain.regret
    monkeypatch.setattr(sys, "stderr", pipe)
    oco.play(game, learner, progress=True)
    assert pipe.getvalue() == ""
    monkeypatch.setattr(sys, "stdout", cell)
    kernel = SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: kernel))
    oco.play(Delayed(game, 3), learner, progress=True)
    assert "500/500" in cell.getvalue()
    assert pipe.getvalue() == ""


def test_the_search_for_best_fixed_points_has_a_bar_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints 10, 20 and 30 count for 60 rounds; a search that is over within a second shows nothing."""
    monkeypatch.delenv("CI", raising=False)
    rounds = RowBlock(scalar_loss("squared"), np.eye(30), np.ones(30))
    for eager, file, expected in ((True, Terminal(), "60.0/60.0"), (True, io.StringIO(), ""), (False, Terminal(), "")):

        def made(horizon: int, wanted: bool, what: str, delay: float, eager: bool = eager) -> GameProgress:
            return GameProgress(horizon, wanted, what, 0.0 if eager else delay)

        monkeypatch.setattr(sys, "stderr", file)
        monkeypatch.setattr(fixed_point, "GameProgress", made)
        anytime(rounds, oco.Ball(1.0), [10, 20, 30], progress=True)
        assert (file.getvalue() == "") == (expected == "")
        assert expected in file.getvalue()
        assert ("best fixed points" in file.getvalue()) == (expected != "")


def test_a_bar_is_closed_where_a_game_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(sys, "stderr", Terminal())
    bar = GameProgress(10, True)

    def fail() -> None:
        with bar:
            bar.to(3)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert bar._bar.disable  # as tqdm marks a bar that is closed
