"""The attack on every bound of the ledger: a file for each learner, and a table of the best ratios found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oco import plain_file
from oco.attacks.attack import attack
from oco.domains import Ball, Simplex
from oco.environments.attack_found import KIND, VERSION
from oco.errors import OcoError
from oco.learners import LEARNERS

DIMENSION = 4
"""Of the domains: the unit ball, and the simplex for learners that play on it."""


def attack_ledger(directory: Path, horizon: int, search: dict[str, Any]) -> Iterator[str]:
    """Attack the bounds of all built-in learners, at the hyper-parameters of their first example.

    Parameters
    ----------
    directory
        Gets NAME.npz for every learner; those that are there already are not attacked again.
    horizon
        T.
    search
        Other arguments of `attack`.

    Yields
    ------
    str
        The lines of a Markdown table: learner, regret, bound, ratio, evaluations; or why there was no attack.
    """
    yield f"| learner | regret / sqrt(T), T = {horizon} | best ratio to its bound | evaluations |"
    yield "|---|---|---|---|"
    for name, entry in LEARNERS.built_in.items():
        path = directory / f"{name}.npz"
        if not path.exists():
            simplex = entry.decision == "simplex"
            domain = Simplex(dimension=DIMENSION) if simplex else Ball(1.0, dimension=DIMENSION)
            try:
                attack(entry(**entry.examples[0]), domain, horizon, objective="ratio", **search).save(path)
            except OcoError as error:
                yield f"| {name} | | {_cell(error)} | |"
                continue
        tree = plain_file.load(path, KIND, VERSION)
        regret, rounds = tree["regret"][0], len(tree["rows"])
        yield (
            f"| {name} | {regret / rounds**0.5:.3f} | {tree['score']:.3f}{' BROKEN' if tree['score'] > 1.0 else ''} | "
            f"{tree['evaluations']} |"
        )


def _cell(error: OcoError) -> str:
    return str(error).replace("|", "\\|")
