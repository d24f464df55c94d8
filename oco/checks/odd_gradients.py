"""Checks that a learner handles gradients that are zero, repeated, tiny or huge."""

from __future__ import annotations

import numpy as np

from oco.checks.failure import require
from oco.checks.playing import gradients_on, points_of, require_feasible
from oco.domains.base import Domain
from oco.learners.base import Learner
from oco.types import Array


def check_odd_gradients(learner: Learner, domain: Domain) -> None:
    """Points stay finite after zero and repeated gradients, in the first round, in the middle and many in a row."""
    direction, zeros = gradients_on(domain)[0], np.zeros((9, *domain.shape))
    _require_finite(learner, domain, "zero", zeros)
    _require_finite(learner, domain, "repeated", np.array([direction] * 6))
    _require_finite(learner, domain, "zero at first", np.concatenate([zeros[:2], [direction] * 3]))
    between = np.concatenate([[direction], zeros, -2.0 * gradients_on(domain)[:3]])
    _require_finite(learner, domain, "zero between others", between)


def check_scales(learner: Learner, domain: Domain) -> None:
    """Points stay finite after tiny and huge gradients."""
    _require_finite(learner, domain, "tiny (1e-150)", 1e-150 * gradients_on(domain)[:6])
    _require_finite(learner, domain, "huge (1e150)", 1e150 * gradients_on(domain)[:6])


def _require_finite(learner: Learner, domain: Domain, kind: str, gradients: Array) -> None:
    with np.errstate(all="ignore"):
        points = points_of(learner, domain, gradients)
    for round_index, point in enumerate(points, start=1):
        require(
            np.isfinite(point).all(),
            f"{kind} gradients made the point of round {round_index} infinite or NaN: guard the division, and scale "
            "before squaring",
        )
        require_feasible(point, domain, round_index)
