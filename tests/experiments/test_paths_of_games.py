"""The best sequences of a game, which a process keeps for the next learner: threads may play other games meanwhile."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from oco.environments import NoisyRegression
from regret_experiments.execution import games


class Contended(dict[Any, Any]):
    """What is kept while another thread begins its own game as soon as something is kept."""

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        self.clear()


def test_another_game_in_another_thread_takes_no_sequences_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(games, "_FOUND", Contended())
    environment = NoisyRegression(2, 20)
    monkeypatch.setattr(games, "_as_planned", lambda game: SimpleNamespace(environment=environment))
    run: Any = SimpleNamespace(game=SimpleNamespace(id="a", seed=3), path_budgets=(0.0, 1.0))
    curve: Any = games._paths(run, None)
    assert [one.budget for one in curve] == [0.0, 1.0]
