"""Every bound is its theorem's formula, worked out anew from the gradients: no constant, term or factor is missing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from oco.domains import Ball, Box, FrobeniusBall, Simplex
from oco.domains.base import Domain
from oco.learners import LEARNERS, OGD, AdaptiveFDAdaGrad, FDAdaGrad, OnlineNewtonStep, SketchedOneSidedShampoo
from oco.types import Array

from . import rival_formulas as rivals
from .streams import given, play, play_linear
from .test_every_bound import ELSEWHERE

ROUNDS, SIZE = 24, 5


def exact_sketch(rows: Array, rank: int, keep: int | None = None, at_once: int = 1) -> tuple[Array, Array]:
    """All eigenvalues of a Frequent Directions sketch, and what escaped in every round, by dense arithmetic.

    ``rows`` come ``at_once`` by ``at_once``; when there are more than ``rank`` directions the first ``keep`` remain.
    """
    dimension = rows.shape[1]
    keep = rank if keep is None else keep
    sketch, escaped = np.zeros((dimension, dimension)), []
    for start in range(0, len(rows), at_once):
        part = rows[start : start + at_once]
        values, vectors = np.linalg.eigh(sketch + part.T @ part)
        values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
        cut = 0.0
        if np.count_nonzero(values > 1e-12 * values[0]) > rank:
            cut = float(values[keep])
            values = np.where(np.arange(dimension) < keep, np.maximum(values - cut, 0.0), 0.0)
        escaped.append(cut)
        sketch = (vectors * values) @ vectors.T
    kept = np.linalg.eigvalsh(sketch)[::-1]
    return np.where(kept > 1e-13 * kept[0], kept, 0.0), np.array(escaped)


@dataclass(frozen=True)
class Facts:
    """What a formula is made of: lengths of the domain, sums over gradients, and the keywords of the learner."""

    diameter: float
    max_diameter: float  # in the max norm; of matrices in the spectral norm
    reach: float  # from the start to the farthest point
    max_reach: float
    gradients: Array
    keywords: dict[str, Any]

    @property
    def rows(self) -> Array:
        rows: Array = self.gradients.reshape(len(self.gradients), -1)
        return rows

    @property
    def longest(self) -> float:
        return float(np.linalg.norm(self.rows, axis=1).max())

    @property
    def squares(self) -> float:
        return float(np.sum(self.gradients**2))

    @property
    def columns(self) -> float:
        """``sum_i |g_{1:T,i}|_2``."""
        return float(np.sum(np.linalg.norm(self.rows, axis=0)))

    @property
    def values(self) -> Array:
        """Eigenvalues of the gradient covariance, falling."""
        return np.maximum(np.linalg.eigvalsh(self.rows.T @ self.rows)[::-1], 0.0)

    @property
    def trace(self) -> float:
        return float(np.sum(np.sqrt(self.values)))

    def omega(self, size: int) -> float:
        """``min_{j < size} (sum_{i > j} lambda_i) / (size - j)``."""
        return min(float(np.sum(self.values[j:])) / (size - j) for j in range(size))


def ogd(f: Facts) -> dict[str, float]:
    rate = f.keywords.get("learning_rate", f.diameter / f.longest)
    schedule = f.keywords.get("schedule", "sqrt")
    if schedule == "strongly_convex":
        return {"": rate / 2.0 * f.longest**2 * (1.0 + math.log(ROUNDS))}
    if schedule == "constant":
        return {"": f.diameter**2 / (2.0 * rate) + rate / 2.0 * f.squares}
    return {"": f.diameter**2 * math.sqrt(ROUNDS) / (2.0 * rate) + rate * f.longest**2 * math.sqrt(ROUNDS)}


def adagrad_norm(f: Facts) -> dict[str, float]:
    return {"": math.sqrt(2.0) * f.diameter * math.sqrt(f.squares)}


def diagonal_adagrad(f: Facts) -> dict[str, float]:
    root = float(np.sum(np.sqrt(np.sum(f.rows**2, axis=0) + f.keywords.get("delta", 0.0))))
    return {"": f.max_diameter / math.sqrt(2.0) * (root + f.columns)}


def primal_dual(f: Facts, trace: float, reach: float, ridge: float) -> dict[str, float]:
    start = ridge / reach * f.reach**2
    halved = start / 2.0 + 1.5 * reach * trace
    return {"": start + 2.0 * reach * trace, "first terms halved (derived here)": halved}


def primal_dual_diagonal(f: Facts) -> dict[str, float]:
    return primal_dual(f, f.columns, f.max_reach, f.keywords.get("ridge", f.longest))


def primal_dual_full(f: Facts) -> dict[str, float]:
    return primal_dual(f, f.trace, f.reach, f.keywords.get("ridge", f.longest))


def full_matrix_adagrad(f: Facts) -> dict[str, float]:
    rate = f.diameter / math.sqrt(2.0)
    added = SIZE * math.sqrt(f.keywords.get("delta", 0.0))
    return {"": f.diameter**2 / (2.0 * rate) * (f.trace + added) + rate * f.trace}


def adaptive_fd_adagrad(f: Facts) -> dict[str, float]:
    weight, tolerance = f.diameter / math.sqrt(2.0), f.keywords.get("tolerance", 1.0)
    if "max_rank" in f.keywords:  # which is reached at once, and the tolerance is broken
        kept, each = exact_sketch(f.rows, f.keywords["max_rank"])
        tolerance = float(np.sum(np.sqrt(kept + each.sum()))) / float(np.sum(np.sqrt(kept))) - 1.0
    return {"": weight * ((2.0 + tolerance) * f.trace), "full-matrix AdaGrad": weight * 2.0 * f.trace}


def fd_adagrad(f: Facts) -> dict[str, float]:
    rank, weight = f.keywords["rank"], f.diameter / math.sqrt(2.0)
    added = SIZE * math.sqrt(f.keywords.get("delta", 0.0))
    if rank >= SIZE:
        return full_matrix_adagrad(f)
    kept, each = exact_sketch(f.rows, rank)
    escaped, omega = float(each.sum()), f.omega(rank + 1)
    outside = SIZE * (SIZE - rank - 1)
    sketched = float(np.sum(np.sqrt(kept + escaped + f.keywords.get("delta", 0.0))))
    return {
        "": weight * (2.0 * f.trace + SIZE * math.sqrt(omega) + added),
        "Corollary 4": weight * (2.0 * f.trace + math.sqrt(outside * omega) + added),
        "Theorem 3 with the escaped mass": weight * (2.0 * f.trace + SIZE * math.sqrt(escaped) + added),
        "Corollary 4 with the escaped mass": weight * (2.0 * f.trace + math.sqrt(outside * escaped) + added),
        "a posteriori": weight * (sketched + f.trace),
    }


def ada_fd(f: Facts, doubled: bool = False) -> dict[str, float]:
    rank, ridge, rate = f.keywords["rank"], f.keywords.get("ridge", 1.0), f.diameter / math.sqrt(2.0)
    held = 2 * rank if doubled else rank
    kept, each = exact_sketch(f.rows, min(held, SIZE), min(rank, SIZE))
    shrunk, trace = min(held + 1, SIZE), float(np.sum(np.sqrt(kept)))
    first = ridge + trace + shrunk * float(np.sum(np.sqrt(each)))
    return {"": f.diameter**2 / (2.0 * rate) * first + rate / 2.0 * (2.0 * trace + shrunk / ridge * float(each.sum()))}


def ftsl(f: Facts, doubled: bool = False) -> dict[str, float]:
    rank, rate = f.keywords["rank"], f.reach / math.sqrt(2.0)
    kept, each = exact_sketch(f.rows, min(2 * rank if doubled else rank, SIZE), min(rank, SIZE))
    first = f.keywords.get("ridge", f.longest) + math.sqrt(float(kept[0]) + float(each.sum()))
    return {"": f.reach**2 / (2.0 * rate) * first + rate * f.trace}


def newton_weights(f: Facts, exponent: float = 0.5) -> Array:
    rate, exponent = f.keywords.get("learning_rate", 1.0), f.keywords.get("exponent", exponent)
    return 1.0 / (rate * np.arange(1.0, ROUNDS + 1.0) ** exponent)


def newton_slack(f: Facts, weights: Array) -> float:
    return 0.5 * ridge_of(f) * f.reach**2 + 0.5 * (f.longest * f.diameter) ** 2 * float(weights.sum())


def ridge_of(f: Facts) -> float:
    return float(f.keywords.get("ridge", 1.0))


def son(f: Facts) -> dict[str, float]:
    weights = newton_weights(f)
    slack = newton_slack(f, weights)
    matrix = np.eye(SIZE) + (f.rows * weights[:, None]).T @ f.rows / ridge_of(f)
    return {
        "": slack + SIZE / (2.0 * weights[-1]) * math.log(1.0 + weights[0] * f.squares / (SIZE * ridge_of(f))),
        "observed log-determinant": slack + float(np.linalg.slogdet(matrix)[1]) / (2.0 * weights[-1]),
    }


def fd_son(f: Facts) -> dict[str, float]:
    weights, rank = newton_weights(f), f.keywords["rank"]
    slack = newton_slack(f, weights)
    kept, each = exact_sketch(np.sqrt(weights)[:, None] * f.rows, min(rank, SIZE))
    ridge, last = ridge_of(f), 2.0 * weights[-1]
    shrunk, escaped = min(rank + 1, SIZE), float(each.sum()) / ridge
    growth = shrunk * math.log(1.0 + float(kept.sum()) / (shrunk * ridge))
    determinant = float(np.sum(np.log(1.0 + kept / ridge)))
    return {
        "": slack + (growth + shrunk * escaped) / last,
        "observed log-determinant": slack + (determinant + shrunk * escaped) / last,
        "with Omega": slack + (growth + shrunk * weights[0] * f.omega(rank + 1) / ridge) / last,
    }


def rfd_son(f: Facts) -> dict[str, float]:
    weights, rank = newton_weights(f, exponent=1.0), f.keywords["rank"]
    slack = newton_slack(f, weights)
    kept, each = exact_sketch(np.sqrt(weights)[:, None] * f.rows, min(rank, SIZE))
    shrunk, escaped, last = min(rank + 1, SIZE), float(each.sum()), 2.0 * weights[-1]
    ridge, alpha = ridge_of(f), ridge_of(f) + escaped / 2.0
    grown = math.log(alpha / ridge)
    rest = shrunk * grown / last + f.diameter**2 * escaped / 4.0
    growth = shrunk * math.log(float(kept.sum()) / (shrunk * ridge) + alpha / ridge) + (SIZE - shrunk) * grown
    determinant = float(np.sum(np.log((kept + alpha) / ridge)))
    return {"": slack + growth / last + rest, "observed log-determinant": slack + determinant / last + rest}


def amsgrad(f: Facts) -> dict[str, float]:
    mean, largest = np.zeros(SIZE), np.zeros(SIZE)
    for row in f.rows:
        mean = 0.999 * mean + 0.001 * row**2
        largest = np.maximum(largest, mean)
    first = (
        f.max_diameter**2
        * math.sqrt(ROUNDS)
        / (2.0 * 0.1)
        * float(np.sum(np.sqrt(largest) + f.keywords.get("epsilon", 0.0)))
    )
    return {"": first + 0.1 * math.sqrt((1.0 + math.log(ROUNDS)) / 0.001) / 2.0 * f.columns}


def coin_betting(f: Facts) -> dict[str, float]:
    logarithm = math.log(1.0 + 24.0 * ROUNDS**2 * f.reach**2)
    return {"": f.longest * f.reach * math.sqrt(ROUNDS * logarithm) + f.longest}


def hedge(f: Facts) -> dict[str, float]:
    entries = np.abs(f.rows).max(axis=1)
    rate = f.keywords.get("learning_rate", math.sqrt(2.0 * math.log(SIZE) / ROUNDS) / float(entries.max()))
    total = 3.0  # of the weights on the simplex below
    return {"": total * (math.log(SIZE) / rate + rate / 2.0 * float(np.sum(entries**2)))}


def fixed_share(f: Facts) -> dict[str, float]:
    share = f.keywords.get("share", 1.0 / (ROUNDS - 1))
    one_switch = 2.0 * math.log(SIZE) - math.log(share) - (ROUNDS - 2) * math.log(1.0 - share)
    rate = math.sqrt(8.0 * one_switch / ROUNDS) / (2.0 * float(np.abs(f.rows).max()))
    rate = f.keywords.get("learning_rate", rate)
    none = math.log(SIZE) - (ROUNDS - 1) * math.log(1.0 - share)
    return {"": 3.0 * (none / rate + rate / 8.0 * float(np.sum(np.ptp(f.rows, axis=1) ** 2)))}


def ader(f: Facts) -> dict[str, float]:
    """The experts are played one by one on the gradients, for the ranges of their losses."""
    domain: Domain = Ball(1.5, dimension=SIZE) if f.diameter == 3.0 else Box(1.0, 3.0, dimension=SIZE)
    base = f.keywords.get("base", OGD(schedule="constant"))
    first = base.learning_rate or f.diameter / (f.longest * math.sqrt(ROUNDS))
    count = f.keywords.get("experts", math.ceil(0.5 * math.log2(1.0 + 2.0 * ROUNDS)) + 1)
    alone = [type(base)(**(base.hyperparameters() | {"learning_rate": first * 2.0**i})) for i in range(count)]
    prior = np.array([1.0 / (i * (i + 1.0)) for i in range(1, count + 1)])
    squared_ranges, bounds = 0.0, []
    plays = [play(expert, domain, f.gradients, gradient_bound=f.longest)[:-1] for expert in alone]
    for t, row in enumerate(f.rows):
        squared_ranges += float(np.ptp([row @ points[t] for points in plays])) ** 2
    rate = math.sqrt(8.0 / ROUNDS) / (f.longest * f.diameter)
    for i, expert in enumerate(alone):
        eta = float(expert.learning_rate)
        own = f.diameter**2 / (2.0 * eta) + 0.5 * eta * f.squares
        if isinstance(base, FDAdaGrad):
            own = f.diameter**2 / (2.0 * eta) * (f.trace + SIZE * math.sqrt(f.omega(3))) + eta * f.trace
        bounds.append(own - math.log(prior[i] / prior.sum()) / rate + rate / 8.0 * squared_ranges)
    return {"": min(bounds)}


def saol(f: Facts) -> dict[str, float]:
    """24 rounds are 1, 2-3, 4-7, 8-15, 16-23 and 24; each copy of descent has its theorem's bound."""
    scale, total = f.longest * f.diameter, 0.0
    base = f.keywords.get("base", OGD(schedule="constant"))
    for last, length in ((1, 1), (3, 2), (7, 4), (15, 8), (23, 8), (24, 1)):
        own = scale * math.sqrt(length)
        if base.learning_rate is not None:
            own = math.sqrt(length) * (f.diameter**2 / (2.0 * base.learning_rate) + base.learning_rate * f.longest**2)
        rate = min(0.5, length**-0.5)
        total += own + scale * (math.log(2.0 * last) / rate + rate * length)
    return {"": total}


def optimistic_hedge(f: Facts) -> dict[str, float]:
    rate = math.sqrt(math.log(SIZE) / (2.0 * ROUNDS)) / float(np.abs(f.rows).max())
    rate = f.keywords.get("learning_rate", rate)
    changes = np.abs(np.diff(f.rows, axis=0, prepend=0.0)).max(axis=1)
    return {"": 3.0 * (math.log(SIZE) / rate + rate / 2.0 * float(np.sum(changes**2)))}


def regret_matching(f: Facts) -> dict[str, float]:
    regrets, squares, point = np.zeros(SIZE), 0.0, np.full(SIZE, 1.0 / SIZE)
    for row in f.rows:
        squares += float(np.sum((row @ point - row) ** 2))
        regrets = regrets + row @ point - row
        regrets = np.maximum(regrets, 0.0) if f.keywords.get("plus") else regrets
        positive = np.maximum(regrets, 0.0)
        point = positive / positive.sum() if positive.any() else np.full(SIZE, 1.0 / SIZE)
    return {"": 3.0 * math.sqrt(squares)}


SHAPE = (3, 2)


def trace_power(values: Array, power: float, added: float = 0.0) -> float:
    return float(np.sum((np.maximum(values, 0.0) + added) ** power))


def sides(f: Facts) -> tuple[Array, Array]:
    left = sum(g @ g.T for g in f.gradients)
    right = sum(g.T @ g for g in f.gradients)
    return np.linalg.eigvalsh(left), np.linalg.eigvalsh(right)


def sketched_side(f: Facts, left: bool, power: float) -> float:
    rows = np.concatenate([g.T if left else g for g in f.gradients])
    width = rows.shape[1]
    kept, each = exact_sketch(rows, min(f.keywords["rank"], width), at_once=SHAPE[1] if left else SHAPE[0])
    return trace_power(kept, power, float(each.sum()) + f.keywords.get("delta", 0.0))


def shampoo(f: Facts) -> dict[str, float]:
    left, right = (trace_power(side, 0.25, f.keywords.get("delta", 0.0)) for side in sides(f))
    return {"": math.sqrt(2.0 * 2.0) * f.diameter * left * right}  # of rank 2: 2 sqrt(D^2 r / 2)


def one_sided_shampoo(f: Facts) -> dict[str, float]:
    return {"": math.sqrt(2.0) * f.max_diameter * trace_power(sides(f)[0], 0.5, f.keywords.get("delta", 0.0))}


def sketched_shampoo(f: Facts) -> dict[str, float]:
    return {"": math.sqrt(4.0) * f.diameter * sketched_side(f, True, 0.25) * sketched_side(f, False, 0.25)}


def sketched_one_sided_shampoo(f: Facts) -> dict[str, float]:
    return {"": math.sqrt(2.0) * f.max_diameter * sketched_side(f, True, 0.5)}


def implicit_ogd(f: Facts) -> dict[str, float]:
    """On linear losses the gap is ``eta |g|^2 / 2``."""
    rate = f.keywords.get("learning_rate", f.diameter / f.longest)
    constant = f.keywords.get("schedule") == "constant"
    steps = np.full(ROUNDS, rate) if constant else rate / np.sqrt(np.arange(1, ROUNDS + 1))
    start = f.diameter**2 / (2.0 * steps[-1])
    more = 0.5 * rate * f.squares if constant else rate * math.sqrt(ROUNDS) * f.longest**2
    gaps = 0.5 * float(steps @ np.sum(f.rows**2, axis=1))
    return {"": start + gaps, "with gradients for gaps": start + more}


def optimistic_ogd(f: Facts) -> dict[str, float]:
    """The hint is the last gradient, of round 1 zero."""
    rate = f.keywords.get("learning_rate", f.diameter / math.sqrt(2.0))
    error = f.keywords.get("error_bound", 2.0 * f.longest)
    squares = float(np.sum(np.diff(f.rows, axis=0, prepend=0.0) ** 2))
    return {"": f.diameter**2 / (2.0 * rate) * math.sqrt(error**2 + squares) + rate * math.sqrt(squares)}


def optimistic_fd_adagrad(f: Facts) -> dict[str, float]:
    """The sketch is of the differences of gradients, whose hints are the last ones."""
    rate = f.keywords.get("learning_rate", f.diameter / math.sqrt(2.0))
    kept, escaped = exact_sketch(np.diff(f.rows, axis=0, prepend=0.0), f.keywords["rank"])
    beyond = 4.0 * f.longest**2 + float(escaped.sum())
    return {"": (f.diameter**2 / (2.0 * rate) + rate) * float(np.sum(np.sqrt(kept + beyond)))}


def delayed_ogd(f: Facts) -> dict[str, float]:
    rate = f.keywords.get("learning_rate", f.diameter / (f.longest * math.sqrt(ROUNDS)))
    return {"": f.diameter**2 / (2.0 * rate) + 0.5 * rate * f.squares}


def optimistic_ftrl(f: Facts) -> dict[str, float]:
    """The hint is the last gradient, of round 1 zero; the ridge is twice the largest entry."""
    rate = f.keywords.get("learning_rate", f.max_reach / math.sqrt(2.0))
    roots = float(np.sum(np.linalg.norm(np.diff(f.rows, axis=0, prepend=0.0), axis=0)))
    start = SIZE * 2.0 * float(np.abs(f.rows).max()) + roots
    return {"": f.max_reach**2 / (2.0 * rate) * start + rate * roots}


def delayed_adagrad(f: Facts) -> dict[str, float]:
    rate = f.keywords.get("learning_rate", f.max_diameter / math.sqrt(2.0))
    root = float(np.sum(np.sqrt(np.sum(f.rows**2, axis=0) + f.keywords.get("delta", 0.0))))
    return {"": f.max_diameter**2 / (2.0 * rate) * root + rate * f.columns}


def vertex(f: Facts, slope: Array) -> Array:
    """Where a linear function is least: on the ball around the origin, or on the box from 1 to 3."""
    return -1.5 * slope / np.linalg.norm(slope) if f.reach == 1.5 else np.where(slope > 0.0, 1.0, 3.0)


def online_frank_wolfe(f: Facts) -> dict[str, float]:
    rate = f.keywords.get("learning_rate", f.diameter / (2.0 * f.longest * ROUNDS**0.75))
    start = np.zeros(SIZE) if f.reach == 1.5 else np.full(SIZE, 2.0)
    point, total, slack = start, np.zeros(SIZE), 0.0
    for index, row in enumerate(f.rows, start=1):
        ascent = rate * total + 2.0 * (point - start)
        if ascent.any():
            move = vertex(f, ascent) - point
            slack += float(np.linalg.norm(row)) * math.sqrt(-float(ascent @ move))
            point = point + min(1.0, 2.0 / math.sqrt(index)) * move
        total = total + row
    return {
        "": f.reach**2 / rate + rate / 4.0 * f.squares + slack,
        "printed: 8 D G T^(3/4)": math.nan if f.keywords else 8.0 * f.diameter * f.longest * ROUNDS**0.75,
    }


def blocked_frank_wolfe(f: Facts) -> dict[str, float]:
    """Blocks of five rounds at the defaults, the last one not finished; of three, all finished, if given."""
    length = f.keywords.get("block_length", 5)
    accuracy = f.keywords.get("tolerance", f.diameter**2 / math.sqrt(ROUNDS))
    rate = f.keywords.get("learning_rate", 2.0 * f.reach / (f.longest * math.sqrt(ROUNDS * length)))
    start = np.zeros(SIZE) if f.reach == 1.5 else np.full(SIZE, 2.0)
    point, total, gap, squares, slack = start, np.zeros(SIZE), 0.0, 0.0, 0.0
    for begin in range(0, ROUNDS, length):
        block = f.rows[begin : begin + length].sum(axis=0)
        squares += float(block @ block)
        slack += float(np.linalg.norm(block)) * math.sqrt(gap)
        total = total + block
        while True:
            ascent = rate * total + 2.0 * (point - start)
            move = vertex(f, ascent) - point
            gap = -float(ascent @ move)
            if gap <= accuracy:
                break
            point = point + min(1.0, gap / (2.0 * float(move @ move))) * move
    return {"": f.reach**2 / rate + rate / 4.0 * squares + slack}


def primal_dual_ogd(f: Facts) -> dict[str, float]:
    """Of a constraint that is zero the multiplier stays zero."""
    rate = min(f.diameter / (f.longest * math.sqrt(ROUNDS)), 0.25 / f.longest)
    rate = f.keywords.get("learning_rate", rate)
    return {"": f.reach**2 / (2.0 * rate) + 0.5 * rate * f.squares}


FORMULAS: dict[str, Callable[[Facts], dict[str, float]]] = {
    "ogd": ogd,
    "adagrad_norm": adagrad_norm,
    "diagonal_adagrad": diagonal_adagrad,
    "primal_dual_diagonal_adagrad": primal_dual_diagonal,
    "full_matrix_adagrad": full_matrix_adagrad,
    "primal_dual_full_matrix_adagrad": primal_dual_full,
    "primal_dual_ada_fd": lambda f: primal_dual(f, f.trace, f.reach, f.keywords.get("ridge", 1.0)),
    "adaptive_fd_adagrad": adaptive_fd_adagrad,
    "fd_adagrad": fd_adagrad,
    "ada_fd": ada_fd,
    "ada_ffd": lambda f: ada_fd(f, doubled=True),
    "ftsl": ftsl,
    "ftfsl": lambda f: ftsl(f, doubled=True),
    "son": son,
    "fd_son": fd_son,
    "rfd_son": rfd_son,
    "amsgrad": amsgrad,
    "coin_betting": coin_betting,
    **rivals.FORMULAS,
    "hedge": hedge,
    "ader": ader,
    "saol": saol,
    "fixed_share": fixed_share,
    "optimistic_hedge": optimistic_hedge,
    "regret_matching": regret_matching,
    "shampoo": shampoo,
    "one_sided_shampoo": one_sided_shampoo,
    "sketched_shampoo": sketched_shampoo,
    "sketched_one_sided_shampoo": sketched_one_sided_shampoo,
    "implicit_ogd": implicit_ogd,
    "optimistic_ogd": optimistic_ogd,
    "delayed_ogd": delayed_ogd,
    "optimistic_fd_adagrad": optimistic_fd_adagrad,
    "primal_dual_ogd": primal_dual_ogd,
    "optimistic_ftrl": optimistic_ftrl,
    "delayed_adagrad": delayed_adagrad,
    "online_frank_wolfe": online_frank_wolfe,
    "blocked_frank_wolfe": blocked_frank_wolfe,
}


def domains_of(decision: str) -> dict[str, tuple[Domain, tuple[float, float, float, float]]]:
    """Domains with their diameter, largest diameter, reach and largest reach, all by hand."""
    if decision == "matrix":
        return {"Frobenius ball": (FrobeniusBall(1.5, shape=SHAPE), (3.0, 3.0, 1.5, 1.5))}
    if decision == "simplex":
        return {"simplex": (Simplex(3.0, dimension=SIZE), (math.sqrt(18.0), 3.0, math.sqrt(18.0), 3.0))}
    side = 2.0 * math.sqrt(SIZE)  # where the start is not the origin, reach is the diameter
    return {
        "ball": (Ball(1.5, dimension=SIZE), (3.0, 3.0, 1.5, 1.5)),
        "box without the origin": (Box(1.0, 3.0, dimension=SIZE), (side, 2.0, side, 2.0)),
    }


MORE: dict[str, tuple[dict[str, float], ...]] = {
    "amsgrad": ({"learning_rate": 0.1, "beta1": 0.0, "epsilon": 0.3},),
    "son": ({"ridge": 0.4},),
    "fd_son": ({"rank": 2, "ridge": 0.4},),
    "rfd_son": ({"rank": 2, "ridge": 0.4},),
}
"""Keywords that a learner's examples leave at their defaults and that its bound depends on."""


def cases() -> list[Any]:
    return [
        pytest.param(name, dict(keywords), where, id="-".join([name, *map(str, keywords.values()), where]))
        for name, entry in LEARNERS.built_in.items()
        if name in FORMULAS
        for keywords in (*entry.examples, *MORE.get(name, ()))
        for where in domains_of(entry.decision)
        # of these no bound is stated, or none on this stream: test_every_bound says so
        if not (name == "saol" and isinstance(keywords.get("base"), FDAdaGrad))
        and keywords.get("compensation", "full") == "full"
        and keywords.get("decay", 1.0) == 1.0
        and (name, keywords.get("ridge")) != ("rfd_son", 0.0)
        and (name, keywords.get("rank")) != ("primal_dual_ada_fd", 2)
        and (name != "amsgrad" or keywords)
    ]


@pytest.mark.parametrize(("name", "keywords", "where"), cases())
def test_the_bound_is_the_formula(name: str, keywords: dict[str, Any], where: str) -> None:
    domain, lengths = domains_of(LEARNERS[name].decision)[where]
    generator = np.random.default_rng(8)
    gradients = generator.standard_normal((ROUNDS, *domain.shape)) * np.linspace(1.5, 0.4, domain.shape[0]).reshape(
        -1, *[1] * (len(domain.shape) - 1)
    )
    gradients[[0, 5, 6, 7]] = 0.0
    gradients[11:14] = gradients[10]
    adversary = given(gradients)
    _, bound, _ = play_linear(LEARNERS[name](**keywords), domain, adversary, ROUNDS, **adversary.facts)
    assert bound is not None
    expected = FORMULAS[name](Facts(*lengths, gradients, keywords))
    assert bound.value == pytest.approx(expected.pop(""), rel=1e-9)
    for variant, value in expected.items():
        assert bound.variants.get(variant, math.nan) == pytest.approx(value, rel=1e-9, nan_ok=True), variant


def test_every_bound_but_that_of_online_newton_steps_has_a_formula_here() -> None:
    stated = {name for name, learner in LEARNERS.items() if "bound" in vars(learner)}
    assert stated - ELSEWHERE <= set(FORMULAS)


def test_the_bounds_of_online_newton_step_are_their_formulas() -> None:
    gradients = np.random.default_rng(8).standard_normal((ROUNDS, SIZE))
    learner, domain = OnlineNewtonStep(curvature=0.3, ridge=0.7), Ball(1.5, dimension=SIZE)
    adversary = given(gradients)
    _, bound, _ = play_linear(learner, domain, adversary, ROUNDS, exp_concavity=0.25, **adversary.facts)
    assert bound is not None
    start = 0.5 * 0.7 * 1.5**2
    _, determinant = np.linalg.slogdet(np.eye(SIZE) + 0.3 / 0.7 * gradients.T @ gradients)
    longest = float(np.linalg.norm(gradients, axis=1).max())
    assert bound.value == pytest.approx(
        start + SIZE / 0.6 * math.log(1.0 + 0.3 * float(np.sum(gradients**2)) / (SIZE * 0.7)), rel=1e-12
    )
    assert bound.variants == pytest.approx(
        {
            "observed log-determinant": start + determinant / 0.6,
            "printed: 5 (1/alpha + GD) d ln T": 5.0 * (4.0 + longest * 3.0) * SIZE * math.log(ROUNDS),
        },
        rel=1e-9,
    )


@pytest.mark.parametrize(("rank", "delta"), [(1, 0.0), (2, 0.5)])
def test_the_variant_of_one_sided_sketches_with_omega_is_its_formula(rank: int, delta: float) -> None:
    gradients = np.random.default_rng(8).standard_normal((ROUNDS, *SHAPE))
    learner, domain = SketchedOneSidedShampoo(rank, learning_rate=0.8, delta=delta), FrobeniusBall(1.5, shape=SHAPE)
    adversary = given(gradients)
    _, _, observed = play_linear(learner, domain, adversary, ROUNDS, **adversary.facts)
    falling = np.linalg.eigvalsh(np.einsum("tij,tkj->ik", gradients, gradients))[::-1]
    bound = learner.bound(replace(observed, extra={"left_eigenvalues": falling}))
    assert bound is not None
    omega = min(float(falling[j:].sum()) / (rank + 1 - j) for j in range(rank + 1))
    expected = (3.0**2 / 1.6 + 0.8) * (float(np.sqrt(falling + delta).sum()) + SHAPE[0] * math.sqrt(omega))
    assert bound.variants["with Omega_L"] == pytest.approx(expected, rel=1e-9)


def test_delta_adds_the_same_to_every_bound_of_an_adaptive_rank() -> None:
    gradients = np.random.default_rng(8).standard_normal((ROUNDS, SIZE))
    adversary = given(gradients)
    learner = AdaptiveFDAdaGrad(learning_rate=0.8, delta=0.5)
    _, bound, _ = play_linear(learner, Ball(1.5, dimension=SIZE), adversary, ROUNDS, **adversary.facts)
    assert bound is not None
    weight, trace = 3.0**2 / 1.6, float(np.linalg.svd(gradients, compute_uv=False).sum())
    added = weight * SIZE * math.sqrt(0.5)
    reached = next(each.value for each in bound.constants if each.name == "tolerance reached")
    assert 0.0 < reached <= 1.0
    assert bound.value == pytest.approx((2.0 * weight + 0.8) * trace + added, rel=1e-9)
    assert bound.variants["with the tolerance reached"] == pytest.approx(
        (weight * (1.0 + reached) + 0.8) * trace + added, rel=1e-9
    )
    assert bound.variants["full-matrix AdaGrad"] == pytest.approx((weight + 0.8) * trace + added, rel=1e-9)
