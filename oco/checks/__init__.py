"""Conformance checks for learners, domains, losses, sketches and environments, including those of users.

Each ``check_X(thing)`` raises `CheckFailed` with one sentence that names the fault and the likely cause; each
``X_checks(thing)`` gives the same checks as ``(name, function)`` pairs, and `parametrize_with_checks` makes a pytest
test of every one of them. `exercise` and `check_answer` are for courses with self-checking exercises.
"""

from oco.checks.domain import check_domain, domain_checks
from oco.checks.environment import check_environment, environment_checks
from oco.checks.exercises import Outcome, answer_digest, check_answer, exercise, recorded_exercises
from oco.checks.failure import CheckFailed
from oco.checks.learner import check_learner, learner_checks
from oco.checks.loss import check_loss, loss_checks
from oco.checks.parametrize import parametrize_with_checks
from oco.checks.sketch import check_sketch, sketch_checks

__all__ = [
    "CheckFailed",
    "Outcome",
    "answer_digest",
    "check_answer",
    "check_domain",
    "check_environment",
    "check_learner",
    "check_loss",
    "check_sketch",
    "domain_checks",
    "environment_checks",
    "exercise",
    "learner_checks",
    "loss_checks",
    "recorded_exercises",
    "parametrize_with_checks",
    "sketch_checks",
]
