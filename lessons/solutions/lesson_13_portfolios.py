"""Solutions of lesson 13; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np


def growth_of_half_and_half():
    # <r, x> is 2, 1/2, or twice (2 + 1/2) / 2 = 5/4, each with probability 1/4: the logarithms of 2 and 1/2 cancel.
    return np.exp(2.0 * 0.5 * np.log(1.25))


def months_needed():
    months = 1
    while (4.0 * np.log(months + 1) + 1.0) / months >= 0.01:
        months += 1
    return months


def cover(relatives, mixes):
    wealth = np.ones(len(mixes))
    held = []
    for month in relatives:
        held.append(wealth @ mixes / wealth.sum())
        wealth = wealth * (mixes @ month)
    return np.array(held)
