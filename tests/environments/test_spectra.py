"""Prescribed spectra: the shapes, that samples have them, and how the leading space moves."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from oco.environments import SpectrumLinear, SpectrumQuadratic
from oco.environments.leading_space import Fixed, Rotating, Switching, leading_space
from oco.environments.spectra import Exponential, Given, Isotropic, LowRank, PowerLaw, Spiked, spectrum_shape
from oco.errors import ConfigError

SHAPES = [PowerLaw(0.0), PowerLaw(2.5), Exponential(0.7), LowRank(3, 0.05), Spiked(2, 30.0), Isotropic()]


@pytest.mark.parametrize("shape", [*SHAPES, LowRank(3, 0.0), Given((1.0, 5.0, 2.0, 0, 0, 0, 0, 0))], ids=repr)
def test_eigenvalues_fall_and_sum_to_one(shape):
    eigenvalues = shape.eigenvalues(8)
    assert eigenvalues.shape == (8,)
    assert eigenvalues.sum() == pytest.approx(1.0)
    assert np.all(np.diff(eigenvalues) <= 0.0)
    assert np.all(eigenvalues >= 0.0)
    assert spectrum_shape(shape.describe()) == shape


def test_shapes_are_the_named_ones():
    assert_allclose(PowerLaw(2.0).eigenvalues(4)[0] / PowerLaw(2.0).eigenvalues(4), [1.0, 4.0, 9.0, 16.0])
    assert_allclose(np.diff(np.log(Exponential(0.3).eigenvalues(5))), -0.3)
    low = LowRank(2, 0.1).eigenvalues(7)
    assert_allclose(low, [0.45, 0.45, 0.02, 0.02, 0.02, 0.02, 0.02])
    spiked = Spiked(2, 8.0).eigenvalues(4)
    assert_allclose(spiked / spiked[-1], [9.0, 5.0, 1.0, 1.0])
    assert_allclose(spectrum_shape([1.0, 3.0]).eigenvalues(2), [0.75, 0.25])
    assert spectrum_shape("isotropic") == Isotropic()


@pytest.mark.parametrize("draws", ["signs", "normal"])
@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_the_sample_covariance_has_the_prescribed_spectrum(shape, draws):
    dimension, rounds = 8, 20_000
    game = SpectrumLinear(dimension, rounds, spectrum=shape, draws=draws, problem_seed=1)
    rows = game.fresh(2).block(0, rounds).rows
    # In coordinates where the covariance is to be the identity, eigenvalues of the sample lie within about
    # 2 sqrt(d / T) of 1, whatever the spectrum.
    whitened = rows @ game.rotation / np.sqrt(shape.eigenvalues(dimension))
    eigenvalues = np.linalg.eigvalsh(whitened.T @ whitened / rounds)
    assert np.abs(eigenvalues - 1.0).max() < 3.0 * np.sqrt(dimension / rounds)


def test_an_exact_low_rank_stream_has_that_rank():
    rows = SpectrumLinear(10, 300, spectrum=LowRank(4, 0.0)).block(0, 300).rows
    assert np.linalg.matrix_rank(rows, tol=1e-10) == 4


def test_the_quadratic_game_varies_about_its_mean_with_the_prescribed_covariance():
    game = SpectrumQuadratic(4, 4000, curvature=2.0, spectrum=PowerLaw(1.0)).fresh(1)
    point = 0.3 * np.ones(4)
    gradients = np.array([game.reveal(point).gradient(point) for _ in range(4000)])
    centred = gradients - 2.0 * (point - game.center)
    sample = np.linalg.eigvalsh(centred.T @ centred / 4000)[::-1]
    assert_allclose(sample, game.gradient_eigenvalues, rtol=0.1)
    assert game.strong_convexity == 2.0


@pytest.mark.parametrize("motion", [Fixed(), Rotating(2, 100), Switching(3, 40)], ids=repr)
def test_motions_are_orthogonal_maps(motion):
    rounds = np.array([0, 7, 40, 99, 250, 10**9])
    for moment in rounds:
        basis = motion.turn(np.eye(8), np.full(8, moment))
        assert_allclose(basis @ basis.T, np.eye(8), atol=1e-12)
    assert_array_equal(motion.turn(np.eye(8), np.zeros(8, dtype=int)), np.eye(8))
    assert leading_space(motion.describe(), 8) == motion


def test_a_rotating_space_leaves_and_comes_back():
    motion = Rotating(leading=2, period=100)
    leading = np.eye(8)[:2]
    overlap = [np.abs(motion.turn(leading, np.full(2, t)) @ leading.T).max() for t in (0, 25, 50, 75, 100)]
    assert_allclose(overlap, [1.0, 0.0, 1.0, 0.0, 1.0], atol=1e-12)
    near = motion.turn(leading, np.full(2, 1))
    assert_allclose(np.diag(near @ leading.T), np.cos(2 * np.pi / 100))


def test_a_switching_space_moves_at_once_to_an_orthogonal_one_and_recurs():
    motion = Switching(leading=2, period=10)
    leading = np.eye(8)[:2]
    for t, overlap in ((0, 1.0), (9, 1.0), (10, 0.0), (19, 0.0), (20, 0.0), (39, 0.0), (40, 1.0)):
        assert np.abs(motion.turn(leading, np.full(2, t)) @ leading.T).max() == overlap


def test_a_drifting_stream_has_the_prescribed_covariance_between_switches_and_a_flatter_one_over_all():
    shape = LowRank(2, 0.02)
    game = SpectrumLinear(8, 8000, spectrum=shape, drift=Switching(2, 2000)).fresh(3)
    for start in range(0, 8000, 2000):
        rows = game.block(start, start + 2000).rows
        share = np.linalg.eigvalsh(rows.T @ rows / 2000)[::-1]
        assert share[:2].sum() == pytest.approx(0.98, abs=0.01)
    rows = game.block(0, 8000).rows
    assert np.linalg.eigvalsh(rows.T @ rows / 8000)[::-1][:2].sum() < 0.35


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: spectrum_shape("powerlaw"), "spectrum must be one of power_law, exponential, .* got 'powerlaw'"),
        (lambda: spectrum_shape({"name": "spiked", "spikes": 2}), "spectrum spiked takes rank, strength, got 'spikes'"),
        (
            lambda: SpectrumLinear(4, spectrum=LowRank(5)),
            "rank of the low_rank spectrum must be less than d = 4, got 5",
        ),
        (lambda: LowRank(2, 1.0), r"noise of the low_rank spectrum must lie in \[0, 1\), got 1.0"),
        (lambda: SpectrumLinear(3, spectrum=[1.0, 2.0]), "a given spectrum must be 3 numbers >= 0, not all 0"),
        (lambda: SpectrumLinear(3, spectrum=[1.0, -2.0, 0.0]), "a given spectrum must be 3 numbers >= 0, not all 0"),
        (lambda: SpectrumLinear(4, drift="rotate"), "drift must be one of fixed, rotating, switching, got 'rotate'"),
        (
            lambda: SpectrumLinear(4, drift=Rotating(3, 10)),
            "leading of the rotating drift must be in 1..d / 2 = 2, got 3",
        ),
        (lambda: SpectrumLinear(4, drift=Switching(2, 0)), "period of the switching drift must be at least 1, got 0"),
        (lambda: SpectrumLinear(4, exponent=1.0, spectrum="spiked"), "give one of exponent and spectrum"),
        (lambda: SpectrumQuadratic(4, curvature=0.0), r"curvature must be a positive number, got 0.0"),
    ],
)
def test_wrong_parameters_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
