"""Solutions of lesson 16; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np


def bound_of_exp3(arms, rounds):
    return np.sqrt(2.0 * arms * rounds * np.log(arms))


def estimated_losses(arm, loss, probabilities):
    estimate = np.zeros(len(probabilities))
    estimate[arm] = loss / probabilities[arm]
    return estimate


def two_point_estimate(function, point, direction, delta):
    slope = function(point + delta * direction) - function(point - delta * direction)
    return point.size / (2.0 * delta) * slope * direction


_logarithm = np.log(10.0)

WRONG = {  # common wrong answers and their hints, for write_digests.py
    "16.1": {
        np.sqrt(
            10_000 * _logarithm / 2.0
        ): "this is the bound of Hedge, which is shown all losses",
        np.sqrt(
            2.0 * 10_000 * _logarithm
        ): "each arm is seen in one d-th of the rounds: d enters under the root",
        np.sqrt(
            100_000 * _logarithm / 2.0
        ): "at the best rate this is each of the two terms: add them",
        np.sqrt(100_000 * _logarithm): "there is a factor 2 under the root",
        np.sqrt(
            2.0 * _logarithm / 100_000
        ): "this is the best learning rate: put it into the bound",
    },
}
