"""Without pandas, Matplotlib and scikit-learn games are played; what is declared for pip and for conda agrees."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import oco

ROOT = Path(__file__).parents[2]
EXPERIMENTS = ("pandas", "matplotlib", "sklearn")
HIDDEN = f"""
import sys
for name in {EXPERIMENTS!r}:
    sys.modules[name] = None  # import of it raises ModuleNotFoundError
from regret_experiments.cli import main
main(sys.argv[1:])
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line where those three are not installed."""
    return subprocess.run([sys.executable, "-c", HIDDEN, *arguments], capture_output=True, text=True, check=False)


def test_a_game_is_played() -> None:
    done = run("run", "fd_adagrad", "spectrum_linear", "-l", "rank=2", "-e", "dimension=5", "-e", "horizon=50",
               "-e", "domain.kind=ball", "-e", "domain.radius=1.0")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Theorem 3" in done.stdout
    assert "regret" in done.stdout


@pytest.mark.parametrize("what", ["learners", "environments", "domains"])
def test_parts_are_listed(what: str) -> None:
    done = run(what)
    assert done.returncode == 0, done.stderr
    registry = getattr(getattr(oco, what), what.upper())
    assert set(registry.built_in) <= set(done.stdout.split())


def test_a_command_that_needs_more_says_so() -> None:
    done = run("table", str(ROOT / "results" / "reference"))
    assert done.returncode == 1
    assert done.stderr == ("Error: this needs pandas, which is not installed: pip install pandas\n")


@pytest.mark.parametrize(
    ("data", "package"),
    [("iris", "scikit-learn"), ("rows.svm", "scikit-learn"), ("rows.csv", "pandas")],
)
def test_data_that_needs_more_says_so(data: str, package: str, tmp_path: Path) -> None:
    (tmp_path / "rows.svm").write_text("1 1:0.5 2:1.5\n-1 1:2.0\n")
    (tmp_path / "rows.csv").write_text("a,b,target\n1.0,2.0,1\n3.0,4.0,-1\n")
    done = run("run", "ogd", "logistic_regression", "-e", f"data={data if data == 'iris' else tmp_path / data}")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"read with {package}, which is not installed: pip install {package}" in line


def requirements(text: str) -> set[str]:
    lines = (line.strip().lower() for line in text.splitlines())
    return {line for line in lines if line and not line.startswith("#")}


def declared() -> tuple[set[str], set[str]]:
    """Requirements of a minimal install, and all."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    minimal = requirements((ROOT / "minimal.txt").read_text())
    return minimal, requirements(setup["options"]["install_requires"])


def test_a_minimal_install_leaves_four_packages_out() -> None:
    minimal, all_of_them = declared()
    assert minimal < all_of_them
    left_out = {re.split(r"[<>=]", line)[0] for line in all_of_them - minimal}
    assert left_out == {"pandas", "matplotlib", "scikit-learn", "pillow"}


def test_conda_asks_for_the_same() -> None:
    pip = {line.replace("matplotlib>", "matplotlib-base>") for line in declared()[1]}
    recipe = yaml.safe_load((ROOT / "conda" / "meta.yaml").read_text())
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert {line.replace(" ", "") for line in recipe["requirements"]["run"]} == pip | {"python>=3.11"}
    assert {line.replace(" ", "") for line in environment[:-1]} == pip | {"python>=3.11", "pip"}
    assert recipe["package"]["version"] == oco.__version__
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    scripts = setup["options.entry_points"]["console_scripts"].strip().splitlines()
    assert recipe["build"]["entry_points"] == scripts
