"""Two learners round by round: the mean difference of their losses, and its HAC standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from oco.errors import ConfigError, StoreError
from regret_experiments.comparison.rows import find_row, rows_of
from regret_experiments.statistics import newey_west, usual_lag
from regret_experiments.tables.rank_table import groups_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oco.types import Array
    from regret_experiments.store.results import Results

AGREEMENT = 1e-9
"""Relative difference of the summed losses up to which a game that is played again is the stored one."""


@dataclass(frozen=True)
class PerRound:
    """The losses of two learners in one game, round by round.

    Attributes
    ----------
    stage, environment, order
        The game.
    rounds
        How many.
    mean
        Of ``f_t(x_t) - f_t(y_t)`` over the rounds, x_t of the first and y_t of the second learner.
    hac_error
        Its standard error by Newey and West.
    naive_error
        The same as if rounds were independent.
    lag
        Last lag that the first takes into account.
    p_value
        Two-sided, of a mean of 0, from the normal distribution: the test of Diebold and Mariano.
    """

    stage: str
    environment: str
    order: int
    rounds: int
    mean: float
    hac_error: float
    naive_error: float
    lag: int
    p_value: float


def per_round_differences(
    results: Results,
    first: str,
    second: str,
    *,
    environments: Sequence[str] = (),
    rate: str = "best",
    lag: int | None = None,
) -> list[PerRound]:
    """Play the games that two learners share again, and compare their losses round by round.

    Stored runs have curves at checkpoints only, so both runs of every shared game are played again, round by round,
    which takes some 100 microseconds a round. Each must give the cumulative loss that is stored.

    Parameters
    ----------
    results
        What `regret_experiments.load` returned.
    first, second, environments
        As in `compare_learners`.
    rate
        ``"best"`` or ``"theorem"``: whose runs are compared.
    lag
        Last lag of the Newey-West estimate; `usual_lag` of the number of rounds by default.

    Raises
    ------
    ConfigError
        If a name is unknown, or the learners share no finished game.
    StoreError
        If a run comes out differently.

    Notes
    -----
    The standard error is that of the mean of a series whose mean does not drift. While learners still converge the
    differences shrink, so it describes the rounds that were played, not what later ones would be.

    References
    ----------
    F. X. Diebold and R. S. Mariano, Comparing predictive accuracy, Journal of Business and Economic Statistics 13
    (1995).
    """
    names = rows_of(results.runs)
    rows = find_row(first, names), find_row(second, names)
    played: list[pd.DataFrame] = []
    for row in rows:
        parts = [
            (group.best if rate == "best" else group.theorem)
            for group in groups_of(results.runs)
            if group.key["learner"] == row.learner and _rank(group.key["rank"]) == row.rank
        ]
        runs = pd.concat(parts).drop_duplicates(["stage", "environment", "order"])
        played.append(runs[runs["environment"].isin(environments)] if environments else runs)
    shared = played[0].merge(played[1], on=["stage", "environment", "order"], suffixes=("_first", "_second"))
    if shared.empty:
        raise ConfigError(f"{rows[0].label} and {rows[1].label} share no finished game at the {rate} rate")
    return [_compared(results, game, lag) for game in shared.to_dict("records")]


def _rank(value: object) -> int | None:
    return None if pd.isna(value) else int(value)  # type: ignore[call-overload]


def _compared(results: Results, game: dict[object, object], lag: int | None) -> PerRound:
    losses = [losses_by_round(results, str(game[f"id_{side}"])) for side in ("first", "second")]
    differences = losses[0] - losses[1]
    last = usual_lag(len(differences)) if lag is None else lag
    mean, error = newey_west(differences, last)
    _, naive = newey_west(differences, 0)
    return PerRound(
        str(game["stage"]), str(game["environment"]), int(str(game["order"])), len(differences), mean, error, naive,
        last, _p_value(mean, error),
    )  # fmt: skip


def _p_value(mean: float, error: float) -> float:
    if error == 0.0:
        return 1.0 if mean == 0.0 else 0.0
    return math.erfc(abs(mean) / error / math.sqrt(2.0))


def losses_by_round(results: Results, identifier: str) -> Array:
    """The loss of every round of a stored run, ``(T,)``, by playing it again."""
    from regret_experiments.execution.games import Play
    from regret_experiments.execution.work import perform
    from regret_experiments.execution.workers import pin_inner_threads
    from regret_experiments.plan.runs import Run

    run = Run.from_content(results.content(identifier))
    stored = results.arrays(identifier)
    every = tuple(range(1, int(stored["round"][-1]) + 1))
    again = replace(run, game=replace(run.game, checkpoints=every), comparator=False, spectrum=False)
    with pin_inner_threads():
        outcome = perform(Play(again))
    if outcome.failed:
        raise StoreError(f"run {identifier} of {results.path} cannot be played again: {outcome.metadata['message']}")
    sums = outcome.arrays["cumulative_loss"]
    if not math.isclose(sums[-1], stored["cumulative_loss"][-1], rel_tol=AGREEMENT, abs_tol=AGREEMENT):
        raise StoreError(
            f"run {identifier} of {results.path} has a cumulative loss of {stored['cumulative_loss'][-1]:.9g}, and "
            f"{sums[-1]:.9g} when it is played again"
        )
    return np.diff(sums, prepend=0.0)
