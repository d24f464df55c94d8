"""Solutions of lesson 16; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np


def bound_of_exp3():
    return np.sqrt(2.0 * 10 * 10_000 * np.log(10.0))


def estimated_losses(arm, loss, probabilities):
    estimate = np.zeros(len(probabilities))
    estimate[arm] = loss / probabilities[arm]
    return estimate


def two_point_estimate(function, point, direction, delta):
    slope = function(point + delta * direction) - function(point - delta * direction)
    return point.size / (2.0 * delta) * slope * direction
