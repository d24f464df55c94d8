"""The separations that theory promises show up in regret, with learning rates tuned on a grid.

Every game here has a point of the domain without any loss and losses that are not negative, so that the regret is the
cumulative loss itself.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import oco
from oco.environments import (
    AgainstRank,
    CoordinateGame,
    IllConditionedRegression,
    OrthonormalLosses,
    SpectrumLinear,
)
from oco.environments.spectra import LowRank


def tuned_regret(game, make, rates, seed=0):
    def loss(rate):
        settings = {"seed": seed, "comparator": False, "spectrum": False, "checkpoints": 1}
        return oco.play(game, make(rate), **settings).cumulative_loss

    return min(loss(rate) for rate in rates)


def ogd(rate):
    return oco.OGD(learning_rate=rate)


def sketched(rank):
    return lambda rate: oco.FDAdaGrad(rank=rank, learning_rate=rate)


def test_on_rotated_ill_conditioned_regression_full_beats_diagonal_and_the_rank_spans_the_gap():
    game = IllConditionedRegression(64, 4000)
    rates = np.geomspace(0.01, 0.1, 4)
    full = tuned_regret(game, oco.FullMatrixAdaGrad, rates[1:3])
    diagonal = tuned_regret(game, oco.DiagonalAdaGrad, rates)
    plain = tuned_regret(game, ogd, rates)
    assert full <= 0.6 * diagonal
    assert full <= 0.6 * plain
    by_rank = [tuned_regret(game, sketched(rank), rates[1:3]) for rank in (1, 16, 32, 48, 63)]
    assert by_rank[0] == pytest.approx(plain, rel=0.05)
    assert np.all(np.diff(by_rank) < 0.0)
    assert by_rank[2] < 0.9 * plain
    assert by_rank[-1] == pytest.approx(full, rel=1e-6)


def test_on_rare_coordinates_diagonal_beats_ogd_and_behind_a_rotation_full_beats_diagonal_by_a_growing_factor():
    rates = np.geomspace(0.1, 2.0, 6)
    unrotated, rotated = [], []
    for dimension in (8, 32):
        game = CoordinateGame(dimension)
        diagonal = tuned_regret(game, oco.DiagonalAdaGrad, rates)
        unrotated.append(tuned_regret(game, ogd, rates) / diagonal)
        behind = CoordinateGame(dimension, rotated=True)
        full = tuned_regret(behind, oco.FullMatrixAdaGrad, rates[:4])
        rotated.append(tuned_regret(behind, oco.DiagonalAdaGrad, rates) / full)
        # The rotation is nothing to the full matrix: it plays as the diagonal did, and OGD as it did itself.
        assert full == pytest.approx(diagonal, rel=0.05)
        assert tuned_regret(behind, ogd, rates) == pytest.approx(tuned_regret(game, ogd, rates), rel=1e-6)
    assert unrotated[0] >= 1.2
    assert unrotated[1] >= 1.25 * unrotated[0]
    assert rotated[0] >= 1.05
    assert rotated[1] >= 1.25 * rotated[0]


@pytest.mark.parametrize("rank", [4, 8])
def test_against_a_rank_the_regret_steps_down_one_direction_above_it(rank):
    game = AgainstRank(32, 4000, rank=rank)
    rates = np.geomspace(0.03, 0.3, 5)
    plain = tuned_regret(game, ogd, rates)
    full = tuned_regret(game, oco.FullMatrixAdaGrad, rates)
    below, at, above = (tuned_regret(game, sketched(k), rates) for k in (rank - 1, rank, rank + 1))
    assert at >= 0.9 * plain
    assert at >= 0.9 * below
    assert above <= 0.7 * at
    assert full <= 0.3 * plain


@pytest.mark.parametrize(
    "game",
    [
        OrthonormalLosses(12, 1500),
        OrthonormalLosses(12, 1500, probabilities=[0.6, 0.2, 0.15, 0.05]),
        SpectrumLinear(12, 1500, spectrum=LowRank(4, 0.0), draws="normal"),
    ],
    ids=["uniform", "skewed", "normal"],
)
def test_on_a_stream_of_rank_r_the_sketch_of_rank_r_is_the_full_matrix(game):
    settings = {"seed": 3, "checkpoints": list(range(1, 1501, 50))}
    full = oco.play(game, oco.FullMatrixAdaGrad(), **settings)
    # From r - 1 on, in fact: what escapes then fills the one direction of the span that is not kept.
    for rank in (3, 4, 7, 11):
        sketch = oco.play(game, oco.FDAdaGrad(rank=rank), **settings)
        assert_allclose(sketch.curves["cumulative_loss"], full.curves["cumulative_loss"], rtol=1e-9, atol=1e-9)
        assert_allclose(sketch.player.prediction, full.player.prediction, rtol=1e-7, atol=1e-9)
        assert (sketch.curves["escaped_mass"][-1] == 0.0) == (rank >= 4)
    below = oco.play(game, oco.FDAdaGrad(rank=2), **settings)
    assert below.curves["escaped_mass"][-1] > 1.0
    assert abs(below.cumulative_loss - full.cumulative_loss) > 1e-3


def test_on_the_stream_of_observation_2_the_sketch_keeps_regret_of_order_root_t():
    def regret(horizon):
        game = OrthonormalLosses(16, horizon)
        records = [oco.play(game, oco.FDAdaGrad(rank=2), seed=seed, spectrum=False) for seed in range(4)]
        assert all(record.regret.lower <= record.bound.value for record in records if record.bound is not None)
        return np.mean([record.regret.upper for record in records])

    # A factor of 16 in rounds is one of 4 in sqrt(T) and one of 8 in T^(3/4).
    assert regret(16_000) <= 5.0 * regret(1_000)
