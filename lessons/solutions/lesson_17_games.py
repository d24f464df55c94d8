"""Solutions of lesson 17; `oco lessons export --teachers` puts them in the place of its starters."""

import oco


def value_of_the_game(payoff):
    # Row mixes so that both columns pay the same: a p + c (1 - p) = b p + d (1 - p).
    (a, b), (c, d) = payoff
    return (a * d - b * c) / (a + d - b - c)


def duality_gap(payoff, x, y):
    return (payoff.T @ x).max() - (payoff @ y).min()


def blotto_strategies():
    learner = oco.OptimisticHedge(learning_rate=0.35)
    found = oco.self_play(blotto, learner, rounds=10_000, checkpoints=1)  # noqa: F821 (the lesson's game)
    return found.row_strategy, found.column_strategy


WRONG = {  # common wrong answers and their hints, for write_digests.py
    "17.1": {
        3.7: "this is what row pays at most if it always takes its second row: mixing is cheaper",
        2.4: "this is what column gets at least if it always takes its first column: mixing is better",
        12.5
        / 4.0: "two fair coins are not an equilibrium: make the other player indifferent",
        1.3 / 5.5: "this is the probability of the first row: what does row pay?",
        2.6 / 5.5: "this is the probability of the first column: what does row pay?",
    },
}
