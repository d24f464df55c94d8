"""Random domains, metrics and points that the tests of this folder share."""

import numpy as np

from oco.domains import (
    AffineSlice,
    Ball,
    BallBox,
    Box,
    Dense,
    Diagonal,
    FrobeniusBall,
    HalfSpace,
    L1Ball,
    LowRankPlusScaledIdentity,
    Simplex,
    Slab,
    SpectralBall,
    Unbounded,
)

METRICS = ("diagonal", "dense", "low rank", "singular diagonal", "singular low rank")


def random_basis(rng, dimension, rank):
    return np.ascontiguousarray(np.linalg.qr(rng.standard_normal((dimension, rank)))[0])


def random_metric(kind, dimension, condition, rng):
    """A metric of largest eigenvalue one and, where it is not singular, the given condition number."""
    values = np.geomspace(1.0, 1.0 / condition, dimension)
    if kind == "diagonal":
        return Diagonal(rng.permutation(values))
    if kind == "singular diagonal":
        return Diagonal(np.where(np.arange(dimension) % 3 == 1, 0.0, values))
    if kind == "dense":
        return Dense(random_basis(rng, dimension, dimension), values)
    rank = max(1, min(4, dimension - 1))
    values = np.geomspace(1.0, 1.0 / condition, rank + 1)
    complement = 0.0 if kind == "singular low rank" else float(values[-1])
    return LowRankPlusScaledIdentity(random_basis(rng, dimension, rank), values[:-1], complement)


def matrix_of(metric, dimension):
    return np.stack([metric.apply(row) for row in np.eye(dimension)])


def vector_domains(dimension, rng):
    """Every domain of vectors by name."""
    normal = rng.standard_normal(dimension)
    equations = rng.standard_normal((max(1, dimension // 3), dimension))
    side = 1.0 / np.sqrt(dimension)
    return {
        "ball": Ball(0.8, dimension=dimension),
        "ball off the origin": Ball(0.8, center=rng.standard_normal(dimension)),
        "box": Box(-0.3, 0.5, dimension=dimension),
        "box of arrays": Box(-rng.random(dimension), rng.random(dimension)),
        "one-sided box": Box(
            np.where(np.arange(dimension) % 2 == 1, -np.inf, -0.1), np.where(np.arange(dimension) % 3 == 0, 0.2, np.inf)
        ),
        "simplex": Simplex(1.5, dimension),
        "l1 ball": L1Ball(1.2, dimension),
        "half-space": HalfSpace(normal, -0.1),
        "slab": Slab(normal, 0.1),
        "slice": AffineSlice(equations, rng.standard_normal(len(equations))),
        "ball and box": BallBox(1.0, None, -1.5 * side, 1.5 * side, dimension),
        "ball and open box": BallBox(1.0, np.full(dimension, 0.2 * side), -0.3 * side, np.inf, dimension),
    }


def matrix_domains(shape):
    """Every domain of matrices by name."""
    return {
        "Frobenius ball": FrobeniusBall(1.0, shape=shape),
        "spectral ball": SpectralBall(0.5, shape=shape),
        "box of matrices": Box(-0.2, 0.3).with_shape(shape),
        "unbounded": Unbounded(shape),
    }


def random_point(domain, rng):
    """Somewhere between well inside and far outside."""
    return rng.standard_normal(domain.shape) * 10.0 ** rng.uniform(-1.5, 2.0)
