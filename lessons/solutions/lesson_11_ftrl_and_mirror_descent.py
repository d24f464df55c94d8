"""Solutions of lesson 11; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np


def entropy_conjugate():
    # ln(1 + 2 + 5).
    return np.log(8.0)


def rounds_to_turn():
    # The dual vector is 0.1 * 450 away from zero, whatever the radius is, and comes back in steps of 0.1.
    return 450


def p_norm_mirror_map(theta, p):
    q = p / (p - 1)
    size = np.linalg.norm(theta, q)
    if size == 0.0:
        return np.zeros_like(theta)
    return np.sign(theta) * np.abs(theta) ** (q - 1) * size ** (2 - q)
