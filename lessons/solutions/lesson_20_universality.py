"""Solutions of lesson 20; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np


def price_of_universality():
    return np.log(6.0) + 0.5 + 10 * np.log(1.0 + 1000 / 20)


def tilted_mean(rates, weights, points):
    tilted = rates * weights
    return tilted @ points / tilted.sum()
