"""Checks of a learner; each failure is a sentence with the likely cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from oco.checks.failure import Check, bind
from oco.checks.learner_state import check_float64, check_memory_formula, check_pickles, check_state_is_all
from oco.checks.odd_gradients import check_odd_gradients, check_scales
from oco.checks.peeking import check_sees_only_what_it_is_shown
from oco.checks.playing import started
from oco.checks.regret import check_regret_below_bound
from oco.checks.rules import (
    check_block_equals_rounds,
    check_causal,
    check_deterministic,
    check_feasible,
    check_independent_instances,
    check_leaves_gradient_alone,
    check_methods,
    check_point_is_not_reused,
    check_start,
    check_uses_gradient_when_revealed,
)
from oco.checks.unchanged import check_play_leaves_learner_unchanged
from oco.domains import Ball, Box
from oco.domains.base import Domain
from oco.errors import ConfigError
from oco.learners.base import Learner

LEARNER_CHECKS: list[Callable[..., None]] = [
    check_methods,
    check_start,
    check_feasible,
    check_deterministic,
    check_independent_instances,
    check_causal,
    check_sees_only_what_it_is_shown,
    check_uses_gradient_when_revealed,
    check_leaves_gradient_alone,
    check_point_is_not_reused,
    check_state_is_all,
    check_pickles,
    check_float64,
    check_odd_gradients,
    check_scales,
    check_memory_formula,
    check_block_equals_rounds,
    check_regret_below_bound,
    check_play_leaves_learner_unchanged,
]
"""All checks of a learner, in the order in which they run."""

DOMAIN_CHECKS: list[Callable[..., None]] = [check_start, check_feasible, check_odd_gradients, check_regret_below_bound]
"""The checks that a learner may pass on one domain and fail on another."""


def check_learner(learner: Learner, domain: Domain | None = None) -> None:
    """Run every check on ``learner``; raise `CheckFailed` at the first failure.

    Parameters
    ----------
    learner
        An instance with the hyper-parameters to check; it is not changed.
    domain
        Domain of the games. By default a ball of radius 2 around a point other than the origin, in five dimensions;
        checks that depend on the domain also use a box that does not contain the origin.

    Examples
    --------
    >>> import oco
    >>> class Greedy(oco.Learner):
    ...     def start(self, problem):
    ...         self.state = {"point": problem.domain.start}
    ...     def update(self, gradient):
    ...         self.state["point"] = self.state["point"] - gradient
    >>> check_learner(Greedy())
    Traceback (most recent call last):
    oco.checks.failure.CheckFailed: the point of round 3 lies outside the domain: project after the step, and onto ...
    """
    for _, check in learner_checks(learner, domain):
        check()


def learner_checks(learner: Learner, domain: Domain | None = None) -> Iterator[tuple[str, Check]]:
    """Every check as ``(name, function)``, for ``pytest.mark.parametrize`` or a notebook's own loop."""
    if domain is not None:
        yield from bind(LEARNER_CHECKS, learner, domain)
        return
    yield from bind(LEARNER_CHECKS, learner, Ball(radius=2.0, center=np.array([0.5, -0.3, 0.2, 0.1, -0.4])))
    box = Box(1.0, 3.0, dimension=5)
    if _plays_on(learner, box):
        for name, check in bind(DOMAIN_CHECKS, learner, box):
            yield f"{name}_on_a_box", check


def _plays_on(learner: Learner, domain: Domain) -> bool:
    try:
        started(learner, domain)
    except ConfigError:
        return False
    return True
