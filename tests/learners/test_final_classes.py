"""A learner is a final class: it inherits from `Learner` alone, and what it shares with others it holds."""

from __future__ import annotations

import pytest

from oco.learners import LEARNERS, Learner

SKETCHED = {
    "fd_adagrad", "full_matrix_adagrad", "primal_dual_full_matrix_adagrad", "ada_fd", "ada_ffd", "primal_dual_ada_fd",
    "ftsl", "ftfsl", "fd_son", "rfd_son",
}  # fmt: skip
"""The family that still inherits from a common class."""


@pytest.mark.parametrize("name", sorted(set(LEARNERS.built_in) - SKETCHED))
def test_a_learner_inherits_from_the_base_class_alone(name: str) -> None:
    assert LEARNERS[name].__bases__ == (Learner,)
