"""Solutions of lesson 15; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np


def rounds_needed():
    # 3 D L T^(3/4) / T = 6 / T^(1/4) is 0.2 at T = 30^4.
    return 30**4


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
