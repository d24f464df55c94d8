"""The rank-one eigen-update, against the definition of an eigenpair and in extended precision."""

from __future__ import annotations

import numpy as np
import pytest

from oco.sketching.secular import FOURS, ROWS, rank_one_eigen


def solve(poles, z):
    count = len(poles)
    poles, z = np.array(poles, dtype=float), np.array(z, dtype=float)
    roots, weights, vectors = np.zeros(count), np.zeros(count), np.zeros((count, count))
    rank_one_eigen(count, poles, z, roots, vectors, weights, np.zeros((ROWS, count + FOURS)))
    return poles, z, roots, vectors * weights, weights


def random_problem(seed):
    """Poles that are spread, clustered, equal or tiny; weights that are even, spread over 12 decades, or zero."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 24))
    poles = {
        0: lambda: rng.random(count),
        1: lambda: 10.0 ** -rng.uniform(0, 24, count),
        2: lambda: np.full(count, 0.5),
        3: lambda: rng.integers(1, 4, count) / 3.0,
        4: lambda: 1e-12 * rng.random(count),
        5: lambda: 0.5 + 1e-14 * rng.random(count),
    }[seed % 6]()
    poles = np.sort(poles)[::-1].copy()
    if seed % 2:
        poles[-1] = 0.0
    z = rng.standard_normal(count) * 10.0 ** -rng.uniform(0, 12 if seed % 4 == 0 else 2, count)
    if seed % 5 == 0:
        z[rng.random(count) < 0.5] = 0.0
        z[rng.integers(count)] = 1.0
    return poles, z


@pytest.mark.parametrize("seed", range(120))
def test_eigenpairs(seed):
    given, z = random_problem(seed)
    poles, z, roots, vectors, weights = solve(given, z)
    scale = max(poles[0], float(z @ z))
    assert np.all(np.abs(poles - given) <= 1e-13 * given[0])
    assert np.abs(vectors.T @ vectors - np.eye(len(z))).max() < 5e-15
    assert np.abs((vectors * roots) @ vectors.T - np.diag(poles) - np.outer(z, z)).max() < 1e-14 * scale
    assert np.abs(vectors.T @ z - weights).max() < 1e-14 * np.linalg.norm(z)
    assert np.all(weights >= 0.0)
    assert np.all(np.diff(roots) <= 0.0)


@pytest.mark.skipif(np.finfo(np.longdouble).eps > 1e-18, reason="needs an extended precision type")
@pytest.mark.parametrize("seed", range(120))
def test_every_root_is_right_to_its_last_digits(seed):
    """The secular function, in extended precision, changes sign within a few units in the last place of each root."""
    poles, z, roots, _, _ = solve(*random_problem(seed))
    wide = np.longdouble
    poles, squares = poles.astype(wide), np.maximum(z.astype(wide) ** 2, wide(1e-60) * (z.astype(wide) ** 2).sum())
    slack = wide(16 * np.finfo(float).eps)

    def count_below(x):  # eigenvalues below x, by the inertia of the secular function
        values = squares / (poles - x)
        return np.count_nonzero(poles < x) - (1 if 1 + values.sum() < 0 else 0)

    for index, root in enumerate(roots):
        below = len(roots) - 1 - index
        low, high = wide(root) * (1 - slack), wide(root) * (1 + slack)
        if np.any((poles >= low) & (poles <= high)) or root < 1e-50:
            continue  # a pole lies in the interval: the root is that pole to double precision
        assert count_below(low) <= below < count_below(high)


def test_tiny_eigenvalues_keep_their_digits():
    """diag(1, 0) + z z' with z = (1, 1e-9): the small eigenvalue is 1e-18 / 2, far below the round-off of 1."""
    _, _, roots, _, _ = solve([1.0, 0.0], [1.0, 1e-9])
    assert roots[1] == pytest.approx(0.5e-18, rel=1e-14)


def test_one_by_one():
    _, _, roots, vectors, weights = solve([2.0], [-3.0])
    assert (roots[0], vectors[0, 0], weights[0]) == (11.0, -1.0, 3.0)
