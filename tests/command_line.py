"""The command line as a function of this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest


@dataclass
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Oco = Callable[..., Said]


def oco_in_process(capfd: pytest.CaptureFixture[str]) -> Oco:
    """Call the command line in this process."""
    from regret_experiments.cli import main

    def call(*arguments: object) -> Said:
        capfd.readouterr()
        code: object = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as left:
            code = left.code
        captured = capfd.readouterr()
        return Said(int(code or 0) if isinstance(code, int) or code is None else 1, captured.out, captured.err)

    return call
