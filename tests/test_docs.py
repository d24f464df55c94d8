"""Documentation: links lead somewhere, what is shown runs, every public name is there, nothing names a machine."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from small_sweeps import play

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "results").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    missing = [name for name in targets if "://" not in name and not (page.parent / name).exists()]
    missing = [name for name in missing if name not in ("api/index", "lessons/index")]  # made by `make docs`
    assert missing == []


def test_the_python_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL):
        exec(compile(block, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "regret" in printed
    assert "Theorem 3" in printed
    assert "mine on logistic_regression" in printed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_a_path_of_one_machine(page: Path) -> None:
    assert not re.search(r"(?<![\w.])/(home|root|work|Users)/", page.read_text())


DOCS = ROOT / "docs"
RUN = sorted(path.name for path in DOCS.glob("*.md") if "```python" in path.read_text())
NEEDS_DATA = {
    "clusters.md": "clusters; the page says what was tried",
    "data.md": "a data set that is not bundled",
    "from_river.md": "river; tests/estimators/test_river.py runs it",
    "shampoo.md": "torch; tests/torch/test_documentation.py runs it",
    "spectra.md": "torch; tests/torch/test_documentation.py runs it",
    "trainers.md": "torch and trainers; tests/torch/test_trainers.py runs it",
    "update_regret.md": "torch; tests/torch/test_documentation.py runs it",
}


SWEEP = """
name: rank_sweep
checkpoints: 5
environments: [{name: ill_conditioned, kind: ill_conditioned_regression, dimension: 5, horizon: 60}]
learners: [{kind: adagrad_norm, learning_rate: [0.1, 1.0]}]
"""


@pytest.fixture(scope="session")
def stored_sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which the sweep that pages talk of is stored."""
    home = tmp_path_factory.mktemp("docs")
    (home / "results").mkdir()
    play(SWEEP, tmp_path_factory.mktemp("played")).rename(home / "results" / "rank_sweep")
    (home / "results" / "rank_sweep" / "table.csv").write_text("learner\n")
    return home


@pytest.mark.parametrize("page", [name for name in RUN if name not in NEEDS_DATA])
def test_the_python_of_a_page_runs(page: str, stored_sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(stored_sweep)
    monkeypatch.setattr(matplotlib, "rcParams", matplotlib.rcParams.copy())
    names: dict[str, Any] = {"__name__": "page"}
    for block in re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), flags=re.DOTALL):
        exec(compile(block, page, "exec"), names)


def test_there_are_twenty_recipes_each_with_code() -> None:
    recipes = (DOCS / "recipes.md").read_text().split("\n## ")[1:]
    assert len(recipes) >= 20
    assert [recipe.partition("\n")[0] for recipe in recipes if "```python" not in recipe] == []


def test_what_extending_shows_passes_the_checks() -> None:
    import numpy as np

    from oco.checks import check_domain, check_environment, check_learner, check_loss
    from oco.losses import RowLoss

    names: dict[str, Any] = {"__name__": "__main__"}
    for block in re.findall(r"```python\n(.*?)```", (DOCS / "extending.md").read_text(), flags=re.DOTALL):
        exec(compile(block, "extending.md", "exec"), names)
    assert len((DOCS / "extending.md").read_text().partition("```python")[2].partition("```")[0].splitlines()) <= 17
    check_learner(names["LazyDescent"]())
    check_domain(names["UnitBall"](dimension=3))
    check_environment(names["Drifting"]())
    points = np.random.default_rng(0).standard_normal((6, 3))
    check_loss(RowLoss(names["LogCosh"](), np.array([1.0, -2.0, 0.5]), 0.3), points)


def test_every_page_is_in_the_menu() -> None:
    listed = set(re.findall(r"^([\w/]+)$", (DOCS / "index.md").read_text(), flags=re.MULTILINE))
    assert {path.stem for path in DOCS.glob("*.md")} - {"index"} <= listed


def test_every_public_name_has_a_docstring(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="needs the extra: torch")
    pytest.importorskip("river", reason="needs the extra: river")
    monkeypatch.syspath_prepend(DOCS)
    import public_names

    assert public_names.undocumented() == []
    counted = sum(len(module.names) for module in public_names.public_modules())
    assert counted > 200


def test_a_name_without_a_docstring_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="needs the extra: torch")
    pytest.importorskip("river", reason="needs the extra: river")
    monkeypatch.syspath_prepend(DOCS)
    import public_names

    import oco

    def reach(self: object) -> float:
        return 0.0

    reach.__module__ = "oco.domains.ball"
    monkeypatch.setattr(oco.Ball, "reach", reach, raising=False)
    monkeypatch.setattr(oco.OGD, "__doc__", None)
    monkeypatch.setattr(sys.modules["oco.learners"], "__all__", [*oco.learners.__all__, "Undescribed"])
    monkeypatch.setattr(oco.learners, "Undescribed", type("Undescribed", (), {}), raising=False)
    assert set(public_names.undocumented()) == {
        "oco.OGD",
        "oco.Ball.reach",
        "oco.learners.OGD",
        "oco.learners.Undescribed",
        "oco.domains.Ball.reach",
    }


def test_lessons_are_played_again_if_and_only_if_a_package_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(DOCS)
    from stale_lessons import forget_stale

    package, built = tmp_path / "package", tmp_path / "lessons"
    (package / "inner").mkdir(parents=True)
    (package / "inner" / "part.py").write_text("x = 1")
    mark = built / "lesson_01.py.md5"
    forget_stale(built, [package])  # a site that was never built
    mark.write_text("")
    (package / "inner" / "part.pyc").write_text("compiled")
    forget_stale(built, [package])
    assert mark.exists()
    for change in (
        lambda: (package / "inner" / "part.py").write_text("x = 2"),
        lambda: (package / "inner" / "part.py").rename(package / "part.py"),
        lambda: (package / "table.json").write_text("{}"),
        lambda: (package / "table.json").unlink(),
    ):
        change()
        forget_stale(built, [package])
        assert not mark.exists()
        mark.write_text("")
        forget_stale(built, [package])
        assert mark.exists()


def test_the_picture_of_the_architecture_is_up_to_date() -> None:
    picture = runpy.run_path(str(DOCS / "draw_architecture.py"))["picture"]()
    assert (DOCS / "figures" / "architecture.svg").read_text() == picture, "run: python docs/draw_architecture.py"
