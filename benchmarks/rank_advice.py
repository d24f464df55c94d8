"""How well the excess that `advise_rank` reads from a tape predicts the losses of S-Shampoo at each rank.

    python -m benchmarks.rank_advice                       # autoencoder and characters; four minutes on one core
    python -m benchmarks.rank_advice --ranks 4 16 --steps 20 --seeds 1

The tape holds the first 200 steps of AdamW, from a seed of its own. Every rank is then trained at one learning rate.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import torch
from scipy.stats import spearmanr

from oco.torch import GradientTape, RankAdvice, advise_rank
from regret_experiments.training.loop import train_once
from regret_experiments.training.tasks import Task, make_task

TASKS: dict[str, dict[str, Any]] = {
    "aex": {"steps": 400, "rate": 1e-2, "taped_rate": 1e-2},
    "gpt": {"steps": 200, "rate": 2e-3, "taped_rate": 1e-3},
}
RANKS, SEEDS, TAPED = (1, 2, 4, 8, 16, 32, 64), (1, 2), 200


def recorded(task: Task, rate: float) -> GradientTape:
    """A tape of the first steps of AdamW, from seed 0."""
    torch.manual_seed(0)
    model = task.model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    tape = GradientTape(model, steps=TAPED)
    with tape.follow(optimizer):
        for _, batch in zip(range(TAPED), task.batches(0), strict=False):
            optimizer.zero_grad()
            task.loss(model, batch).backward()
            optimizer.step()
    return tape


def predicted(advice: RankAdvice, rank: int) -> float:
    """Mean excess over all axes at one rank; an axis that the rank fills has none."""
    best: dict[str, Any] = {}
    for row in advice.rows:
        if row.rank <= rank:
            best[row.parameter] = row
    return fmean(value for row in best.values() for value in row.excess)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rank_advice", description=__doc__.partition("\n")[0])
    parser.add_argument("tasks", nargs="*", metavar="task", help=f"of {', '.join(TASKS)}; all by default")
    parser.add_argument("--ranks", type=int, nargs="+", default=RANKS)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--steps", type=int, help="of each run, in place of the task's own")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for name in given.tasks or TASKS:
        task, own = make_task(name), TASKS[name]
        advice = advise_rank(recorded(task, own["taped_rate"]), given.ranks)
        steps = given.steps or own["steps"]
        print(f"\n{name}: advice for 5 % excess, from {TAPED} steps of AdamW\n{advice}\n")
        print(f"{'rank':>4s} {'mean excess':>12s} {'loss':>9s}   by seed, after {steps} steps at {own['rate']:g}")
        excess = [predicted(advice, rank) for rank in given.ranks]
        losses = []
        for rank, value in zip(given.ranks, excess, strict=True):
            options = {"lr": own["rate"], "steps": steps, "evaluations": 1}
            runs = [train_once(task, "sketchy_shampoo", {"rank": rank}, seed=seed, **options) for seed in given.seeds]
            found = [run["final_loss"] for run in runs]
            losses.append(fmean(found))
            print(f"{rank:4d} {value:12.3f} {losses[-1]:9.4f}   {' '.join(f'{loss:.4f}' for loss in found)}", flush=True)
        print(f"Spearman's rank correlation of excess and mean loss: {spearmanr(excess, losses).statistic:.2f}", flush=True)


if __name__ == "__main__":
    main()
