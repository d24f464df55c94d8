"""Run a lesson's text as a test does: no window, warnings are errors, a limit on time comes from pytest."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import matplotlib
import pytest

from oco.checks import Outcome, recorded_exercises


def run_text(text: str, name: str, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Outcome], str, int]:
    """Outcomes of the exercises, what was printed, and how many figures were drawn."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    drawn = 0

    def show(*_: Any, **__: Any) -> None:
        nonlocal drawn
        for number in pyplot.get_fignums():
            pyplot.figure(number).canvas.draw()  # labels are placed, and may warn, when a figure is drawn
            drawn += 1
        pyplot.close("all")

    monkeypatch.setattr(pyplot, "show", show)
    printed = io.StringIO()
    with matplotlib.rc_context(), recorded_exercises() as outcomes, contextlib.redirect_stdout(printed):
        try:
            exec(compile(text, name, "exec"), {"__name__": "__main__"})
        finally:
            pyplot.close("all")
    return outcomes, printed.getvalue(), drawn
