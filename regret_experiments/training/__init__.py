"""Training networks with the matrix learner as an optimizer: tasks, tuned learning rates, fresh seeds, spectra.

Importing this package does not import torch; :func:`run_training` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def run_training(
    config: Mapping[str, Any], output: str | Path = "results", echo: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Tune learning rates, train on fresh seeds, write runs, table and figures: lazy door to ``sweep.run_sweep``."""
    from regret_experiments.training.sweep import run_sweep

    return run_sweep(config, Path(output), echo or (lambda _: None))


__all__ = ["run_training"]
