"""Packages outside of this repository: a directory with modules and what an installation leaves beside them."""

from __future__ import annotations

from pathlib import Path

LAZY = """
import oco

class LazyDescent(oco.Learner):
    def __init__(self, learning_rate=0.1):
        self.learning_rate = learning_rate

    def start(self, problem):
        self.domain = problem.domain
        self.state = {"point": problem.domain.start, "round": 0}

    def update(self, gradient):
        self.state["round"] += 1
        step = self.learning_rate / self.state["round"] ** 0.5
        self.state["point"] = self.domain.project(self.state["point"] - step * gradient)
"""
"""A learner of fifteen lines, as the docs show it."""


def install(directory: Path, package: str, modules: dict[str, str], entry_points: str, version: str = "1.2") -> Path:
    """What ``pip install`` leaves: modules, and a dist-info directory with the entry points."""
    directory.mkdir(exist_ok=True)
    for name, text in modules.items():
        (directory / f"{name}.py").write_text(text)
    home = directory / f"{package.replace('-', '_')}-{version}.dist-info"
    home.mkdir(parents=True)
    (home / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    (home / "entry_points.txt").write_text(entry_points)
    (home / "top_level.txt").write_text("\n".join(modules) + "\n")
    return directory
