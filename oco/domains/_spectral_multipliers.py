"""Method of multipliers for projections on the spectral-norm ball: right for any conditioning of the metric.

With x the projection of y the normal ``N = H(y - x)`` is the multiplier of the constraint. For a given N and penalty s

    phi(x) = |x - y|_H^2 / 2 + s dist(x + N / s, ball)^2 / 2

is convex with the continuous gradient ``H(x - y) + s rest(x + N / s)``, where the rest is the part that clipping the
singular values removes. x is its minimizer, and s times the rest there is the new N. In N this is the proximal point
method on a dual that is strongly convex with modulus 1 / largest(H), however small the other eigenvalues are: with s =
10 times largest(H) the error of N shrinks by a factor of 11 each time. s starts at the smallest eigenvalue and grows,
so that x moves from y toward the ball and every subproblem is as well conditioned as it can be.

Each minimum is found by Newton's method. The boundary is curved and H weighs some directions 1e12 times less than
others, so a full step leaves the valley of phi long before it overshoots along the valley, and a line search alone
would allow steps of some 1e-4. Hence the error of a step is corrected with the same matrix, and if that is not enough,
Newton's method is given `WATCHED` steps to return to the valley further down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from oco.decomposition import thin_svd
from oco.domains._singular_values import ClippedSingularValues
from oco.domains._vectors import euclidean_norm
from oco.metrics import DENSE_LIMIT
from oco.types import Array

FLOOR = 1e-13
"""The h of ``H + h I``, relative to the largest eigenvalue, for a singular H; proximal steps remove it again."""

MOST = 10.0
"""The largest penalty, relative to the largest eigenvalue. The normal's error is rounding times this penalty."""

GROWTHS = (3.0, 1.4)
"""Growth factors of the penalty (cubed while Newton converges fast); the second is used if the first fails."""

SETTLED = 1e-9
"""A point that moves by less, in units of the radius, has converged; asked only where H is singular."""
EASY_STEPS, NEWTON_LIMIT, CORRECTIONS, WATCHED, OUTER_LIMIT, PROXIMAL_LIMIT = 2, 40, 3, 5, 20, 5

Solve = Callable[[Array], Array]


def affordable(weights: Array) -> bool:
    """Whether W is of low rank, or small enough to form a matrix of its size."""
    return _low_rank(weights) or len(weights) <= DENSE_LIMIT


def _low_rank(weights: Array) -> bool:
    return bool(2 * weights.shape[1] <= weights.shape[0])


def multiplier_projection(y: Array, shift: float, weights: Array, radius: float) -> Array:
    """The projection of ``y`` in ``shift I + W W'``, whose largest eigenvalue is one; not certified here."""
    value = y
    for growth in GROWTHS:
        problem = _Problem(y, shift, weights, radius)
        value = _follow(problem, growth)
        if problem.solved(value, 0.0):
            break
    return value


def _follow(problem: _Problem, growth: float) -> Array:
    """Follow the path on which the penalty grows by ``growth``, or by its cube while Newton converges fast."""
    x, normal, penalty = problem.y, np.zeros_like(problem.y), problem.shift
    value = x
    for _ in range(PROXIMAL_LIMIT):
        last, outer = np.inf, 0
        while outer < OUTER_LIMIT:
            found, steps = problem.minimize(x, normal, penalty)
            moved = euclidean_norm(penalty * found.split.rest - normal)
            x, normal, before, value = found.x, penalty * found.split.rest, value, found.split.value
            if problem.solved(value, problem.added) and (
                # If H is singular, the inequality does not determine which minimizer is the limit.
                problem.added == 0.0 or euclidean_norm(value - before) <= SETTLED * problem.radius
            ):
                break
            if penalty == MOST:
                outer += 1
                if last / 2 <= moved <= 1e-14:
                    break
            last = moved
            penalty = min(growth ** (3 if steps <= EASY_STEPS else 1) * penalty, MOST)
        if problem.added == 0.0 or problem.solved(value, 0.0):
            break
        problem.center = value
    return value


class _Look(NamedTuple):
    """The quantities evaluated at a point x."""

    x: Array
    split: ClippedSingularValues
    """The singular values of ``x + N / s``, clipped."""
    pull: Array
    """``(H + added I)(x - y)``, the added part around the center."""
    gradient: Array
    """Of phi."""


class _Problem:
    """The projection of y in ``H + added I`` with the added part around ``center``: y, or the last proximal point."""

    def __init__(self, y: Array, shift: float, weights: Array, radius: float) -> None:
        self.y, self.center, self.radius, self.weights = y, y, radius, weights
        self.shift = max(shift, FLOOR)
        self.given, self.added = shift, self.shift - shift

    def _apply(self, shift: float, offset: Array) -> Array:
        flat = offset.ravel()
        product: Array = shift * flat + self.weights @ (self.weights.T @ flat)
        return product.reshape(offset.shape)

    def _pull(self, x: Array, added: float) -> Array:
        return self._apply(self.given, x - self.y) + added * (x - self.center)

    def solved(self, x: Array, added: float) -> bool:
        """Whether the variational inequality holds at ``x``, in the ball, to about a tenth of the promised residual."""
        normal = -self._pull(x, added)
        gap = self.radius * float(np.linalg.svd(normal, compute_uv=False).sum()) - float(np.vdot(normal, x))
        reach = 2.0 * self.radius * np.sqrt(min(x.shape))
        size = euclidean_norm(x) + euclidean_norm(self.y)
        return bool(gap <= 1e-15 * reach * size + 1e-12 * max(float(np.vdot(normal, self.y - x)), 0.0))

    def minimize(self, x: Array, normal: Array, penalty: float) -> tuple[_Look, int]:
        """The minimizer of phi, found from ``x``, and the number of Newton steps."""
        shifted = normal / penalty

        def look(at: Array) -> _Look:
            split, pull = ClippedSingularValues(at + shifted, self.radius), self._pull(at, self.added)
            return _Look(at, split, pull, pull + penalty * split.rest)

        def rise(there: _Look) -> float:
            """``phi(there) - phi(here)``, summed from differences because phi itself has too few digits."""
            step = there.x - here.x
            longer, both = there.split.excess - here.split.excess, there.split.excess + here.split.excess
            bend = float(np.vdot(step, self._apply(self.shift, step))) + penalty * float(longer @ both)
            return float(np.vdot(here.pull, step)) + 0.5 * bend

        def corrected(solve: Solve, step: Array, length: float, enough: float) -> _Look:
            """The end of a step of ``length``, with corrections until phi has risen by no more than ``enough``."""
            trial = look(here.x + length * step)
            change, last = rise(trial), -length * float(np.vdot(here.gradient, step))
            for _ in range(CORRECTIONS):
                # An exact step would leave (1 - length) of the gradient.
                missed = trial.gradient - (1.0 - length) * here.gradient
                correction = -solve(missed)
                size = -float(np.vdot(missed, correction))
                if size >= 0.25 * last:
                    break
                better = look(trial.x + correction)
                if change <= enough and rise(better) >= change:
                    break
                trial, change, last = better, rise(better), size
            return trial

        def watched(there: _Look, enough: float) -> _Look:
            """Newton steps from ``there`` until phi has risen by no more than ``enough``."""
            for _ in range(WATCHED):
                there = look(there.x - self._solver(there.split, penalty)(there.gradient))
                if rise(there) <= enough:
                    break
            return there

        here, steps = look(x), 0
        while steps < NEWTON_LIMIT:
            steps += 1
            solve = self._solver(here.split, penalty)
            step, length = -solve(here.gradient), 1.0
            enough = 1e-4 * float(np.vdot(here.gradient, step))
            there = corrected(solve, step, length, enough)
            if rise(there) > enough:
                there = watched(there, enough)
            while rise(there) > length * enough and length > 1e-14:
                length /= 3.0
                there = corrected(solve, step, length, length * enough)
            if rise(there) > length * enough:
                break
            here = there
            left, change = euclidean_norm(here.gradient), euclidean_norm(penalty * here.split.rest - normal)
            if left <= 1e-3 * change + 1e-17 * x.size:
                break
        return here, steps

    def _solver(self, split: ClippedSingularValues, penalty: float) -> Solve:
        """``v -> (H + added I + penalty R)^{-1} v`` with R the derivative of the rest."""
        shape, count = self.y.shape, self.weights.shape[1]
        if _low_rank(self.weights):
            # R is diagonal in the singular vectors, and W adds a term of low rank.
            roots = [1.0 / np.sqrt(self.shift + penalty * part) for part in (split.even, split.odd, split.outer)]
            scaled = split.multiplied(self.weights.T.reshape(count, *shape), *roots).reshape(count, -1).T
            basis, singular, _ = thin_svd(scaled)
            share = singular**2 / (1.0 + singular**2)

            def solve_low_rank(right_side: Array) -> Array:
                half = split.multiplied(right_side, *roots).ravel()
                half = half - basis @ (share * (basis.T @ half))
                return split.multiplied(half.reshape(shape), *roots)

            return solve_low_rank
        from scipy.linalg import lu_factor, lu_solve

        identity = np.eye(self.y.size)
        slopes = split.rest_slope(identity.reshape(-1, *shape)).reshape(self.y.size, -1)
        matrix = self.shift * identity + self.weights @ self.weights.T + 0.5 * penalty * (slopes + slopes.T)
        factors = lu_factor(matrix)

        def solve_dense(right_side: Array) -> Array:
            solution: Array = lu_solve(factors, right_side.ravel())
            return solution.reshape(shape)

        return solve_dense
