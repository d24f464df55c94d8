"""Which solver solves what; a solver is added by one file; environments declare their losses and do not solve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import oco
from oco.comparators import anytime, best_fixed_point, certify, solver, solvers
from oco.comparators.solver import Losses, all_solvers, solver_of
from oco.domains import Ball, FrobeniusBall, Unbounded
from oco.environments import ENVIRONMENTS
from oco.environments.hindsight import known_ahead, least_between
from oco.environments.wrapper import Wrapper
from oco.losses import Absolute, MultinomialLogistic, QuadraticForm, RowBlock, RowLoss, ScalarLoss, Squared
from oco.losses.entry import EntryLoss
from oco.losses.quadratic_terms import TiltedQuadratic
from oco.regret import Certificate

CENTERS = np.array([[3.0, 0.0], [0.0, 4.0], [1.0, 2.0]])
ROWS = np.abs(np.random.default_rng(0).standard_normal((12, 3)))


def tilted(count: int = 3) -> list[TiltedQuadratic]:
    return [TiltedQuadratic(1.0, center, np.zeros(2)) for center in CENTERS[:count]]


@pytest.mark.parametrize(
    ("losses", "domain", "name"),
    [
        (RowBlock(Squared(), ROWS, np.ones(12)), Ball(1.0, dimension=3), "MarginSolver"),
        ([RowLoss(Squared(), row, 1.0) for row in ROWS], Ball(1.0, dimension=3), "MarginSolver"),
        ([MultinomialLogistic(row, 1, 2) for row in ROWS], Unbounded((2, 3)), "MarginSolver"),
        ([EntryLoss(Squared(), (2, 3), (1, j), 1.0) for j in range(3)], FrobeniusBall(1.0), "MarginSolver"),
        ([EntryLoss(Squared(), (2, n), (0, 0), 1.0) for n in (2, 3)], Ball(1.0, dimension=6), "BundleSolver"),
        ([RowLoss(Squared(), ROWS[0], 1.0), RowLoss(Absolute(), ROWS[1], 1.0)], Ball(1.0, dimension=3), "BundleSolver"),
        (tilted(), Ball(1.0, dimension=2), "QuadraticSumSolver"),
        (tilted(), Unbounded(2), "BundleSolver"),
        ([QuadraticForm(np.eye(2))], Ball(1.0, dimension=2), "BundleSolver"),
    ],
)
def test_the_most_special_solver_takes_the_losses(losses: Losses, domain: oco.Domain, name: str) -> None:
    assert type(solver_of(losses, domain)[0]).__name__ == name


def test_losses_of_entries_have_a_closed_form() -> None:
    """Each entry is free on the ball of a large radius: the sum of squared residuals is that about the entry's mean."""
    targets = {(0, 1): [1.0, 3.0], (1, 0): [-2.0]}
    losses = [EntryLoss(Squared(), (2, 2), place, y) for place, wanted in targets.items() for y in wanted]
    best = best_fixed_point(losses, FrobeniusBall(10.0).with_shape((2, 2)))
    assert best.point.shape == (2, 2)
    assert best.point[0, 1] == pytest.approx(2.0, rel=1e-6)
    assert best.point[1, 0] == pytest.approx(-2.0, rel=1e-6)
    scale = Squared().at(1.0, 0.0)[0]
    assert 2.0 * scale in best.value
    assert best.certificate is Certificate.FENCHEL_DUAL


def test_a_list_of_quadratic_losses_has_its_closed_form() -> None:
    """``sum |x - c_t|^2 / 2`` over a ball: the mean of the centers, moved onto the ball."""
    mean = CENTERS.mean(axis=0)
    expected = mean / np.linalg.norm(mean)
    best = best_fixed_point(tilted(), Ball(1.0, dimension=2))
    np.testing.assert_allclose(best.point, expected, rtol=1e-12)
    least = 0.5 * float(((expected - CENTERS) ** 2).sum())
    assert least in best.value
    assert best.gap <= 1e-12 * least
    assert certify(tilted(), Ball(1.0, dimension=2), expected).tight
    wrong = certify(tilted(), Ball(1.0, dimension=2), np.zeros(2))
    assert wrong.value.upper == pytest.approx(0.5 * float((CENTERS**2).sum()))
    assert wrong.gap >= wrong.value.upper - least


def test_a_tolerance_and_strict_reach_every_solver() -> None:
    losses = [RowLoss(Squared(), row, 1.0) for row in ROWS]
    with pytest.raises(oco.errors.ComparatorError, match="tolerance 1e-300"):
        anytime(losses, Ball(1.0, dimension=3), [5, 12], tolerance=1e-300, strict=True)
    with pytest.raises(oco.errors.ComparatorError, match="tolerance 1e-300"):
        anytime(tilted(), Ball(1.0, dimension=2), [3], tolerance=1e-300, strict=True)


def test_every_file_of_solvers_is_found_and_asked_in_order() -> None:
    files = {path.stem for path in Path(solvers.__path__[0]).glob("*.py")} - {"__init__"}
    assert {type(each).__module__.rpartition(".")[2] for each in all_solvers()} == files
    orders = [each.order for each in all_solvers()]
    assert orders == sorted(set(orders))
    assert solver.solver_of([object()], Ball(1.0, dimension=1))[0] is all_solvers()[-1]  # the one for all losses


def test_environments_declare_their_losses_and_none_of_them_solves() -> None:
    hooks = {
        name for name, kind in ENVIRONMENTS.items() if kind.comparator_curve is not oco.Environment.comparator_curve
    }
    assert hooks == {
        name for name, kind in ENVIRONMENTS.items() if issubclass(kind, Wrapper)
    }  # those of what is inside


def test_losses_that_are_declared_are_not_recorded() -> None:
    drawn = oco.environments.SpectrumQuadratic(dimension=2, horizon=30, domain=Ball(1.0))
    adaptive = oco.environments.AdaptiveBallLowerBound(dimension=3, horizon=30)
    assert known_ahead(drawn)
    assert not known_ahead(adaptive)
    assert oco.play(drawn, oco.OGD()).scalars["comparator_certificate"] == "Frank-Wolfe gap"


class Quartic(ScalarLoss):
    """``(p - y)^4``, of which no conjugate is stated."""

    name = "quartic"

    def values_and_derivatives(self, margins: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (margins - targets) ** 4, 4.0 * (margins - targets) ** 3


def test_rows_of_a_loss_without_a_conjugate_are_certified() -> None:
    """``sum_t (x - y_t)^4`` for y = -1, 1, 1, -1, ... is least at 0 over all pairs of rounds, where each is 1."""
    game = oco.environments.GeneralizedLinear(
        np.ones((6, 1)), np.tile([-1.0, 1.0], 3), loss=Quartic(), domain=Ball(2.0), order="file"
    )
    assert type(solver_of(game, game.domain)[0]).__name__ == "MarginSolver"
    curve = game.comparator_curve(np.array([2, 6]))
    for found, least in zip(curve, (2.0, 6.0), strict=True):
        assert least in found.value
        assert found.gap < 0.01 * least
    assert 2.0 in least_between(game, game.domain, 2, 4)
