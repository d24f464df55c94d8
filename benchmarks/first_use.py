"""Play one run of every kind of the default sweep, and say what was compiled; ``--only-import`` plays nothing.

With ``OCO_CACHE_DIR`` at an empty directory this is a first use, the second time it is a use from the cache.

    OCO_CACHE_DIR=$(mktemp -d) python -m benchmarks.first_use
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from pathlib import Path

from numba.core import event

import oco
from regret_experiments.config.loading import load_config
from regret_experiments.execution.tasks import Task, perform
from regret_experiments.execution.workers import pin_inner_threads
from regret_experiments.plan import make_plan

CONFIG = Path(__file__).parents[1] / "configs" / "rank_sweep.yaml"


def play_every_kind() -> None:
    """The first run of every learner on every environment, and the comparators of every game."""
    runs, games = {}, {}
    for stage in make_plan(load_config(CONFIG)).stages:
        for planned in stage.runs:
            runs.setdefault((planned.environment, planned.learner), planned.run)
            games.setdefault(planned.environment, planned.run.game)
    for game in games.values():
        perform(Task("games", game.id, game))
    for run in runs.values():
        outcome = perform(Task("runs", run.id, type(run)(run.game, run.learner, comparator=False)))
        assert not outcome.failed, outcome.metadata.get("message")


def main() -> None:
    assert oco.__version__
    if "--only-import" in sys.argv:
        return
    began = time.perf_counter()
    with event.install_recorder("numba:compile") as recorder, pin_inner_threads():
        play_every_kind()
    seconds: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    opened: list[list[float]] = []  # start and the time of what was compiled inside
    for moment, happened in recorder.buffer:
        if happened.is_start:
            opened.append([moment, 0.0])
            continue
        start, inside = opened.pop()
        name = happened.data["dispatcher"].py_func.__qualname__
        seconds[name] += moment - start - inside
        counts[name] += 1
        if opened:
            opened[-1][1] += moment - start
    print(f"{time.perf_counter() - began:.2f} s, of which compiling {sum(seconds.values()):.2f} s")
    for name in sorted(seconds, key=seconds.__getitem__, reverse=True):
        print(f"{seconds[name]:8.2f} s  {counts[name]:3d} times  {name}")


if __name__ == "__main__":
    main()
