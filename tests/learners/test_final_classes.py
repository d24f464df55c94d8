"""A learner is a final class: it inherits from `Learner` alone, and what it shares with others it holds."""

from __future__ import annotations

import pytest

from oco.learners import LEARNERS, Learner


@pytest.mark.parametrize("name", sorted(LEARNERS.built_in))
def test_a_learner_inherits_from_the_base_class_alone(name: str) -> None:
    assert LEARNERS[name].__bases__ == (Learner,)
