"""Solutions of lesson 18; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np

import oco


def tracking_bound(experts, rounds, switches, share):
    # C / eta + eta T / 8 is smallest at eta = sqrt(8 C / T), where it is sqrt(C T / 2).
    price = (switches + 1) * np.log(experts) - switches * np.log(share)
    price = price - (rounds - 1 - switches) * np.log1p(-share)
    return np.sqrt(price * rounds / 2.0)


class MyFixedShare(oco.Learner):
    def __init__(self, share=0.01, learning_rate=0.1):
        self.share, self.learning_rate = share, learning_rate

    def start(self, problem):
        self.state = {"point": problem.domain.start}

    def update(self, gradient):
        weights = self.state["point"] * np.exp(
            -self.learning_rate * (gradient - gradient.min())
        )
        shared = weights.sum() / weights.size
        total = self.state["point"].sum()
        mixed = (1.0 - self.share) * weights + self.share * shared
        self.state["point"] = total * mixed / mixed.sum()


def covering(first, last):
    pairs = []
    while first <= last:
        length = 1
        while first % (2 * length) == 0 and first + 2 * length - 1 <= last:
            length *= 2
        pairs.append((first, length))
        first += length
    return pairs


_price = 10 * np.log(20.0) + 9 * np.log(1000.0) - 9990 * np.log1p(-0.001)

WRONG = {  # common wrong answers and their hints, for write_digests.py
    "18.1": {
        _price: "this is the bracket: choose eta, and add the second term",
        np.sqrt(8.0 * _price / 10_000): "this is the best eta: put it into the bound",
        np.sqrt(2.0 * _price * 10_000): "the second term is eta T / 8, not eta T / 2",
        np.sqrt(
            (_price - np.log(20.0)) * 5_000
        ): "the first expert has to be named too: m + 1 times ln d",
        10_000
        * np.sqrt(
            np.log(20.0) / 2.0
        ): "this is Hedge with equal weights for all sequences",
    },
}
