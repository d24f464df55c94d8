"""What a stranger writes to change the packages, and programs that use it; `test_extension_points.py` runs them."""

LEARNER = '''"""Gradient descent that never moves far."""

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
USE_LEARNER = """
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

DOMAIN = '''"""A cube."""

from __future__ import annotations

import numpy as np

from oco.domains.base import Domain
from oco.types import Array

_SIZES = {"l1": 1.0, "l2": 0.5, "linf": 0.0}
"""The norm of a corner is ``radius`` times this power of d."""


class Cube(Domain):
    """``{x : |x|_inf <= radius}``."""

    name = "cube"

    def __init__(self, radius: float = 1.0, dimension: int | None = None) -> None:
        self._radius = radius
        self._shape = self._size_given(dimension)

    @property
    def start(self) -> Array:
        """The origin."""
        return np.zeros(self.shape)

    def contains(self, point: Array, tolerance: float = 1e-9) -> bool:
        """Whether every coordinate is small."""
        return float(np.abs(self._checked(point)).max()) <= self._radius * (1.0 + tolerance)

    def project(self, point: Array) -> Array:
        """Every coordinate cut off."""
        return np.clip(self._checked(point), -self._radius, self._radius)

    def support(self, direction: Array) -> float:
        """``radius |g|_1``."""
        return self._radius * float(np.abs(self._checked(direction)).sum())

    def maximizer(self, direction: Array) -> Array:
        """A corner."""
        return np.where(self._checked(direction) < 0.0, -self._radius, self._radius)

    def diameter(self, norm: str = "l2") -> float:
        """Between two corners."""
        return 2.0 * self.radius(norm)

    def radius(self, norm: str = "l2") -> float:
        """Of a corner."""
        return self._radius * float(self.dimension ** _SIZES[norm])
'''
USE_DOMAIN = """
import numpy as np, oco
from oco.checks import check_domain
assert "Cube" in oco.__all__ and "Cube" in oco.domains.__all__
assert oco.Cube is oco.domains.Cube is oco.domains.DOMAINS["cube"]
cube = oco.domains.from_config({"kind": "cube", "radius": 0.5})
assert repr(cube) == "Cube(radius=0.5)" and oco.spec.spec(cube) == {"kind": "cube", "radius": 0.5, "dimension": None}
check_domain(oco.Cube(0.5, dimension=3))
# The cube has no method of its own for the norm of H. Its nearest point has x_1 = 1/2, and (H (x - y))_2 = 0.
values, vectors = np.linalg.eigh(np.array([[2.0, 1.0], [1.0, 5.0]]))
nearest = oco.Cube(0.5, dimension=2).project_in(np.array([2.0, 0.0]), oco.domains.Dense(vectors, values))
game = oco.environments.LinearLosses(np.array([[-1.0, 2.0], [0.0, 0.0]]), domain=cube, order="file")
record = oco.play(game, oco.FDAdaGrad(rank=1, learning_rate=1.0), comparator=False)
assert record.scalars["rounds"] == 2
print(nearest.round(6).tolist(), game.comparator_curve(np.array([2])).upper.round(9).tolist())
"""

LOSS_BRANCH = """    if code == LOG_COSH:
        return np.logaddexp(error, -error) - math.log(2.0), np.tanh(error)
"""
LOSS_CLASS = '''

@dataclass(frozen=True)
class LogCosh(_RegressionLoss):
    """``phi(p, y) = log cosh(p - y)``."""

    code = LOG_COSH
    name = "log_cosh"

    @property
    def lipschitz(self) -> float:
        """1."""
        return 1.0
'''
USE_LOSS = """
import numpy as np, oco
from oco.environments import GeneralizedLinear
assert "LogCosh" in oco.__all__ and oco.LogCosh is oco.losses.LogCosh is oco.losses.SCALAR_LOSSES["log_cosh"]
rows, targets = np.array([[3.0, 4.0], [0.0, 1.0]]), np.array([1.0, -2.0])
game = GeneralizedLinear(rows, targets, loss="log_cosh", domain=oco.Unbounded(2), order="file")
learner = oco.OGD(learning_rate=0.1, schedule="constant")
record = oco.play(game, learner, comparator=False, spectrum=False)
# The first gradient is tanh(-1) (3, 4), so the second margin is 0.1 * 4 tanh(1).
expected = np.log(np.cosh(1.0)) + np.log(np.cosh(0.4 * np.tanh(1.0) + 2.0))
assert abs(record.scalars["cumulative_loss"] - expected) < 1e-14, (record.scalars["cumulative_loss"], expected)
assert game.gradient_bound == 5.0 * (1.0 + 1e-12)
print(record.scalars["form"])
"""

COLUMN = """    Column(
        "plays", "plays", value=lambda group: 7777 * len(group.asked),
        format=lambda row: f"<{row['plays']}>", compact=lambda row: str(row["plays"]), width=5.0,
    ),
"""
USE_COLUMN = """
import regret_experiments
from matplotlib.figure import Figure
from regret_experiments.figures import ranking_table
from regret_experiments.store.export import csv_text
from regret_experiments.tables import rank_table, table_markdown, table_text
table = rank_table(regret_experiments.load("results").runs)
texts = [text.get_text() for text in ranking_table(table, Figure().subplots()).texts]
shown = [("plays" in text, "7777" in text) for text in (table_text(table), csv_text(table), table_markdown(table))]
print(shown, "<7777>" in table_text(table), texts.count("7777"))
"""

FIGURE = '''"""How much was lost."""

from regret_experiments.figures.kind import Kind


def _losses(panel, axes):
    finals = panel.runs["cumulative_loss"]
    axes.bar(range(len(finals)), finals)
    axes.set_ylabel(f"cumulative loss of {len(finals)} runs")
    return axes


KINDS = {"losses": Kind("cumulative loss of every run", _losses)}
'''
USE_FIGURE = """
from click.testing import CliRunner
from regret_experiments.cli import oco
assert "cumulative loss of every run" in CliRunner().invoke(oco, ["plot", "--help"]).output
print(CliRunner().invoke(oco, ["plot", "results", "losses", "-o", "losses.svg"]).output.strip())
"""

OPTIMIZER = '''"""Steps of one length in every coordinate."""

import torch


class Signed(torch.optim.Optimizer):
    """``w <- w - lr sign(g)``."""

    def __init__(self, params, lr=1e-2):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        """One step."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.sub_(parameter.grad.sign(), alpha=group["lr"])
'''
USE_OPTIMIZER = """
from click.testing import CliRunner
from regret_experiments import load
from regret_experiments.cli import oco
done = CliRunner().invoke(oco, ["train", "training.yaml", "--results", "trained", "-j", "1", "--no-figures"])
assert done.exit_code == 0, done
runs = load("trained").runs
assert set(runs["status"]) == {"finished"} and set(runs["state_floats"]) == {0}
print(len(runs), *set(runs["learner"]))
"""

SOLVER = '''
import numpy as np
from oco.comparators import Comparator, ComparatorCurve
from oco.comparators.solver import Solver
from oco.regret import Certificate
from oco.regret.interval import Interval

EXACT = Certificate.SUPPORT_FUNCTION


class Height:
    """The constant loss."""

    def __init__(self, height):
        self.height = height


class HeightSolver(Solver):
    order = 1

    def taken(self, losses, domain):
        return losses if isinstance(losses, list) and all(hasattr(loss, "height") for loss in losses) else None

    def curve(self, taken, domain, rounds, request):
        totals = np.cumsum([loss.height for loss in taken])[np.array(rounds) - 1]
        found = [Comparator(t, domain.start, Interval(v, v), EXACT, True) for t, v in zip(rounds, totals)]
        return ComparatorCurve(tuple(found), totals)

    def certify(self, taken, domain, point, dual, tolerance):
        return self.curve(taken, domain, [len(taken)], None)[-1]
'''
USE_SOLVER = """
import oco
from oco.comparators import anytime
from oco.comparators.solvers.heights import Height
curve = anytime([Height(1.0), Height(2.5)], oco.Ball(1.0, dimension=2), [1, 2])
print(curve.upper.tolist(), curve.certificate)
"""

USE_FORMAT = """
from click.testing import CliRunner
from regret_experiments import load
from regret_experiments.cli import oco
from regret_experiments.store import Store

def call(*arguments):
    done = CliRunner().invoke(oco, arguments)
    assert done.exit_code == 0, (arguments, done)

def said(directory):
    programs = sorted({run.metadata["program"] for run in Store(directory).runs()})
    return f"{directory} {' '.join(programs)} {len(load(directory).runs)} {len(load(directory).faults)}"

call("sweep", "tiny.yaml", "--results", "results", "--jobs", "1", "--no-figures")
for directory in ("oldest", "results"):
    call("check", directory)
print(", ".join(map(said, ("oldest", "results"))))
"""

CHECK = """    if stored.metadata["seconds"] < 0.0:
        yield "it ended before it began"
"""
USE_CHECK = """
from click.testing import CliRunner
from regret_experiments.cli import oco
from regret_experiments.store import Store
before = CliRunner().invoke(oco, ["check", "results"])
store = Store("results")
run = next(store.runs())
store.write("runs", run.metadata | {"seconds": -1.0}, run.arrays)
after = CliRunner().invoke(oco, ["check", "results"])
sentence = f"run {run.id[:12]} (ogd on spectrum_linear, order 0): it ended before it began"
print(before.exit_code, after.exit_code, sentence in after.output)
"""
