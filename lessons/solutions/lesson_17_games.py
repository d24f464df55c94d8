"""Solutions of lesson 17; `oco lessons export --teachers` puts them in the place of its starters."""

import oco


def value_of_the_game():
    # Row mixes so that both columns pay the same: 5 p + 2 (1 - p) = p + 3 (1 - p), p = 1/5.
    return 5.0 * 0.2 + 2.0 * 0.8


def duality_gap(payoff, x, y):
    return (payoff.T @ x).max() - (payoff @ y).min()


def blotto_strategies():
    learner = oco.OptimisticHedge(learning_rate=0.35)
    found = oco.self_play(blotto, learner, rounds=10_000, checkpoints=1)  # noqa: F821 (the lesson's game)
    return found.row_strategy, found.column_strategy
