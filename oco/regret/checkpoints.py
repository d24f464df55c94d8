"""The rounds of a game at which curves are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from oco.errors import ConfigError


def checkpoint_rounds(checkpoints: int | Sequence[int], horizon: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Rounds at which curves are recorded, in increasing order, ending with the horizon."""
    if isinstance(checkpoints, (int, np.integer)):
        if checkpoints < 1:
            raise ConfigError(f"checkpoints must be at least 1 or a list of rounds, got {checkpoints}")
        spaced = np.geomspace(1, horizon, num=min(int(checkpoints), horizon)) if checkpoints > 1 else [horizon]
        rounds = np.rint(spaced).astype(np.int64)
    else:
        rounds = np.asarray(checkpoints, dtype=np.int64)
        if rounds.size and not (rounds.min() >= 1 and rounds.max() <= horizon):
            raise ConfigError(f"checkpoints must be rounds in 1..{horizon}, got {rounds.min()}..{rounds.max()}")
    return np.unique(np.append(rounds, horizon))
