"""Solutions of lesson 7; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np


def sketched_step(directions, eigenvalues, mass, gradient):
    coordinates = directions @ gradient
    step = directions.T @ (coordinates / np.sqrt(eigenvalues + mass))
    if mass > 0.0:
        step = step + (gradient - directions.T @ coordinates) / np.sqrt(mass)
    return step


def sketchy_bound():
    values = 1e4 * 0.5 ** np.arange(1.0, 41.0)
    omega = min(values[j:].sum() / (10 - j) for j in range(10))
    return 2.0 * (np.sqrt(2.0) * np.sqrt(values).sum() + 40 * np.sqrt(omega / 2.0))


def hard_rows():
    # Four candidates with a quarter of the votes each.
    return np.eye(4)[np.random.default_rng(0).integers(0, 4, 600)]


_values = 1e4 * 0.5 ** np.arange(1.0, 41.0)
_omega = min(_values[j:].sum() / (10 - j) for j in range(10))
_first = _values.sum() / 20.0
_trace = np.sqrt(_values).sum()

WRONG = {  # common wrong answers and their hints, for write_digests.py
    "7.2": {
        2.0 * (2.0**0.5 * _trace + 40 * _omega**0.5): "Omega is halved under the root",
        2.0**0.5 * _trace + 40 * (_omega / 2.0) ** 0.5: "the diameter is missing",
        2.0
        * (
            2.0**0.5 * _trace + 9 * (_omega / 2.0) ** 0.5
        ): "the second term has the dimension, not the rank",
        2.0
        * 2.0**0.5
        * _trace: "this is full-matrix AdaGrad's bound: the second term is missing",
        2.0
        * (
            2.0**0.5 * _trace + 40 * _first**0.5
        ): "Omega is the minimum over all j, not its value at j = 0",
    },
}
