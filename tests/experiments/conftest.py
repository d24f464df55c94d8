"""Small sweeps, and the command line as a function."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Oco, oco_in_process

SMALL = """
name: small
orders: 2
checkpoints: 5
environments:
  - {name: power_law, kind: spectrum_linear, dimension: 6, horizon: 120}
  - {name: ill, kind: ill_conditioned_regression, dimension: 5, horizon: 150, draws: signs}
learners:
  - kind: ogd
    learning_rate: [theorem, 0.1, 1.0]
  - kind: fd_adagrad
    rank: [1, 3]
    learning_rate: [theorem, {log_grid: {low: 0.1, high: 10, points: 3}}]
"""
"""44 runs of a few milliseconds and 4 games."""


@pytest.fixture
def oco(capfd: pytest.CaptureFixture[str]) -> Oco:
    """Call the command line in this process."""
    return oco_in_process(capfd)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Path of a small config."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path
