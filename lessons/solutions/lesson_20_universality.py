"""Solutions of lesson 20; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np


def price_of_universality(dimension, rounds, n):
    return np.log(n) + 0.5 + dimension * np.log(1.0 + rounds / (2.0 * dimension))


def tilted_mean(rates, weights, points):
    tilted = rates * weights
    return tilted @ points / tilted.sum()


_newton = 10 * np.log(51.0)

WRONG = {  # common wrong answers and their hints, for write_digests.py
    "20.1": {
        0.5 + _newton: "this is learner i alone: its weight at the start is 1 / n",
        np.log(6.0) + _newton: "the term 1/2 of the Newton steps is missing",
        0.5 + _newton - np.log(6.0): "the logarithm is that of 1 / w, and w is 1 / n",
        np.log(6.0)
        + 0.5
        + 10 * np.log(101.0): "the surrogates have curvature 1/2: T is divided by 2 d",
        np.log(6.0)
        + 0.5
        + 10 * np.log(501.0): "the sum of squares is shared by d eigenvalues",
    },
}
