"""Solutions of lesson 13; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np


def growth_of_half_and_half(c):
    # <r, x> is c, 1/c, or twice (c + 1/c) / 2, each with probability 1/4: the logarithms of c and 1/c cancel.
    return (c + 1.0 / c) / 2.0


def largest_lead(stocks, months):
    return np.e * (months + 1.0) ** (stocks - 1)


def cover(relatives, mixes):
    wealth = np.ones(len(mixes))
    held = []
    for month in relatives:
        held.append(wealth @ mixes / wealth.sum())
        wealth = wealth * (mixes @ month)
    return np.array(held)


_apart = (2.7 + 1.0 / 2.7) / 2.0

WRONG = {  # common wrong answers and their hints, for write_digests.py
    "13.1": {
        np.sqrt(_apart): "this is the growth in one month",
        _apart**2: "the two prices move apart in half of the months only",
        1.0: "this is the growth of a single stock: rebalancing gains when the two move apart",
        np.log(_apart): "take the exponential",
        (1.0 + _apart) / 2.0: "this is for one stock and cash: here both prices move",
    },
    "13.2": {
        4.0 * np.log(390.0) + 1.0: "this is the bound on the regret, a logarithm",
        390.0**4: "the theorem's last term is 1: where is its exponential?",
        np.e * 390.0**5: "a simplex of d stocks has d - 1 dimensions",
        np.e * 389.0**4: "the theorem has T + 1 in the logarithm",
        390.0**4
        * (1.0 + 1.0 / 389.0)
        ** 389: "true, but the theorem puts e for the last factor",
    },
}
