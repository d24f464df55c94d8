"""A stranger's package, outside of the repository: its parts are used like built-in ones, everywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from outside_packages import LAZY, install

import regret_experiments

LOSS = """
import numpy as np
from oco.losses import ScalarLoss

class LogCosh(ScalarLoss):
    name = "log_cosh"

    def values_and_derivatives(self, margins, targets):
        errors = margins - targets
        return np.logaddexp(errors, -errors) - np.log(2.0), np.tanh(errors)
"""
DOMAIN = """
import oco

class UnitBall(oco.Ball):
    name = "unit_ball"

    def __init__(self, dimension=None):
        super().__init__(radius=1.0, dimension=dimension)

    def describe(self):
        return {"name": self.name}
"""
ENVIRONMENT = """
import numpy as np
import oco
from oco.environments import RowStream
from oco.losses import RowBlock, Squared

class Sines(RowStream):
    name = "sines"
    loss = Squared()

    def __init__(self, horizon=50, domain=None):
        self.horizon = horizon
        self.domain = (domain or oco.Ball(radius=1.0)).with_shape((3,))
        self.restart(0)

    def restart(self, seed):
        super().restart(seed)
        self.seed = seed

    def block(self, start, stop):
        t = np.arange(start, stop)
        rows = np.sin(np.outer(t + 1.0, [1.0, 2.0, 3.0]) + self.seed)
        return RowBlock(self.loss, rows, rows @ [0.1, 0.2, 0.3])
"""
CONFIG = """
name: outside
checkpoints: 5
environments:
  - {name: sines, kind: sines, horizon: 60, domain: {kind: unit_ball}}
  - {name: own loss, kind: generalized_linear, data: iris, loss: log_cosh, max_rows: 40, domain: {kind: unit_ball}}
learners:
  - {kind: lazy_descent, learning_rate: [0.1, 1.0]}
  - {kind: adagrad_norm}
"""
ENTRY_POINTS = """
[oco.learners]
lazy_descent = outside:LazyDescent
[oco.losses]
log_cosh = outside:LogCosh
[oco.domains]
unit_ball = outside:UnitBall
[oco.environments]
sines = outside:Sines
"""
MODULE = LAZY + LOSS + DOMAIN + ENVIRONMENT


def assert_it_is_everywhere(results: Path, command: Any) -> None:
    runs = regret_experiments.load(results).runs
    assert list(runs["status"]) == ["finished"] * 6
    assert set(runs["learner"]) == {"lazy_descent", "adagrad_norm"}
    assert (runs["regret_upper"] - runs["regret_lower"] >= 0.0).all()
    assert set(pd.read_csv(results / "table.csv")["learner"]) == {"lazy_descent", "adagrad_norm"}
    assert "lazy_descent" in command("table", results).stdout
    drawn = command("plot", results, "memory", "-o", results / "memory.svg")
    assert drawn.returncode == 0, drawn.stderr
    assert "lazy descent" in (results / "memory.svg").read_text()
    assert command("report", results, "-o", results / "page.html").returncode == 0
    assert "lazy_descent" in (results / "page.html").read_text()


def test_an_installed_package(tmp_path: Path, shell: Any, shells: Any, command: Any) -> None:
    site = install(tmp_path / "site", "outside", {"outside": MODULE}, ENTRY_POINTS, "3.1")
    config = tmp_path / "outside.yaml"
    config.write_text(CONFIG)
    results = tmp_path / "r"
    swept = shell("sweep", config, "--results", results, "--jobs", 2, path=(site,))
    assert swept.returncode == 0, swept.stderr + swept.stdout
    assert_it_is_everywhere(results, command)
    checked, planned, learners = shells(("check", results), ("plan", config), ("learners",), path=(site,))
    assert checked.returncode == 0, checked.stderr
    assert "2 streams" in checked.stdout
    plan = json.loads((results / "plan.json").read_text())
    assert set(plan["plugins"]) == {"learner lazy_descent", "environment sines", "loss log_cosh", "domain unit_ball"}
    for origin in plan["plugins"].values():
        assert (origin["distribution"], origin["version"]) == ("outside", "3.1")
    assert "learner lazy_descent is from outside 3.1" in planned.stdout
    assert "lazy_descent\n  from    outside 3.1 (outside:LazyDescent)" in learners.stdout
    # an edited learner is another one: what was played with the old one does not stand for it
    (site / "outside.py").write_text(MODULE.replace("** 0.5", "** 0.75"))
    again = shell("sweep", config, "--results", results, "--jobs", 1, "--no-figures", path=(site,))
    assert "6 runs played now" in again.stdout, again.stderr


def test_a_module_given_on_the_command_line(tmp_path: Path, shell: Any, shells: Any) -> None:
    (tmp_path / "work" / "outside.py").write_text(MODULE)
    config = tmp_path / "outside.yaml"
    config.write_text(CONFIG)
    results = tmp_path / "r"
    swept = shell("sweep", config, "--results", results, "--jobs", 2, "--plugin", "outside")
    assert swept.returncode == 0, swept.stderr + swept.stdout
    assert list(regret_experiments.load(results).runs["status"]) == ["finished"] * 6
    without, checked = shells(("check", results), ("check", results, "--plugin", "outside"))
    assert checked.returncode == 0
    assert without.returncode == 2
    assert without.stderr.startswith("Error: learner 'lazy_descent' is not known here")
    assert "--plugin outside" in without.stderr
    assert "Traceback" not in without.stderr


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ("kind: evil:Learner", "learners[0].kind: a config names a learner and never code, got 'evil:Learner'"),
        ("kind: os.path", "learners[0].kind: a config names a learner and never code, got 'os.path'"),
        ("kind: ogd\n    plugin: evil", "learners[0].plugin: unknown key"),
        ("kind: ogd\nplugins: [evil]", "plugins: unknown key"),
        ("kind: lazy", "learners[0].kind: there is no learner 'lazy'"),
    ],
)
def test_a_config_alone_imports_nothing(config: str, sentence: str, tmp_path: Path, command: Any) -> None:
    (tmp_path / "work" / "evil.py").write_text("open('imported', 'w')")
    path = tmp_path / "c.yaml"
    path.write_text(f"name: x\nenvironments:\n  - {{kind: coordinate_game}}\nlearners:\n  - {config}\n")
    said = command("plan", path)
    assert said.returncode == 2
    assert sentence in said.stderr
    assert not (tmp_path / "work" / "imported").exists()


@pytest.mark.parametrize(
    ("text", "option", "sentence"),
    [
        ("x = 1", "given", "--plugin given: it defines no learner"),
        ("1 / 0", "given", "--plugin given: cannot be imported: ZeroDivisionError: division by zero"),
        ("", "no_such_module_here", "--plugin no_such_module_here: cannot be imported: ModuleNotFoundError"),
        ("", "given.py", "is it 'given'?"),
        (LAZY + "    name = 'adam'\n", "given", "'adam' is offered by both the built-in"),
    ],
)
def test_a_module_that_cannot_be_used_is_one_sentence(
    text: str, option: str, sentence: str, tmp_path: Path, command: Any
) -> None:
    (tmp_path / "work" / "given.py").write_text(text)
    said = command("learners", "--plugin", option)
    assert said.returncode == 2
    assert sentence in said.stderr
    assert "Traceback" not in said.stderr


def test_what_oco_new_writes_passes_as_it_is(tmp_path: Path, shell: Any, command: Any) -> None:
    home = tmp_path / "home"
    assert command("new", "learner", "slow_walk", "--directory", home).returncode == 0
    assert sorted(path.name for path in home.iterdir()) == ["pyproject.toml", "slow_walk.py", "test_slow_walk.py"]
    assert len((home / "slow_walk.py").read_text().splitlines()) <= 30
    checked = shell("check-learner", "slow_walk:SlowWalk", path=(home,))
    assert checked.returncode == 0, checked.stdout
    assert "memory_formula: passed" in checked.stdout
    tested = shell("-q", "-p", "no:cacheprovider", home, path=(home,), module="pytest")
    assert tested.returncode == 0, tested.stdout
    twice = command("new", "learner", "slow_walk", "--directory", home)
    assert twice.returncode == 2
    assert "is there already" in twice.stderr


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("ogd", "there is a learner 'ogd' already (built in)"),
        ("json", "there is a module 'json' already"),
        ("Slow-Walk", "a learner's name is in snake case"),
        ("class", "a learner's name is in snake case"),
    ],
)
def test_names_that_cannot_be(name: str, sentence: str, command: Any) -> None:
    said = command("new", "learner", name)
    assert said.returncode == 2
    assert sentence in said.stderr
