"""A hundred random kills of sweeps, alone and beside others; `random_kills.py` does any number of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from random_kills import kill_at_random

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes in /proc")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_hundred_kills(tmp_path: Path) -> None:
    tally = kill_at_random(tmp_path, kills=100, seed=1)
    assert tally.faults == []
    assert tally.kills.total() == 100
    assert tally.at_work >= 10
    assert tally.ends >= 4


@pytest.mark.timeout(300)
def test_a_few_kills(tmp_path: Path) -> None:
    tally = kill_at_random(tmp_path, kills=3, seed=2)
    assert tally.faults == []
    assert tally.kills.total() == 3
