"""Solutions of lesson 21; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np


def rules_needed():
    return np.ceil(np.log(1000.0) / (2.0 * 0.05**2))


def certified_margin():
    # At least T (1/2 + gamma) - sqrt(T ln n / 2) are right: the lead is twice what exceeds T / 2.
    return 2.0 * (0.1 - np.sqrt(np.log(100.0) / (2.0 * 1000)))


def adaboost(features, labels, rounds):
    share, pairs = np.full(len(labels), 1.0 / len(labels)), []
    for _ in range(rounds):
        stump = best_stump(features, labels, share)  # noqa: F821 (the lesson's)
        says = answers(stump, features)  # noqa: F821
        error = share[says != labels].sum()
        alpha = 0.5 * np.log((1.0 - error) / error)
        pairs.append((alpha, stump))
        share = share * np.exp(-alpha * labels * says)
        share = share / share.sum()
    return pairs
