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
