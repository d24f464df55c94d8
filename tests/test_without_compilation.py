"""What rests on Numba: a range of its versions, and nothing else. Without compilation all is the same, and slow."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]

PROGRAM = """
import numba, numpy as np, oco
from oco.learners import _sketched, plain
from oco.losses import Logistic, RowBlock
from scipy import sparse
assert numba.config.DISABLE_JIT
rows = np.random.default_rng(0).standard_normal((20, 6)) * np.arange(1, 7) ** -0.7
for radius in (0.2, np.inf):
    domain = oco.Unbounded(6) if radius == np.inf else oco.Ball(radius, dimension=6)
    for learner, definition in (
        (oco.FDAdaGrad(2, 0.3), plain.FDAdaGrad(6, 2, 0.3, radius)),
        (oco.FTSL(2, 0.3, 0.4), plain.FTSL(6, 2, 0.3, radius, 0.4)),
        (oco.FDSON(2), plain.SketchedSON(6, 2, 0.0, 0.5, radius=radius)),
    ):
        learner.start(oco.Problem(domain, 20))
        for row in rows:
            learner.update(row)
            definition.update(row)
        np.testing.assert_allclose(learner.prediction, definition.point, rtol=1e-8, atol=1e-9)
    for learner, squares in (
        (oco.OGD(0.1), lambda seen: np.full(6, len(seen))),
        (oco.AdaGradNorm(0.1), lambda seen: np.full(6, np.sum(seen**2))),
        (oco.DiagonalAdaGrad(0.1), lambda seen: np.sum(seen**2, axis=0)),
    ):
        learner.start(oco.Problem(domain, 20))
        point = np.zeros(6)
        for t, row in enumerate(rows, 1):
            learner.update(row)
            metric = np.sqrt(squares(rows[:t]))
            point = plain.project(point - 0.1 * row / metric, metric, np.eye(6), 0.0, radius)
            np.testing.assert_allclose(learner.prediction, point, rtol=1e-8, atol=1e-9)
    for learner in (oco.OGD(0.1), oco.AdaGradNorm(0.1), oco.DiagonalAdaGrad(0.1), oco.FDAdaGrad(2, 0.3)):
        points = []
        for made, long in ((rows, 128), (sparse.csr_array(rows), 128), (sparse.csr_array(rows), 1)):
            _sketched.LONG = long  # where blocks of CSR rows are nested
            learner.start(oco.Problem(domain, 20))
            learner.play_block(RowBlock(Logistic(), made, np.ones(20)))
            points.append(learner.prediction.copy())
        np.testing.assert_allclose(points[1], points[0], rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(points[2], points[0], rtol=1e-8, atol=1e-9)
print("played")
"""


def numba_requirement() -> Requirement:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options"]["install_requires"].split("\n")
    return next(Requirement(line) for line in lines if line.startswith("numba"))


def test_numba_has_a_ceiling_and_is_below_it() -> None:
    specifiers = numba_requirement().specifier
    assert any(specifier.operator == "<" for specifier in specifiers)
    assert version("numba") in specifiers


def test_without_compilation_learners_are_their_definitions() -> None:
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    assert subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout == "played\n"
