"""How well the excess that `advise_rank` reads from a tape predicts the losses of S-Shampoo.

    python -m benchmarks.rank_advice                       # autoencoder and characters; five minutes on one core
    python -m benchmarks.rank_advice gpt --ranks 4 16 --steps 20 --seeds 1

The tape holds the first 200 steps of AdamW, from a seed of its own. Then S-Shampoo is trained at every rank, with one
learning rate, and at ranks that differ between the layers: the smallest common excess that takes no more floats than
one rank for all.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

import torch
from scipy.stats import spearmanr

from oco.torch import OPTIMIZERS, GradientTape, RankAdvice, SketchyShampoo, advise_rank
from regret_experiments.training.loop import train_once
from regret_experiments.training.tasks import Task, make_task

TASKS: dict[str, dict[str, Any]] = {
    "aex": {"steps": 400, "rate": 1e-2, "taped_rate": 1e-2},
    "gpt": {"steps": 200, "rate": 2e-3, "taped_rate": 1e-3},
}
RANKS, SEEDS, TAPED = (1, 2, 4, 8, 16, 32, 64), (1, 2), 200
GRID = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384)
METHOD = "gram64"  # whose escaped mass is certified
LIMITS, FULL = (0.05, 0.5, 1.0), 1 << 30


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


def at_rank(advice: RankAdvice, rank: int) -> list[Any]:
    """The row of each parameter at one rank for all, or at the full rank where that is smaller."""
    return [row for row in advice.rows if row.rank == min(rank, max(row.shape))]


def divided(advice: RankAdvice, floats: int) -> RankAdvice:
    """The advice of the smallest excess that takes at most so many floats."""
    limits = sorted({max(row.excess) for row in advice.rows})
    tried = (RankAdvice(advice.rows, limit) for limit in limits)
    return next(one for one in tried if sum(row.floats for row in one.advised.values()) <= floats)


def of_ranks(params: Iterable[torch.Tensor], lr: float, ranks: Sequence[int | None]) -> SketchyShampoo:
    """S-Shampoo with a rank for each parameter; None leaves it to the graft."""
    groups: dict[int | None, list[torch.Tensor]] = {}
    for param, rank in zip(params, ranks, strict=True):
        groups.setdefault(rank, []).append(param)
    graft_only = {"preconditioner": {"max_dim": 1}}
    return SketchyShampoo(
        [{"params": own, **({"rank": rank} if rank else graft_only)} for rank, own in groups.items()],
        lr=lr,
        method=METHOD,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rank_advice", description=__doc__.partition("\n")[0])
    parser.add_argument("tasks", nargs="*", metavar="task", help=f"of {', '.join(TASKS)}; all by default")
    parser.add_argument("--ranks", type=int, nargs="*", default=RANKS)
    parser.add_argument("--divide", type=int, default=16, metavar="K", help="rank whose floats are divided by excess")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--steps", type=int, help="of each run, in place of the task's own")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    OPTIMIZERS["of_ranks"] = of_ranks
    for name in given.tasks or TASKS:
        task, own = make_task(name), TASKS[name]
        advice = advise_rank(recorded(task, own["taped_rate"]), sorted({*GRID, *given.ranks, given.divide}))
        print(f"\n{name}: advice for 5 % excess, from {TAPED} steps of AdamW\n{advice}\n")
        shown = [f"{limit:.0%}: {RankAdvice(advice.rows, limit).ranks}" for limit in LIMITS]
        print("\n".join(shown))
        steps = given.steps or own["steps"]

        common = {"lr": own["rate"], "steps": steps, "evaluations": 1}

        def losses(kind: str, task: Task = task, common: dict[str, Any] = common, **options: Any) -> list[float]:
            return [train_once(task, kind, options, seed=seed, **common)["final_loss"] for seed in given.seeds]

        print(f"{'rank':>10s} {'floats':>9s} {'mean excess':>12s} {'loss':>9s}   {steps} steps, by seed")

        def show(label: str, rows: Sequence[Any], found: Sequence[float]) -> tuple[float, float]:
            excess, floats = fmean(value for row in rows for value in row.excess), sum(row.floats for row in rows)
            by_seed = " ".join(f"{loss:.4f}" for loss in found)
            print(f"{label:>10s} {floats:9d} {excess:12.3f} {fmean(found):9.4f}   {by_seed}", flush=True)
            return excess, fmean(found)

        points = [
            show(str(k), at_rank(advice, k), losses("sketchy_shampoo", rank=k, method=METHOD)) for k in given.ranks
        ]
        points.append(show("full", at_rank(advice, FULL), losses("sketchy_shampoo", rank=1.0, method=METHOD)))
        correlation = spearmanr(*zip(*points, strict=True)).statistic
        print(f"Spearman's rank correlation of mean excess and loss: {correlation:.2f}")
        chosen = divided(advice, sum(row.floats for row in at_rank(advice, given.divide)))
        ranks = [chosen.ranks.get(parameter) for parameter, _ in task.model().named_parameters()]
        show(f"floats {given.divide}", list(chosen.advised.values()), losses("of_ranks", ranks=ranks))
        print(f"ranks {chosen.ranks}", flush=True)


if __name__ == "__main__":
    main()
