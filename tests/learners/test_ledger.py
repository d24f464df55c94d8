"""docs/learners.md says what the registry says."""

from __future__ import annotations

import runpy
from pathlib import Path

from oco.learners import ENTRIES

DOCS = Path(__file__).parents[2] / "docs"


def test_the_ledger_is_up_to_date() -> None:
    page = runpy.run_path(str(DOCS / "write_learners.py"))["page"]()
    assert (DOCS / "learners.md").read_text() == page, "run: python docs/write_learners.py"
    for name, entry in ENTRIES.items():
        own = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert entry.learner.source in own
        assert "- tests: `" in own, f"no test file names {entry.learner.__name__}"
