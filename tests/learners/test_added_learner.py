"""A learner is added to the library in two files: its own, and the list of learners."""

from __future__ import annotations

from pathlib import Path

from changed_copy import ChangedCopy

OWN = '''"""Gradient descent that never moves far."""

from __future__ import annotations

from oco.learners.base import Learner, Look, Problem
from oco.types import Array


class Timid(Learner):
    """``x_{t+1} = P(x_t - rate g_t / 10)``."""

    name = "timid"
    source = "nobody"
    examples = ({"rate": 0.5},)
    look = Look("Timid", "#123456", "x")

    def __init__(self, rate: float = 1.0) -> None:
        self.rate = rate

    def start(self, problem: Problem) -> None:
        """The domain's start."""
        self._domain = problem.domain
        self.state = {"point": problem.domain.start}

    def update(self, gradient: Array) -> None:
        """One short step."""
        self.state["point"] = self._domain.project(self.state["point"] - 0.1 * self.rate * gradient)
'''
PROGRAM = """
import numpy as np, oco, oco.learners
from oco.checks import check_learner
from regret_experiments.config.schema import json_schema
from regret_experiments.figures.style import learner_style
from regret_experiments.plan.building import build_learner
assert "Timid" in oco.__all__ and "Timid" in oco.learners.__all__
assert oco.Timid is oco.learners.Timid is oco.learners.LEARNERS["timid"]
assert repr(build_learner("timid", {"rate": 2.0})) == "Timid(rate=2.0)"
assert (learner_style("timid").label, learner_style("timid").color) == ("Timid", "#123456")
assert "timid" in json_schema()["$defs"]["LearnerEntry"]["properties"]["kind"]["examples"]
learner = oco.Timid(rate=2.0)
learner.start(oco.Problem(oco.Unbounded(2), horizon=9))
learner.update(np.array([1.0, -5.0]))
print(learner.prediction.tolist())
"""


def test_a_learner_is_two_files(tmp_path: Path) -> None:
    copy = ChangedCopy(tmp_path)
    copy.write("oco/learners/timid.py", OWN)
    line = "from oco.plugins import Registry\n"
    copy.replace("oco/learners/__init__.py", line, "from oco.learners.timid import Timid as Timid\n" + line)
    assert copy.say(PROGRAM) == "[-0.2, 1.0]"
    assert copy.changed == {"oco/learners/__init__.py", "oco/learners/timid.py"}
