"""Wheel and sdist: what is in them, and that the wheel works in an empty environment, away from the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

GAME = """
import oco
rows = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
game = oco.environments.LinearLosses(rows, domain=oco.Ball(radius=1.0))
print(oco.play(game, oco.AdaGradNorm()))
print(oco.__file__)
"""
CONFIG = """
name: tiny
checkpoints: 3
environments: [{kind: coordinate_game, dimension: 3, horizon: 30}]
learners: [{kind: adagrad_norm}]
"""


def run(command: list[object], directory: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command], cwd=directory, env=environment, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist, and the wheel that is built from it."""
    source, target = tmp_path_factory.mktemp("source") / "oco", tmp_path_factory.mktemp("dist")
    run(["git", "clone", "--quiet", ROOT, source], ROOT)
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", target, source], target)
    (sdist,) = target.glob("*.tar.gz")
    (wheel,) = target.glob("*.whl")
    return sdist, wheel


def test_the_wheel_holds_the_packages_and_their_data_only(built: tuple[Path, Path]) -> None:
    names = zipfile.ZipFile(built[1]).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name and ".data/" not in name} == {
        "oco",
        "regret_experiments",
    }
    for data in (
        "oco/py.typed",
        "oco/datasets/registry.toml",
        "regret_experiments/py.typed",
        "regret_experiments/report/assets/",
        "regret_experiments/lessons/assets/",
        "oco/checks/hints.json",
    ):
        assert any(name.startswith(data) and not name.endswith("/") for name in names), data
    assert not [name for name in names if name.rpartition("/")[2].startswith(("test_", "conftest"))]
    sources = (path for package in ("oco", "regret_experiments") for path in (ROOT / package).rglob("*.py"))
    tracked = {path.relative_to(ROOT).as_posix() for path in sources}
    assert tracked <= set(names)


def test_lessons_are_installed_without_their_solutions(built: tuple[Path, Path]) -> None:
    names = zipfile.ZipFile(built[1]).namelist()
    with tarfile.open(built[0]) as sdist:
        names += sdist.getnames()
    lessons = {path.name for path in (ROOT / "lessons").glob("lesson_*.py")}
    assert lessons <= {name.rpartition("/")[2] for name in names if "/lessons/lesson_" in name}
    assert [name for name in names if "solution" in name] == []


def test_the_sdist_builds_and_tells_the_licence(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"LICENSE", "README.md", "setup.cfg", "pyproject.toml", "oco/game.py"} <= names


def test_the_wheel_works_in_an_empty_environment(built: tuple[Path, Path], tmp_path: Path) -> None:
    home = tmp_path / "venv"
    run([sys.executable, "-m", "venv", home], tmp_path)
    python = home / "bin" / "python"
    run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", built[1]], tmp_path)
    # The dependencies come from the environment that runs the tests; of this project nothing does, as .pth files of
    # editable installs are not read there.
    packages = Path(run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], tmp_path).strip())
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    assert run([home / "bin" / "oco", "--version"], tmp_path).startswith("oco, version")
    played = run([python, "-c", GAME], tmp_path)
    assert "regret" in played
    assert str(packages) in played
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    assert "1 runs played now" in run([home / "bin" / "oco", "sweep", "tiny.yaml", "--jobs", "1"], tmp_path)
    run([home / "bin" / "oco", "report", "results/tiny"], tmp_path)
    assert (tmp_path / "results" / "tiny" / "report.html").stat().st_size > 10_000
    assert "logistic_regression" in run([home / "bin" / "oco", "environments"], tmp_path)
