"""Solutions of lesson 15; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np


def rounds_needed(diameter, gradient_bound, regret):
    # 3 D L T^(3/4) / T = 3 D L / T^(1/4).
    return (3.0 * diameter * gradient_bound / regret) ** 4


def smallest_in_trace_ball(gradient, radius):
    columns, sizes, rows = np.linalg.svd(gradient)
    return -radius * np.outer(columns[:, sizes.argmax()], rows[sizes.argmax()])


def frank_wolfe(c, domain, tolerance):
    point, count = domain.start, 0
    while True:
        ascent = c + 2 * point
        vertex = domain.maximizer(-ascent)
        if ascent @ (point - vertex) <= tolerance:
            return point
        point = point + 2 / (count + 2) * (vertex - point)
        count += 1


_ratio = 3.0 * 2.0 * 1.1 / 0.7

WRONG = {  # common wrong answers and their hints, for write_digests.py
    "15.1": {
        (1.0 / _ratio)
        ** (4.0 / 3.0): "the regret is per round: divide the bound by T first",
        _ratio**2: "this is for a bound that grows like the root of T",
        _ratio: "this is the fourth root of T",
        3.0 * (_ratio / 3.0) ** 4: "the factor 3 is raised to the fourth power too",
        (_ratio / 3.0) ** 4: "the theorem's factor 3 is missing",
    },
}
