"""Solutions of lesson 11; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np


def entropy_conjugate(theta):
    return np.log(np.exp(theta).sum())


def rounds_to_turn(rounds, before, after, rate, radius):
    # The dual vector is rate * before * rounds away from zero, whatever the radius is, and comes back in steps of
    # rate * after.
    return rounds * before / after


def p_norm_mirror_map(theta, p):
    q = p / (p - 1)
    size = np.linalg.norm(theta, q)
    if size == 0.0:
        return np.zeros_like(theta)
    return np.sign(theta) * np.abs(theta) ** (q - 1) * size ** (2 - q)


_theta = np.array([0.5, -1.0, 2.0])
_sum = np.exp(_theta).sum()
_before, _after = 2.0**0.5, 3.0**0.5

WRONG = {  # common wrong answers and their hints, for write_digests.py
    "11.1": {
        _sum: "the logarithm is missing",
        2.0: "this is the largest <theta, x> alone: psi is subtracted, and it is negative",
        _theta
        @ np.exp(_theta)
        / _sum: "this is <theta, x> at the right point: subtract psi there",
        np.log(
            _sum / 3.0
        ): "psi is not shifted: at theta = 0 its conjugate is the logarithm of d",
        _sum
        / np.e: "this is the conjugate for all x >= 0: on the simplex they add up to 1",
    },
    "11.2": {
        2.0
        / (
            0.1 * _after
        ): "this is mirror descent: FTRL remembers the steps that the ball cut off",
        450.0: "the steps back have another length than the steps before",
        450.0
        * _after
        / _before: "this is upside down: longer steps back need fewer rounds",
        (45.0 * _before - 2.0)
        / (
            0.1 * _after
        ): "after so many rounds it leaves the end of the ball: zero comes later",
        (45.0 * _before + 2.0)
        / (0.1 * _after): "after so many rounds it is at the other end of the ball",
    },
}
