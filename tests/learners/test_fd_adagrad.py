"""FD-AdaGrad and full-matrix AdaGrad against their definitions, on balls and without constraint."""

from __future__ import annotations

import math

import numpy as np
import pytest

import oco
from oco.domains import Ball, Domain, LowRankPlusScaledIdentity
from oco.errors import ConfigError, NumericsError, ProtocolError
from oco.learners.base import Problem, state_floats
from oco.learners.plain import FDAdaGrad as PlainFDAdaGrad
from oco.learners.plain import FullMatrixAdaGrad as PlainFullMatrixAdaGrad


def started(learner, domain):
    learner.start(Problem(domain=domain, horizon=1000))
    return learner


def spread(rng, rounds, dimension, decades=2.0):
    return rng.standard_normal((rounds, dimension)) * np.logspace(0, -decades, dimension)


def low_rank(rng, rounds, dimension):
    return rng.standard_normal((rounds, 3)) @ rng.standard_normal((3, dimension))


def rotating(rng, rounds, dimension):
    angle = np.arange(rounds) / 50.0
    rows = 0.1 * rng.standard_normal((rounds, dimension))
    rows[:, 0] += np.cos(angle)
    rows[:, 1] += np.sin(angle)
    return rows


STREAMS = {"spread": spread, "low rank": low_rank, "rotating": rotating}


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("radius", [math.inf, 1.0])
@pytest.mark.parametrize(
    "learner", [oco.FDAdaGrad(rank=7, learning_rate=0.3), oco.FullMatrixAdaGrad(learning_rate=0.3)]
)
def test_rank_d_minus_1_is_full_matrix_adagrad(stream, radius, learner):
    """1,000 rounds against eigh and pinv of the accumulated covariance."""
    gradients = STREAMS[stream](np.random.default_rng(0), 1000, 8)
    domain = oco.Unbounded(8) if math.isinf(radius) else Ball(radius, dimension=8)
    learner = started(learner.fresh(), domain)
    plain = PlainFullMatrixAdaGrad(8, 0.3, radius)
    worst = 0.0
    for gradient in gradients:
        learner.update(gradient)
        plain.update(gradient)
        worst = max(worst, np.abs(learner.prediction - plain.point).max() / max(1.0, np.abs(plain.point).max()))
    assert worst < 1e-9


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("radius", [math.inf, 1.0, 30.0])
@pytest.mark.parametrize(("rank", "buffer"), [(1, None), (5, None), (5, 1), (5, 30), (20, 4), (40, None), (41, None)])
def test_every_round_is_the_papers(stream, radius, rank, buffer):
    gradients = STREAMS[stream](np.random.default_rng(1), 400, 40)
    domain = oco.Unbounded(40) if math.isinf(radius) else Ball(radius, dimension=40)
    learner = started(oco.FDAdaGrad(rank=rank, learning_rate=0.5, buffer=buffer), domain)
    plain = PlainFDAdaGrad(40, rank, 0.5, radius)
    worst = 0.0
    for gradient in gradients:
        learner.update(gradient)
        plain.update(gradient)
        worst = max(worst, np.abs(learner.prediction - plain.point).max() / max(1.0, np.abs(plain.point).max()))
    assert worst < 1e-10
    assert learner.escaped_mass == pytest.approx(plain.sketch.escaped_mass, rel=1e-11)


def test_delta_is_under_the_root():
    gradients = spread(np.random.default_rng(2), 300, 12)
    learner = started(oco.FDAdaGrad(rank=3, learning_rate=0.5, delta=0.7), Ball(1.0, dimension=12))
    plain = PlainFDAdaGrad(12, 3, 0.5, 1.0, delta=0.7)
    for gradient in gradients:
        learner.update(gradient)
        plain.update(gradient)
    assert learner.prediction == pytest.approx(plain.point, abs=1e-12)


def test_two_rounds_by_hand():
    """g = (3, 0): x = (-1, 0). Then g = (0, 2), k = 1: rho = 4, H = diag(3, 2), x = (-1, -1)."""
    learner = started(oco.FDAdaGrad(rank=1, learning_rate=1.0), oco.Unbounded(2))
    learner.update(np.array([3.0, 0.0]))
    assert learner.prediction == pytest.approx([-1.0, 0.0])
    learner.update(np.array([0.0, 2.0]))
    assert learner.prediction == pytest.approx([-1.0, -1.0])
    assert learner.escaped_mass == pytest.approx(4.0)


def test_projection_by_hand():
    """As above on the ball of radius 1: y = (-1, -1), H = diag(3, 2), x = -(3 / (3 + mu), 2 / (2 + mu)), |x| = 1."""
    learner = started(oco.FDAdaGrad(rank=1, learning_rate=1.0), Ball(1.0, dimension=2))
    learner.update(np.array([3.0, 0.0]))
    learner.update(np.array([0.0, 2.0]))
    x, y = learner.prediction
    assert x * x + y * y == pytest.approx(1.0, abs=1e-15)
    multipliers = 3.0 * (-1.0 / x - 1.0), 2.0 * (-1.0 / y - 1.0)
    assert multipliers[0] == pytest.approx(multipliers[1], rel=1e-14)


@pytest.mark.parametrize("rank", [1, 4, 9, 10])
@pytest.mark.parametrize("buffer", [1, None])
def test_the_projection_is_optimal_in_the_learners_norm(rank, buffer):
    """<H (x - y), u - x> >= 0 for every u of the ball, with y the point before the projection."""
    rng = np.random.default_rng(3)
    constrained = started(oco.FDAdaGrad(rank=rank, learning_rate=0.8, buffer=buffer), Ball(1.0, dimension=10))
    for gradient in spread(rng, 200, 10):
        before = constrained.prediction.copy()
        constrained.update(gradient)
        metric = constrained.metric()
        values, vectors = metric.values, metric.basis.T
        step = vectors.T @ ((vectors @ gradient) / values)
        if metric.complement > 0.0:
            step += (gradient - vectors.T @ (vectors @ gradient)) / metric.complement
        unprojected = before - 0.8 * step
        normal = metric.apply(constrained.prediction - unprojected)
        # the smallest of <normal, u - x> over the unit ball is at u = -normal / |normal|
        assert -np.linalg.norm(normal) - normal @ constrained.prediction >= -1e-11 * max(1.0, np.linalg.norm(normal))
        assert np.linalg.norm(constrained.prediction) <= 1.0 + 1e-14


def test_a_ball_anywhere_is_the_ball_at_the_origin_moved():
    center = np.linspace(-3.0, 5.0, 15)
    here = started(oco.FDAdaGrad(rank=3), Ball(2.0, dimension=15))
    there = started(oco.FDAdaGrad(rank=3), Ball(2.0, center=center))
    for gradient in spread(np.random.default_rng(4), 100, 15):
        here.update(gradient)
        there.update(gradient)
        assert there.prediction == pytest.approx(center + here.prediction, abs=1e-12)


def test_matrices_are_played_as_their_rows_laid_end_to_end():
    flat = started(oco.FDAdaGrad(rank=3), Ball(1.0, dimension=12))
    matrix = started(oco.FDAdaGrad(rank=3), oco.domains.FrobeniusBall(1.0, shape=(3, 4)))
    for gradient in spread(np.random.default_rng(5), 60, 12):
        flat.update(gradient)
        matrix.update(gradient.reshape(3, 4))
        assert np.array_equal(matrix.prediction.ravel(), flat.prediction)


class Everywhere(Domain):
    """A stand-in for a domain without a compiled projection: the unit ball, projected on through the metric."""

    name = "everywhere"

    def __init__(self, dimension):
        self._shape = (dimension,)
        self._ball = Ball(1.0, dimension=dimension)
        self.metrics = []

    start = property(lambda self: np.zeros(self.shape))
    contains = property(lambda self: self._ball.contains)
    project = property(lambda self: self._ball.project)
    support = property(lambda self: self._ball.support)
    maximizer = property(lambda self: self._ball.maximizer)
    diameter = property(lambda self: self._ball.diameter)
    radius = property(lambda self: self._ball.radius)
    describe = property(lambda self: self._ball.describe)

    def project_in(self, point, metric):
        self.metrics.append(metric)
        return self._ball.project_in(point, metric)


for _abstract in list(Everywhere.__abstractmethods__):
    assert _abstract in Everywhere.__dict__, _abstract


def test_other_domains_project_in_the_learners_metric():
    domain = Everywhere(10)
    inside, outside = started(oco.FDAdaGrad(rank=3), Ball(1.0, dimension=10)), started(oco.FDAdaGrad(rank=3), domain)
    for gradient in spread(np.random.default_rng(6), 80, 10):
        inside.update(gradient)
        outside.update(gradient)
        assert outside.prediction == pytest.approx(inside.prediction, abs=1e-12)
    assert isinstance(domain.metrics[-1], LowRankPlusScaledIdentity)
    assert outside.play_block(None) is None


@pytest.mark.parametrize("scale", [1e-150, 1e150])
@pytest.mark.parametrize("rank", [2, 9, 10, 30])
@pytest.mark.parametrize("radius", [math.inf, 1.0])
def test_the_point_does_not_know_the_gradients_scale(scale, rank, radius):
    domain = oco.Unbounded(10) if math.isinf(radius) else Ball(radius, dimension=10)
    plain = started(oco.FDAdaGrad(rank=rank, learning_rate=0.5), domain)
    scaled = started(oco.FDAdaGrad(rank=rank, learning_rate=0.5), domain)
    for gradient in spread(np.random.default_rng(7), 100, 10):
        plain.update(gradient)
        scaled.update(scale * gradient)
    assert scaled.prediction == pytest.approx(plain.prediction, abs=1e-10)


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_degenerate_streams(rank):
    """Zero gradients, one gradient again and again, fewer rounds than directions: the pseudo-inverse step, exactly."""
    learner = started(oco.FDAdaGrad(rank=rank, learning_rate=1.0), oco.Unbounded(6))
    learner.update(np.zeros(6))
    assert not learner.prediction.any()
    gradient = np.array([1.0, 2.0, 0.0, -2.0, 0.0, 4.0])
    total = 0.0
    for count in range(1, 200):
        learner.update(gradient)
        learner.update(np.zeros(6))
        total += 1.0 / math.sqrt(count)
    assert learner.prediction == pytest.approx(-total * gradient / 5.0, rel=1e-12)
    assert learner.escaped_mass == 0.0


@pytest.mark.parametrize("learner", [oco.FDAdaGrad(rank=1), oco.FullMatrixAdaGrad(), oco.FDAdaGrad(rank=5)])
def test_one_dimension(learner):
    learner = started(learner.fresh(), Ball(1.0, dimension=1))
    scalar = started(oco.AdaGradNorm(), Ball(1.0, dimension=1))
    for gradient in np.random.default_rng(8).standard_normal((50, 1)):
        learner.update(gradient)
        scalar.update(gradient)
        assert learner.prediction == pytest.approx(scalar.prediction, abs=1e-13)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "learner",
    [
        oco.OGD(learning_rate=1.0),
        oco.AdaGradNorm(),
        oco.DiagonalAdaGrad(),
        oco.FullMatrixAdaGrad(),
        oco.FDAdaGrad(rank=2),
        oco.FDAdaGrad(rank=5),
    ],
    ids=repr,
)
def test_a_gradient_that_is_not_finite_leaves_the_state_untouched(learner, bad):
    learner = started(learner.fresh(), Ball(1.0, dimension=6))
    rng = np.random.default_rng(9)
    for gradient in rng.standard_normal((20, 6)):
        learner.update(gradient)
    before = {path: array.copy() for path, array in oco.learners.state_arrays(learner.state)}
    with pytest.raises(NumericsError, match="entry 2 is"):
        learner.update(np.array([1.0, 0.0, bad, 0.0, 0.0, 0.0]))
    for path, array in oco.learners.state_arrays(learner.state):
        assert np.array_equal(array, before[path]), path


@pytest.mark.parametrize(
    "domain", [oco.Unbounded(30), Ball(1.0, dimension=30), Ball(1.0, center=np.ones(30))], ids=repr
)
@pytest.mark.parametrize("rank", [1, 2, 10, 29, 30, 200])
def test_memory_is_what_the_state_holds(domain, rank):
    for learner in (
        oco.FDAdaGrad(rank=rank, learning_rate=1.0),
        oco.FDAdaGrad(rank=rank, learning_rate=1.0, buffer=1),
        oco.FullMatrixAdaGrad(learning_rate=1.0),
        oco.DiagonalAdaGrad(learning_rate=1.0),
        oco.AdaGradNorm(learning_rate=1.0),
        oco.OGD(learning_rate=1.0),
    ):
        problem = Problem(domain=domain, horizon=10)
        learner.start(problem)
        memory = learner.memory(problem)
        assert memory.floats == state_floats(learner.state)
        for gradient in np.random.default_rng(10).standard_normal((50, 30)):
            learner.update(gradient)
        assert memory.floats == state_floats(learner.state)
        k = min(rank, 30) if isinstance(learner, oco.FDAdaGrad) else 30
        formula = (
            memory.formula.replace("^", "**").replace("d (", "d * (").replace(")(", ") * (").replace("2 d", "2 * d")
        )
        assert eval(formula.replace("3 d", "3 * d"), {"d": 30, "k": k}) == memory.floats
        assert "k" not in memory.formula or k < 30


def test_wrong_input_is_one_sentence():
    with pytest.raises(ConfigError, match="rank of FDAdaGrad must be a positive integer, got 0"):
        oco.FDAdaGrad(rank=0)
    with pytest.raises(ConfigError, match=r"rank of FDAdaGrad must be a positive integer, got 2\.5"):
        oco.FDAdaGrad(rank=2.5)
    with pytest.raises(ConfigError, match="learning_rate of FDAdaGrad must be a positive finite number, got -1"):
        oco.FDAdaGrad(rank=1, learning_rate=-1)
    for learner in (
        oco.FDAdaGrad(rank=1),
        oco.FullMatrixAdaGrad(),
        oco.DiagonalAdaGrad(),
        oco.AdaGradNorm(),
        oco.OGD(),
    ):
        with pytest.raises(ConfigError, match=r"sets learning_rate from the domain's diameter, which is infinite"):
            started(learner, oco.Unbounded(3))
        with pytest.raises(ConfigError, match="sets learning_rate from a bound on the gradients"):
            started(oco.OGD(), Ball(1.0, dimension=3))
    with pytest.raises(ProtocolError, match=r"the gradient must have shape \(3,\) like the decision, got \(4,\)"):
        started(oco.FDAdaGrad(rank=1), Ball(1.0, dimension=3)).update(np.zeros(4))
