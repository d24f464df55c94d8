"""Every environment can be played: regret is certified, and below the theorem's bound where the theorem applies."""

import numpy as np
import pytest
from environment_examples import EXAMPLES

import oco
from oco.needs import GRADIENT


@pytest.mark.parametrize("example", EXAMPLES)
def test_regret_is_certified_and_below_the_bound(example):
    game = EXAMPLES[example]
    learner = oco.AdaGradNorm() if game.domain.bounded else oco.AdaGradNorm(learning_rate=0.5)
    if GRADIENT not in game.gives:
        learner = oco.learners.TwoPointBandit()
    record = oco.play(game, learner, seed=2, checkpoints=[20, min(150, game.horizon)])
    assert np.isfinite(record.cumulative_loss)
    assert record.regret.lower <= record.regret.upper
    if record.bound is not None and record.bound.valid:
        assert record.regret.upper <= record.bound.value
        assert record.regret.width <= 0.05 * record.bound.value
