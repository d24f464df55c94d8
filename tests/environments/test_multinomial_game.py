"""Several classes: a matrix decision, or a game for each class."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import log_softmax

import oco
from oco.domains import FrobeniusBall
from oco.environments import MultinomialRegression, one_vs_rest
from oco.errors import ConfigError, DataError, ProtocolError


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    rows = generator.standard_normal((80, 4))
    return rows, np.array([3.0, 5.0, 9.0])[np.argmax(rows[:, :3], axis=1)]


@pytest.mark.parametrize("as_sparse", [False, True])
def test_losses_are_the_cross_entropy_of_the_rows(data, as_sparse):
    rows, labels = data
    game = MultinomialRegression(sparse.csr_array(rows) if as_sparse else rows, labels, order="file")
    point = np.random.default_rng(1).standard_normal((3, 4))
    losses = [game.reveal(point).value(point) for _ in range(80)]
    expected = -log_softmax(rows @ point.T, axis=1)[np.arange(80), np.searchsorted([3.0, 5.0, 9.0], labels)]
    assert_allclose(losses, expected, rtol=1e-12)
    with pytest.raises(ProtocolError, match="has 80 rounds"):
        game.reveal(point)


def test_a_game_on_digits_has_certified_regret_below_the_bound():
    game = MultinomialRegression.load("digits", domain=FrobeniusBall(radius=5.0), scaling="unit-rows", horizon=300)
    assert game.domain.shape == (10, 64)
    record = oco.play(game, oco.AdaGradNorm(), seed=1, checkpoints=3)
    assert 0.0 < record.regret.lower <= record.regret.upper <= record.bound.value
    assert record.regret.width < 1e-3 * record.regret.upper
    assert record.environment["classes"] == 10


def test_one_vs_rest_makes_a_game_for_each_class(data):
    rows, labels = data
    games = one_vs_rest(rows, labels, domain=oco.Ball(radius=2.0), order="file")
    assert sorted(games) == [3.0, 5.0, 9.0]
    for label, game in games.items():
        assert_array_equal(game.block(0, 80).targets > 0.0, labels == label)
        assert game.domain.radius() == 2.0


def test_configs_and_wrong_labels(data):
    game = MultinomialRegression.from_config(data="digits", domain={"kind": "frobenius_ball", "radius": 2.0}, passes=2)
    assert (game.horizon, game.domain.radius()) == (2 * 1797, 2.0)
    with pytest.raises(ConfigError, match="environment multinomial_regression needs data"):
        MultinomialRegression.from_config()
    for make in (MultinomialRegression, one_vs_rest):
        with pytest.raises(DataError, match="labels must have at least two classes, got"):
            make(data[0], np.ones(80))
