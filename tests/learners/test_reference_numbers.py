"""Cumulative results of the public reference implementation on real data, reached by ours in its parametrization."""

from __future__ import annotations

import bz2
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_svmlight_file

from oco.domains import Unbounded
from oco.learners import FDSON, OGD, RFDSON, AdaFD, DiagonalAdaGrad, FDAdaGrad, Problem
from oco.learners.base import Learner
from oco.losses import Logistic, RowBlock
from oco.types import Array

FILE = Path(os.environ.get("OCO_DATA_DIR", "nowhere")).parent / "golden" / "oco_reference.json"
CASES = json.loads(FILE.read_text())["cases"] if FILE.is_file() else []
FEATURES = {"a9a": 123, "mushrooms": 112}

LEARNERS: dict[str, Callable[[int, float, float], Learner]] = {
    "OGD": lambda rank, lr, delta: OGD(learning_rate=lr),
    "ADA": lambda rank, lr, delta: DiagonalAdaGrad(learning_rate=lr, delta=delta),
    "S_ADA": lambda rank, lr, delta: FDAdaGrad(rank, learning_rate=lr, delta=delta),
    "ADA_FD": lambda rank, lr, delta: AdaFD(rank, learning_rate=lr, ridge=delta),
    "FD_SON": lambda rank, lr, delta: FDSON(rank, learning_rate=lr, ridge=delta, exponent=0.5),
    "RFD_SON": lambda rank, lr, delta: RFDSON(rank, learning_rate=lr, ridge=delta, exponent=1.0),
}
PUT_BACK = {"S_ADA": 1.0, "RFD_SON": 0.5}
"""How much of the escaped mass the reference adds to its alpha, which starts at delta."""


@cache
def rows_and_labels(directory: Path, name: str) -> tuple[Array, Array]:
    """Dense rows with a constant feature last, labels -1 and 1, in the order of the protocol."""
    with bz2.open(directory / f"{name}.bz2") as file:
        rows, labels = load_svmlight_file(file, n_features=FEATURES[name])
    dense = np.hstack([rows.toarray(), np.ones((rows.shape[0], 1))])
    if name == "mushrooms":
        order = np.random.default_rng(0).permutation(8124)[:3000]
        return dense[order], np.where(labels[order] == 2, 1.0, -1.0)
    return dense, np.where(labels > 0, 1.0, -1.0)


@pytest.mark.golden
@pytest.mark.skipif(not CASES, reason="needs the reference numbers beside OCO_DATA_DIR")
@pytest.mark.parametrize("number", range(max(1, len(CASES))))
def test_reference_run(number: int, data_directory: Path) -> None:
    case: dict[str, Any] = CASES[number]
    rows, labels = rows_and_labels(data_directory, case["dataset"].partition("[")[0].partition("(")[0])
    learner = LEARNERS[case["algorithm"]](case["sketch_size"] - 1, case["lr"], case["delta"])
    learner.start(Problem(Unbounded(rows.shape[1]), case["rounds"][-1]))
    loss, begin, curves = 0.0, 0, []
    for end in case["rounds"]:
        loss += play_rows(learner, rows[begin:end], labels[begin:end])
        alpha = case["delta"] + PUT_BACK.get(case["algorithm"], 0.0) * getattr(learner, "escaped_mass", 0.0)
        curves.append((loss, float(np.linalg.norm(learner.prediction)), alpha))
        begin = end
    losses, norms, alphas = np.array(curves).T
    np.testing.assert_allclose(losses, case["cumulative_loss"], rtol=1e-6)
    np.testing.assert_allclose(norms, case["w_norm"], rtol=1e-6)
    np.testing.assert_allclose(
        learner.prediction[:5], case["w_first5"], rtol=1e-6, atol=1e-6 * float(np.abs(learner.prediction).max())
    )
    if "alpha" in case:
        np.testing.assert_allclose(alphas, case["alpha"], rtol=1e-6)


def play_rows(learner: Learner, rows: Array, labels: Array) -> float:
    """The sum of losses, through the compiled loop where there is one."""
    outcome = learner.play_block(RowBlock(Logistic(), np.ascontiguousarray(rows), labels))
    assert outcome is not None
    assert outcome.stopped == -1
    return float(outcome.losses.sum())
