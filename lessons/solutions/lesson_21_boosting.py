"""Solutions of lesson 21; `oco lessons export --teachers` puts them in the place of its starters."""

import numpy as np


def rules_needed(examples, edge):
    return np.log(examples) / (2.0 * edge**2)


def certified_margin(examples, edge, rules):
    # At least T (1/2 + gamma) - sqrt(T ln n / 2) are right: the lead is twice what exceeds T / 2.
    return 2.0 * (edge - np.sqrt(np.log(examples) / (2.0 * rules)))


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


_logarithm = np.log(1000.0)
_regret = np.sqrt(np.log(100.0) / 2000.0)

WRONG = {  # common wrong answers and their hints, for write_digests.py
    "21.1": {
        1382.0: "give the real number: do not round up",
        _logarithm / 0.1: "the edge is squared",
        _logarithm
        / 0.05**2: "Hedge has the root of T ln(n) / 2: where is the factor 1/2?",
        1000.0 / (2.0 * 0.05**2): "the number of examples enters through its logarithm",
        _logarithm
        / (2.0 * 0.55**2): "what counts is what the rules have more than a coin",
    },
    "21.2": {
        0.1
        - _regret: "every right rule more is a wrong one less: the lead is twice this",
        0.2 - _regret: "the regret is in the lead twice too",
        0.2 + 2.0 * _regret: "Hedge's regret is subtracted",
        0.6
        - _regret: "this is the share of the rules that are right: subtract that of the wrong ones",
        0.2: "this is the limit of many rules: Hedge's regret is missing",
    },
}
