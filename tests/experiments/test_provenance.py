"""What is stored of the command that made a result."""

from __future__ import annotations

import sys

import pytest

from regret_experiments.store.provenance import session


def test_the_command_is_kept_without_the_places_of_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Absolute paths shrink to their last part; everything else stays as it was typed."""
    given = [
        "/home/ada/bin/oco",
        "sweep",
        "configs/a.yaml",
        "--results",
        "/home/ada/results/a",
        "--set=x=/home/ada/b",
        "k=1",
    ]
    monkeypatch.setattr(sys, "argv", given)
    assert session()["command"] == ["oco", "sweep", "configs/a.yaml", "--results", "a", "--set=x=b", "k=1"]
