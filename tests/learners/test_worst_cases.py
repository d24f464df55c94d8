"""The worst case over all games, found by semidefinite programming (PEPit), stays below the bounds of OGD and FTRL.

Gradients and the comparator are free vectors in any dimension; projections are described by their variational
inequality towards the points of the game, which only makes the worst case larger.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from oco.attacks import attack
from oco.domains import Ball
from oco.learners import OGD, AdaGradNorm, Learner, PrimalDualFullMatrixAdaGrad, Problem
from oco.regret.bounds import Observed
from oco.regret.spectrum import Spectrum

PEPit = pytest.importorskip("PEPit", reason="needs the test extra")

RADIUS, SLOPE = 1.5, 2.0


def worst_regret(
    rounds: int,
    step: Callable[[int], float],
    *,
    lazy: bool,
    exact_length: bool,
    lengths: np.ndarray | None = None,
) -> float:
    """Largest ``sum <g_t, x_t - x*>`` of ``x_{t+1} = P(x_t - step g_t)``, or of ``P(- step sum g_s)`` where lazy.

    ``|g_t| <= SLOPE`` (equal where ``exact_length``), or the bounds ``lengths`` for each round in place of SLOPE;
    ``|x*| <= RADIUS``, P the projection on the ball of that radius.
    """
    problem = PEPit.PEP()
    comparator = PEPit.Point()
    problem.add_constraint(comparator**2 <= RADIUS**2)
    inside = [comparator]
    point, total, regret = None, None, 0
    for t in range(1, rounds + 1):
        gradient = PEPit.Point()
        length = gradient**2
        limit = (SLOPE if lengths is None else float(lengths[t - 1])) ** 2
        problem.add_constraint(length == limit if exact_length else length <= limit)
        regret = regret + (-(gradient * comparator) if point is None else gradient * (point - comparator))
        total = gradient if total is None else total + gradient
        if t == rounds:
            break
        target = -step(t) * total if lazy or point is None else point - step(t) * gradient
        point = PEPit.Point()
        problem.add_constraint(point**2 <= RADIUS**2)
        problem.add_constraint((target - point) * point >= 0)
        for other in inside:
            problem.add_constraint((target - point) * (other - point) <= 0)
        inside.append(point)
    problem.set_performance_metric(regret)
    return float(problem.solve(verbose=0, solver="CLARABEL"))


def bound_of(learner: Learner, rounds: int) -> float:
    """The learner's own bound after ``rounds`` gradients of length SLOPE on a line."""
    domain = Ball(RADIUS, dimension=1)
    learner.start(Problem(domain, rounds, gradient_bound=SLOPE))
    squares = np.array([rounds * SLOPE**2])
    spectrum = Spectrum(1, squares, float(squares[0]))
    bound = learner.bound(Observed(rounds, domain, float(squares[0]), squares, SLOPE, spectrum))
    assert bound is not None
    assert bound.valid
    return bound.value


@pytest.mark.parametrize("rounds", [1, 2, 4, 7])
def test_gradient_descent(rounds: int) -> None:
    rate = 2.0 * RADIUS / SLOPE
    falling = worst_regret(rounds, lambda t: rate / np.sqrt(t), lazy=False, exact_length=False)
    assert falling <= bound_of(OGD(), rounds) * (1.0 + 1e-6)
    constant = worst_regret(rounds, lambda t: rate / np.sqrt(rounds), lazy=False, exact_length=False)
    assert constant <= bound_of(OGD(schedule="constant"), rounds) * (1.0 + 1e-6)
    assert min(falling, constant) >= RADIUS * SLOPE * np.sqrt(rounds) * 0.7  # the games are not easy


def _first_step(learner: Learner, rounds: int) -> float:
    """How far it goes after one gradient of length 1, in the unit ball."""
    learner.start(Problem(Ball(1.0, dimension=rounds + 1), rounds, gradient_bound=1.0))
    learner.update(np.eye(rounds + 1)[0])
    return float(np.linalg.norm(learner.prediction))


@pytest.mark.parametrize("rounds", [2, 3])
def test_an_attack_on_gradient_descent_finds_the_exact_worst_case(rounds: int) -> None:
    """The step is so short that no projection moves anything; then the semidefinite program is exact. In T + 1
    dimensions there is room for any T gradients and a comparator.
    """
    learner = OGD(0.3, schedule="constant")
    step = _first_step(learner.fresh(), rounds) * RADIUS / SLOPE
    exact = worst_regret(rounds, lambda t: step, lazy=False, exact_length=False) / (RADIUS * SLOPE)
    found = attack(learner, Ball(1.0, dimension=rounds + 1), rounds, evaluations=1200)
    assert 0.9 * exact <= found.regret.lower <= exact * (1.0 + 1e-6)


@pytest.mark.parametrize("rounds", [2, 3])
def test_an_attack_on_adagrad_norm_finds_the_exact_worst_case(rounds: int) -> None:
    """Its steps depend on the lengths of the gradients, so the exact worst case is that for given lengths: the stream
    that is found is below that for its own lengths, and near that for length 1.
    """
    learner = AdaGradNorm(0.3)
    rate = _first_step(learner.fresh(), rounds) * RADIUS

    def exact(lengths: np.ndarray) -> float:
        sums = np.sqrt(np.cumsum((SLOPE * lengths) ** 2))
        steps = rate / np.where(sums > 0.0, sums, np.inf)
        worst = worst_regret(
            rounds, lambda t: float(steps[t - 1]), lazy=False, exact_length=True, lengths=SLOPE * lengths
        )
        return worst / (RADIUS * SLOPE)

    found = attack(learner, Ball(1.0, dimension=rounds + 1), rounds, evaluations=1200)
    assert found.regret.lower >= 0.9 * exact(np.ones(rounds))
    assert found.regret.lower <= exact(np.linalg.norm(found.rows, axis=1)) * (1.0 + 1e-6)


@pytest.mark.parametrize("rounds", [1, 2, 4, 7])
def test_adagrad_norm(rounds: int) -> None:
    """With gradients of one known length its step is known ahead: ``D / sqrt(2) / (SLOPE sqrt(t))``."""
    rate = 2.0 * RADIUS / np.sqrt(2.0) / SLOPE
    worst = worst_regret(rounds, lambda t: rate / np.sqrt(t), lazy=False, exact_length=True)
    assert worst <= bound_of(AdaGradNorm(), rounds) * (1.0 + 1e-6)


@pytest.mark.parametrize("rounds", [1, 2, 4, 7])
def test_follow_the_regularized_leader(rounds: int) -> None:
    """Primal-dual AdaGrad on a line, where gradients of one known length make ``H_t = SLOPE (1 + sqrt(t))``."""
    worst = worst_regret(rounds, lambda t: RADIUS / (SLOPE * (1.0 + np.sqrt(t))), lazy=True, exact_length=True)
    learner = PrimalDualFullMatrixAdaGrad()
    assert worst <= bound_of(learner, rounds) * (1.0 + 1e-6)
