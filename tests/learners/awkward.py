"""Rows that are hard on a sketch, and a learner before its first round, for tests of the forms of the loop."""

from __future__ import annotations

import numpy as np

from oco.learners.base import Problem

DIMENSION = 50


def awkward_rows(rounds=700, seed=0):
    """Sparse rows with zero rows, repeats inside and across blocks, rows in the span of others, and tiny entries."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((rounds, DIMENSION)) * (rng.random((rounds, DIMENSION)) < 0.2)
    rows *= np.logspace(0, -2, DIMENSION)
    rows[5] = rows[3]
    rows[10:14] = 0.0
    rows[40:80] = rows[40]
    rows[100:160] = rng.standard_normal((60, 2))[: len(rows[100:160])] @ rows[:2]
    rows[-2] = rows[-1] * (1.0 + 1e-9)
    targets = np.where(rows @ rng.standard_normal(DIMENSION) + 0.1 * rng.standard_normal(rounds) > 0.0, 1.0, -1.0)
    return rows, targets


def start(learner, domain, rounds):
    learner = learner.fresh()
    learner.start(Problem(domain, rounds))
    return learner
