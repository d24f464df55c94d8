"""docs/learners.md says what the registry says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from oco.learners import LEARNERS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_ledger_is_up_to_date() -> None:
    page = runpy.run_path(str(DOCS / "write_learners.py"))["page"]()
    assert (DOCS / "learners.md").read_text() == page, "run: python docs/write_learners.py"
    for name, entry in LEARNERS.built_in.items():
        own = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert entry.source in own
        assert "- tests: `" in own, f"no test file names {entry.__name__}"


def test_a_docstring_that_does_not_state_its_departures_is_an_error() -> None:
    departures = runpy.run_path(str(DOCS / "write_learners.py"))["departures"]
    assert departures("A learner.\n\nDepartures: the step is\nhalved.\n\nExamples") == "the step is halved."
    with pytest.raises(ValueError, match="unpack"):
        departures("A learner.\n\nIt departs from its paper.")
