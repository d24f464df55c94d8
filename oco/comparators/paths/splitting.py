"""Alternating directions of multipliers for the best sequence of points within a budget."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from oco.comparators.paths.batches import Batch, Minorants
from oco.comparators.paths.certificates import Known, Line, loss_of, lower_line
from oco.comparators.paths.measures import Measure
from oco.comparators.paths.region import Rows
from oco.types import Array

_EVERY = 25
"""Iterations between two certificates, which cost about as much as five of them."""
_RELAXED = 1.6
"""Over-relaxation, between 1 and 2; the usual value."""
_UNBALANCED, _SHIFT = 5.0, 2.0
"""How unequal the primal and the dual residual may be before a penalty is changed, and by which factor it is."""
_CHANGES = 14
"""Most changes of a penalty for one budget: with forever changing penalties the iteration need not converge."""


class Splitting:
    """Finds sequences and dual potentials, and offers them to what is `Known`; no interval relies on it.

    With x_t for the losses, v_b for the domain and e for the steps, of a sequence u with one point for each block of
    rounds,

        min sum_t f_t(x_t)  with  v_b in K,  norm(e) <= radius,  x_t = u_{b(t)},  v = u,  e = D u,

    each part is solved in closed form or by bisection, and u by a tridiagonal system. The penalty of the steps starts
    high, so that long segments move as one, and falls as the residuals ask for. An iteration costs O(T d).

    Parameters
    ----------
    batch
        The losses of T rounds.
    rows, measure
        The domain, and how paths are measured.
    length
        Rounds in a block.
    start
        ``(d,)``, a point of the domain.
    """

    def __init__(self, batch: Batch, rows: Rows, measure: Measure, length: int, start: Array) -> None:
        self._batch, self._rows, self._measure, self._start = batch, rows, measure, start
        self._firsts = np.arange(0, batch.rounds, length)
        self._counts = np.diff(np.append(self._firsts, batch.rounds)).astype(float)
        self._block = np.repeat(np.arange(self._firsts.size), self._counts.astype(int))
        blocks = self._firsts.size
        self.point: Array = np.tile(start, (blocks, 1))
        sizes = batch.evaluate(self.each_round(self.point))[1]
        scale = max(float(np.linalg.norm(start)), rows.reach(self.point) if rows.bounded else 1.0, 1e-12)
        self._penalty = max(float(np.sqrt(np.mean(sizes**2))), 1e-12) / scale
        self._unit = self._penalty
        self._scale = scale
        self._loss_dual: Array = np.zeros((batch.rounds, batch.dimension))
        self._set_dual: Array = np.zeros((blocks, batch.dimension))
        self._step_dual: Array = np.zeros((blocks - 1, batch.dimension))

    def each_round(self, points: Array) -> Array:
        """The points of the blocks, one for every round."""
        repeated: Array = points[self._block]
        return repeated

    def search(self, radius: float, known: Known, iterations: int, allowed: float) -> None:
        """Iterate until what is known of ``radius`` is an interval no wider than ``allowed``."""
        # Duals are kept in their own unit, so that penalties may change between budgets.
        penalty, stiffness, changes = self._penalty, self._first_stiffness(radius), 0
        loss_dual, set_dual, step_dual = self._loss_dual, self._set_dual, self._step_dual
        point, factor = self.point, self._factor(penalty, stiffness)
        for iteration in range(1, iterations + 1):
            repeated, steps = self.each_round(point), np.diff(point, axis=0)
            near, minorants = self._batch.proximal(repeated - loss_dual / penalty, 1.0 / penalty)
            inside = self._rows.project(point - set_dual / penalty)
            short = self._measure.project(steps - step_dual / stiffness, radius)
            if iteration % _EVERY == 0 or iteration == iterations:
                normals = penalty * (point - inside) - set_dual
                held = stiffness * (steps - short) - step_dual
                self._offer(radius, known, inside, minorants, normals, held)
                if known.upper(radius)[0] - known.lower(radius)[0] <= allowed:
                    break
            relaxed = _relaxed(near, repeated), _relaxed(inside, point), _relaxed(short, steps)
            right = np.add.reduceat(penalty * relaxed[0] + loss_dual, self._firsts, axis=0)
            right += penalty * relaxed[1] + set_dual + _spread(stiffness * relaxed[2] + step_dual)
            before, point = point, linalg.cho_solve_banded((factor, False), right, check_finite=False)
            repeated, steps = self.each_round(point), np.diff(point, axis=0)
            loss_dual = loss_dual + penalty * (relaxed[0] - repeated)
            set_dual = set_dual + penalty * (relaxed[1] - point)
            step_dual = step_dual + stiffness * (relaxed[2] - steps)
            if iteration % _EVERY == 0 and changes < _CHANGES:
                change = point - before
                apart = np.hypot(np.linalg.norm(near - repeated), np.linalg.norm(inside - point))
                moved = np.linalg.norm(change * np.sqrt(self._counts + 1.0)[:, None])
                penalty, one = _balanced(penalty, self._unit * float(apart), penalty * float(moved))
                apart, moved = np.linalg.norm(short - steps), np.linalg.norm(np.diff(change, axis=0))
                stiffness, other = _balanced(stiffness, self._unit * float(apart), stiffness * float(moved))
                if one or other:
                    changes += 1
                    factor = self._factor(penalty, stiffness)
        self.point, self._penalty = point, penalty
        self._loss_dual, self._set_dual, self._step_dual = loss_dual, set_dual, step_dual

    def _first_stiffness(self, radius: float) -> float:
        """As stiff as moves segments as one of which there are twenty for every diameter that the path may go."""
        blocks = self._firsts.size
        segments = 20.0 * (1.0 + self._measure.longest(radius, blocks) / self._scale)
        return self._unit * max(1.0, blocks / segments) ** 2

    def _factor(self, penalty: float, stiffness: float) -> Array:
        diagonal = penalty * (self._counts + 1.0) + 2.0 * stiffness
        diagonal[[0, -1]] -= stiffness
        bands = np.vstack([np.full(diagonal.size, -stiffness), diagonal])
        factor: Array = linalg.cholesky_banded(bands, check_finite=False)
        return factor

    def _offer(
        self, radius: float, known: Known, inside: Array, minorants: Minorants, normals: Array, held: Array
    ) -> None:
        measure = self._measure
        for anchor in (self._start, inside.mean(axis=0)):
            norm = measure.norm(np.diff(inside, axis=0)) * (1.0 + 1e-12)
            share = 1.0 if norm <= radius else radius / norm
            points = anchor + share * (inside - anchor)
            known.offer(min(share * norm, radius), loss_of(self._batch, self.each_round(points), self._rows), points)
        reach = self._rows.reach(inside)
        pushes = minorants.gradients + self.each_round(normals / self._counts[:, None])
        potentials = np.cumsum(pushes, axis=0)[:-1]
        best = Line(-np.inf, 0.0, np.inf)
        largest, meant = measure.dual(potentials), measure.dual(held)
        sizes = np.linspace(min(meant, largest), largest, 3) if radius < np.inf else np.zeros(1)
        for size in sizes:
            line = lower_line(minorants, measure.shortened(potentials, float(size)), self._rows, measure, reach)
            best = max(best, line, key=lambda one: one.height - (one.slope * radius if one.slope else 0.0))
        known.lines.append(best)


def _relaxed(new: Array, old: Array) -> Array:
    return _RELAXED * new + (1.0 - _RELAXED) * old


def _spread(steps: Array) -> Array:
    """``D' steps``, with ``D u`` the steps of u."""
    padded = np.pad(steps, ((1, 1), (0, 0)))
    spread: Array = padded[:-1] - padded[1:]
    return spread


def _balanced(penalty: float, apart: float, moved: float) -> tuple[float, bool]:
    """The penalty after comparing the primal residual with the dual one, and whether it changed."""
    if apart > _UNBALANCED * moved:
        return penalty * _SHIFT, True
    if moved > _UNBALANCED * apart:
        return penalty / _SHIFT, True
    return penalty, False
