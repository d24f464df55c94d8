"""Only the exact class is replaced by closed forms: a subclass of a domain projects for itself, wherever it is used."""

import numpy as np
import pytest
from domain_cases import matrix_domains, vector_domains

import oco
from oco.checks import CheckFailed, check_domain
from oco.checks.playing import show, tell
from oco.comparators import best_fixed_point
from oco.comparators.solvers.quadratic_sums import solvable
from oco.domains import Ball, Diagonal, FrobeniusBall, Simplex, Unbounded, projection_residual
from oco.errors import ConfigError, DomainError
from oco.learners import LEARNERS, Problem


class UpperHalf(Ball):
    """The half of a ball about the origin whose first coordinate is not negative; its own support function too."""

    def project(self, point):
        point = self._checked(point).copy()
        point.flat[0] = max(point.flat[0], 0.0)
        return super().project(point)

    def project_in(self, point, metric):
        return self.project(point)

    def contains(self, point, tolerance=1e-9):
        return super().contains(point, tolerance) and point.flat[0] >= -tolerance

    def maximizer(self, direction):
        direction = self._checked(direction).copy()
        direction.flat[0] = max(direction.flat[0], 0.0)
        return super().maximizer(direction)

    def support(self, direction):
        return float(np.vdot(direction, self.maximizer(direction)))


class UpperHalfOfMatrices(FrobeniusBall, UpperHalf):
    """The same of matrices."""


class Orthant(Unbounded):
    """Vectors without a negative entry."""

    def project(self, point):
        return np.maximum(self._checked(point), 0.0)

    def project_in(self, point, metric):
        return self.project(point)


class Interior(Simplex):
    """The part of the simplex with entries of at least 0.1."""

    def project(self, point):
        return 0.1 + super().project(point - 0.1) * (1.0 - 0.1 * self.dimension)


class Renamed(Ball):
    """A ball that says so."""

    def as_ball(self):
        return self.start, self._radius


class Liar(UpperHalf):
    """Half a ball that says that it is a whole one."""

    def as_ball(self):
        return self.start, self._radius


NAMES = [name for name, entry in LEARNERS.built_in.items() if entry.decision not in ("simplex", "unbounded")]
NAMES = [name for name in NAMES if not name.endswith("_bandit")]  # they need a ball around the start
NAMES = [name for name in NAMES if not name.endswith("_frank_wolfe")]  # they use the maximizer, which is the ball's


@pytest.mark.parametrize("name", NAMES)
def test_learners_stay_in_a_part_of_a_ball(name):
    domain = (
        UpperHalfOfMatrices(1.0, shape=(2, 3)) if LEARNERS[name].decision == "matrix" else UpperHalf(1.0, dimension=6)
    )
    learner = LEARNERS[name](**LEARNERS[name].examples[0])
    learner.start(Problem(domain, horizon=20, gradient_bound=5.0, exp_concavity=0.1))
    gradient = np.ones(domain.shape)
    for _ in range(20):
        show(learner, gradient[None], 0)
        tell(learner, gradient)
        assert domain.contains(learner.prediction, 1e-9), learner.prediction


def test_streams_are_played_by_rounds_on_a_part_of_a_ball():
    rows = np.ones((50, 3))
    record = oco.play(oco.environments.LinearLosses(rows, domain=UpperHalf(1.0)), oco.OGD(learning_rate=1.0))
    assert "round by round" in record.scalars["form"]
    assert record.player.prediction[0] >= 0.0
    # The best point is -(0, 1, 1) / sqrt(2).
    np.testing.assert_allclose(record.cumulative_loss - record.regret.upper, -50.0 * np.sqrt(2.0), rtol=1e-5)


def test_comparators_stay_in_a_part_of_a_ball():
    """Squared distances to (-2, 1) over the half disc: the nearest point is (0, 1)."""
    rows, targets = np.eye(2), np.array([-2.0, 1.0])
    game = oco.environments.LeastSquares(rows, targets, domain=UpperHalf(1.0), order="file")
    best = best_fixed_point(game.block(0, 2), game.domain)
    assert best.point[0] >= -1e-9
    np.testing.assert_allclose(best.point, [0.0, 1.0], atol=1e-3)


def test_the_whole_space_is_not_taken_for_a_part_of_it():
    learner = oco.OGD(learning_rate=1.0)
    learner.start(Problem(Orthant(3), horizon=5))
    learner.update(np.ones(3))
    np.testing.assert_array_equal(learner.prediction, 0.0)
    assert Orthant(3).as_ball() is None


def test_hedge_plays_on_the_simplex_itself_only():
    with pytest.raises(ConfigError, match="simplex"):
        oco.learners.Hedge(learning_rate=0.1).start(Problem(Interior(dimension=3), horizon=5))


def test_sums_of_matrix_residuals_are_solved_on_whole_balls_only():
    from oco.losses.quadratic_terms import MatrixResidual

    loss = MatrixResidual(np.ones(3), np.ones(2))
    assert solvable([loss], FrobeniusBall(1.0, shape=(2, 3)))
    assert not solvable([loss], UpperHalfOfMatrices(1.0, shape=(2, 3)))
    assert not solvable([loss], FrobeniusBall(1.0, center=np.ones((2, 3))))


def test_what_says_that_it_is_a_ball_is_checked():
    assert UpperHalf(1.0, dimension=3).as_ball() is None
    check_domain(Renamed(1.0, dimension=3))
    with pytest.raises(CheckFailed, match="as_ball"):
        check_domain(Liar(1.0, dimension=3))


class Strange:
    """What no domain knows but can apply: H = diag(1, 2, ...)."""

    def apply(self, vector):
        return np.arange(1.0, vector.size + 1).reshape(vector.shape) * vector


class NoMetric:
    largest = 6.0


def test_an_unknown_metric_is_never_taken_for_another():
    """One that can be applied gives the projection of what it does; one that cannot is refused, by its name."""
    rng = np.random.default_rng(0)
    known = Diagonal(np.arange(1.0, 7.0))
    for name, domain in (vector_domains(6, rng) | matrix_domains((2, 3))).items():
        if name == "unbounded":
            continue
        point = domain.start + 5.0 * rng.standard_normal(domain.shape) + 20.0
        assert not domain.contains(point), name
        projected = domain.project_in(point, Strange())
        np.testing.assert_allclose(projected, domain.project_in(point, known), rtol=1e-8, atol=1e-9, err_msg=name)
        assert projection_residual(domain, point, projected, Strange()) <= 1e-10, name
        with pytest.raises(DomainError, match="NoMetric"):
            domain.project_in(point, NoMetric())
