"""Solutions of lesson 19; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np


def coin_betting_bound(distance, rounds, gradient_bound, wealth):
    ratio = rounds * distance / wealth
    root = np.sqrt(rounds * np.log(1.0 + 24.0 * ratio**2))
    return gradient_bound * (distance * root + wealth)


def bets(coins):
    wealth, total, placed = 1.0, 0.0, []
    for t, coin in enumerate(coins, start=1):
        bet = total / t * wealth
        placed.append(bet)
        wealth += coin * bet
        total += coin
    return np.array(placed)


_root = np.sqrt(1000 * np.log(1.0 + 24.0 * 4000.0**2))

WRONG = {  # common wrong answers and their hints, for write_digests.py
    "19.1": {
        3.0 * _root: "the wealth at the start may be lost too: add L epsilon",
        3.0 * _root + 0.5: "the last term is L times the wealth",
        3.0
        * np.sqrt(
            1000.0
        ): "this is gradient descent with the best rate: the logarithm is missing",
        3.0 * np.sqrt(1000 * np.log(1.0 + 24.0 * 2000.0**2))
        + 0.75: "the wealth enters the logarithm too",
        3.0 * np.sqrt(1000 * np.log(1.0 + 24.0 * 4000.0))
        + 0.75: "T, the distance and the wealth are squared in the logarithm",
    },
}
