"""Play one run of every kind of the default sweep, and say what was compiled.

``--only-plan`` plays nothing: what imports, data and the plan take. ``--twice`` plays again when all is loaded: what
the games themselves take.

With ``OCO_CACHE_DIR`` at an empty directory this is a first use, the second time it is a use from the cache.

    OCO_CACHE_DIR=$(mktemp -d) python -m benchmarks.first_use
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from pathlib import Path

from numba.core import event

from regret_experiments.config.loading import load_config
from regret_experiments.execution.games import FindComparators, Play
from regret_experiments.execution.work import perform
from regret_experiments.execution.workers import pin_inner_threads
from regret_experiments.plan import Plan, make_plan

CONFIG = Path(__file__).parents[1] / "configs" / "rank_sweep.yaml"


def play_every_kind(plan: Plan) -> None:
    """The first run of every learner on every environment, and the comparators of every game."""
    runs, games = {}, {}
    for stage in plan.stages:
        for planned in stage.runs:
            runs.setdefault((planned.environment, planned.learner), planned.run)
            games.setdefault(planned.environment, planned.run.game)
    for game in games.values():
        perform(FindComparators(game))
    for run in runs.values():
        outcome = perform(Play(type(run)(run.game, run.learner, comparator=False)))
        assert not outcome.failed, outcome.metadata.get("message")


class Clock(event.Listener):
    """CPU seconds of compiling by kernel, less those of what is compiled on the way."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.counts: dict[str, int] = defaultdict(int)
        self._opened: list[list[float]] = []  # start, and the time of what was compiled inside

    def on_start(self, event: event.Event) -> None:
        """A kernel is begun."""
        self._opened.append([time.process_time(), 0.0])

    def on_end(self, event: event.Event) -> None:
        """It is compiled."""
        start, inside = self._opened.pop()
        spent = time.process_time() - start
        name = event.data["dispatcher"].py_func.__qualname__
        self.seconds[name] += spent - inside
        self.counts[name] += 1
        if self._opened:
            self._opened[-1][1] += spent


def main() -> None:
    plan = make_plan(load_config(CONFIG))
    if "--only-plan" in sys.argv:
        return
    began = time.process_time()
    clock = Clock()
    with event.install_listener("numba:compile", clock), pin_inner_threads():
        for _ in range(2 if "--twice" in sys.argv else 1):
            play_every_kind(plan)
    total = sum(clock.seconds.values())
    print(f"{time.process_time() - began:.2f} CPU s, of which compiling {total:.2f} s")
    for name in sorted(clock.seconds, key=clock.seconds.__getitem__, reverse=True):
        print(f"{clock.seconds[name]:8.2f} s  {clock.counts[name]:3d} times  {name}")


if __name__ == "__main__":
    main()
