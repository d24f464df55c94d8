"""What is seen on each game, in a sentence, and the game on which the page opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from regret_experiments.figures.captions import names_of
from regret_experiments.figures.memory import memory_data
from regret_experiments.figures.selection import RATES, Rate
from regret_experiments.figures.style import LearnerStyle
from regret_experiments.figures.trade import Trade, trade_of
from regret_experiments.report.encoding import rounded
from regret_experiments.report.games import Game
from regret_experiments.tables.rank_table import by_loss

REGRET = "regret"


def memory_table(game: Game, measure: str) -> pd.DataFrame:
    """The columns of the table that regret against memory needs, with the loss where that is measured."""
    return game.table if measure == REGRET else by_loss(game.table)


def findings(game: Game, styles: Mapping[str, LearnerStyle], measure: str) -> dict[str, Any]:
    """By learning rate, what is seen on a game.

    Returns
    -------
    dict
        ``finding``: a sentence, empty where nothing was measured; ``level``: the regret of full-matrix AdaGrad, and
        ``told``: the rank that the sentence is about; None where there is none.
    """
    table, names = memory_table(game, measure), names_of(styles)
    found: dict[str, Any] = {"finding": {}, "level": {}, "told": {}}
    for rate in RATES:
        trade = _trade(table, rate, measure)
        said = _least(table, rate, measure, names) if trade is None else trade.sentence(names)
        found["finding"][rate] = f"{game.title.replace('_', ' ').capitalize()}: {said}." if said else ""
        found["level"][rate] = None if trade is None else rounded(trade.level)
        found["told"][rate] = trade.rank if trade is not None and trade.told else None
    return found


def opening(games: Sequence[Game], measure: str) -> int:
    """Place of the game with the clearest separation of learners at their best learning rates; 0 without any."""
    trades = [_trade(memory_table(game, measure), "best", measure) for game in games]
    return int(np.argmax([0.0 if trade is None else trade.separation for trade in trades])) if games else 0


def _trade(table: pd.DataFrame, rate: Rate, measure: str) -> Trade | None:
    trade = trade_of(table, rate) if len(table) and table[f"regret_{rate}"].notna().any() else None
    return None if trade is None else replace(trade, measure=measure)


def _least(table: pd.DataFrame, rate: Rate, measure: str, names: Mapping[str, str]) -> str:
    """Who has the least regret or loss, where no trade can be told."""
    points = [
        (float(line.middle[i]), names[name] + (f" at k = {line.ranks[i]}" if line.ranked else ""))
        for name, line in memory_data(table, rate).items()
        for i in np.flatnonzero(np.isfinite(line.middle))
    ]
    if not points:
        return ""
    least, who = min(points)
    return f"{who} has the least {measure}, {least:.4g}"
