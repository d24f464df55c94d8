"""Runs of the papers' public reference implementation, to 1e-6: cumulative loss, iterate and escaped mass."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.datasets import load_svmlight_file

import oco
from oco.learners.base import Problem
from oco.losses.rows import RowBlock
from oco.losses.scalar import Logistic

pytestmark = [pytest.mark.golden, pytest.mark.data]

LEARNERS = {
    "OGD": lambda case: oco.OGD(learning_rate=case["lr"]),
    "ADA": lambda case: oco.DiagonalAdaGrad(learning_rate=case["lr"], delta=case["delta"]),
    "S_ADA": lambda case: oco.FDAdaGrad(rank=case["sketch_size"] - 1, learning_rate=case["lr"], delta=case["delta"]),
}


def with_constant(rows):
    return np.ascontiguousarray(np.hstack([rows.toarray(), np.ones((rows.shape[0], 1))]))


@pytest.fixture(scope="module")
def a9a(data_directory):
    rows, labels = load_svmlight_file(str(data_directory / "a9a.bz2"), n_features=123)
    return with_constant(rows), np.where(labels > 0, 1.0, -1.0)


@pytest.fixture(scope="module")
def mushrooms(data_directory):
    rows, labels = load_svmlight_file(str(data_directory / "mushrooms.bz2"), n_features=112)
    order = np.random.default_rng(0).permutation(8124)[:3000]
    return with_constant(rows[order]), np.where(labels[order] == 2, 1.0, -1.0)


def play(learner, rows, targets, stops):
    """Cumulative loss, mistakes, norm of the iterate and escaped mass after each number of rounds in ``stops``."""
    learner.start(Problem(oco.Unbounded(rows.shape[1]), len(targets)))
    curves, loss, mistakes, before = [], 0.0, 0, 0
    for stop in stops:
        outcome = learner.play_block(RowBlock(Logistic(), rows[before:stop], targets[before:stop]))
        assert outcome.stopped == -1
        loss += outcome.losses.sum()
        mistakes += np.count_nonzero((outcome.margins > 0.0) != (targets[before:stop] > 0.0))
        curves.append((loss, mistakes, np.linalg.norm(learner.prediction), getattr(learner, "escaped_mass", 0.0)))
        before = stop
    return np.array(curves).T


def test_cases_of_ours_are_all_here(golden_directory):
    cases = json.loads((golden_directory / "oco_reference.json").read_text())["cases"]
    assert sum(case["algorithm"] in LEARNERS for case in cases) == 17


@pytest.mark.parametrize("index", range(17))
def test_reference_run(index, golden_directory, a9a, mushrooms):
    cases = json.loads((golden_directory / "oco_reference.json").read_text())["cases"]
    case = [case for case in cases if case["algorithm"] in LEARNERS][index]
    rows, targets = mushrooms if case["dataset"].startswith("mushrooms") else a9a
    learner = LEARNERS[case["algorithm"]](case)
    losses, mistakes, norms, escaped = play(learner, rows, targets, case["rounds"])
    point = learner.prediction
    assert losses == pytest.approx(case["cumulative_loss"], rel=1e-6)
    assert np.array_equal(mistakes, case["mistakes"])
    assert norms == pytest.approx(case["w_norm"], rel=1e-6)
    assert point[:5] == pytest.approx(case["w_first5"], rel=1e-6)
    assert point.sum() == pytest.approx(case["w_sum"], rel=1e-6)
    if "alpha" in case:
        assert escaped + case["delta"] == pytest.approx(case["alpha"], rel=1e-6)


def test_delta_zero_where_the_reference_inverts_round_off(a9a):
    """The paper's own setting (delta 0, lr 0.01, sketch size 10): the reference's average loss is 9e12."""
    rows, targets = a9a
    losses, mistakes, _, _ = play(oco.FDAdaGrad(rank=9, learning_rate=0.01), rows, targets, [len(targets)])
    assert losses[-1] / len(targets) < 0.45
    assert mistakes[-1] / len(targets) < 0.25
