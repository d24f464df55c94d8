"""The files of ``oco new learner``."""

from __future__ import annotations

from pathlib import Path

from oco.errors import ConfigError
from regret_experiments.store.files import write_atomic

LEARNER = '''"""A learner to start from: replace the step, and say what is kept and what is promised."""

import oco


class {class_name}(oco.Learner):
    """Projected gradient descent, ``x_{{t+1}} = P(x_t - learning_rate g_t / sqrt(t))``."""

    name = "{name}"
    source = "the paper, and the theorem or equation"
    guarantee = "the regret bound in one line, with its assumptions"

    def __init__(self, learning_rate=0.1):
        self.learning_rate = learning_rate

    def start(self, problem):
        self.domain = problem.domain
        self.state = {{"point": problem.domain.start, "round": 0}}  # all that is carried from round to round

    def update(self, gradient):
        self.state["round"] += 1
        step = self.learning_rate / self.state["round"] ** 0.5
        self.state["point"] = self.domain.project(self.state["point"] - step * gradient)

    def memory(self, problem):
        return oco.learners.Memory("d + 1", problem.domain.dimension + 1)
'''

TEST = '''"""The rules that every learner obeys, and what is special about this one."""

import numpy as np
import oco
from oco.checks import parametrize_with_checks

from {name} import {class_name}


@parametrize_with_checks([{class_name}(), {class_name}(learning_rate=1.0)])
def test_obeys_the_rules(check):
    check()


def test_the_first_step():
    learner = {class_name}(learning_rate=0.5)
    learner.start(oco.Problem(domain=oco.Ball(radius=10.0, dimension=2), horizon=5))
    learner.update(np.array([2.0, 0.0]))
    np.testing.assert_allclose(learner.prediction, [-1.0, 0.0])
'''

PROJECT = """[build-system]
requires = ["setuptools>=64"]
build-backend = "setuptools.build_meta"

[project]
name = "{package}"
version = "0.1.0"
dependencies = ["oco-regret"]

[project.entry-points."oco.learners"]
{name} = "{name}:{class_name}"

[tool.setuptools]
py-modules = ["{name}"]
"""


def class_name(name: str) -> str:
    """``LazyDescent`` for ``lazy_descent``."""
    return "".join(part.capitalize() for part in name.split("_"))


def write_learner(name: str, directory: Path) -> list[Path]:
    """Write a package with a learner called ``name`` into ``directory``; return its files.

    Raises
    ------
    ConfigError
        If one of the files is there already.
    """
    texts = {f"{name}.py": LEARNER, f"test_{name}.py": TEST, "pyproject.toml": PROJECT}
    for file in texts:
        if (directory / file).exists():
            raise ConfigError(f"{directory / file} is there already, and would be overwritten")
    words = {"name": name, "class_name": class_name(name), "package": name.replace("_", "-")}
    files = [(directory / file, text.format(**words).encode()) for file, text in texts.items()]
    write_atomic(*files)
    return [path for path, _ in files]
