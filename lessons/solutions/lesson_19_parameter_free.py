"""Solutions of lesson 19; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np


def coin_betting_bound():
    return 2.0 * np.sqrt(1000 * np.log(1.0 + 24.0 * 1000**2 * 2.0**2)) + 1.0


def bets(coins):
    wealth, total, placed = 1.0, 0.0, []
    for t, coin in enumerate(coins, start=1):
        bet = total / t * wealth
        placed.append(bet)
        wealth += coin * bet
        total += coin
    return np.array(placed)
