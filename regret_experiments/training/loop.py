"""One training run: a task, an optimizer, a learning rate, a seed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import torch

from regret_experiments.training.optimizers import make_optimizer
from regret_experiments.training.tasks import Task


def train_once(
    task: Task,
    kind: str,
    options: dict[str, Any],
    *,
    lr: float,
    seed: int,
    steps: int,
    evaluations: int = 20,
    rest: dict[str, Any] | None = None,
    after_backward: Callable[[int, torch.nn.Module], None] | None = None,
) -> dict[str, Any]:
    """Train with 5 % warm-up and cosine decay and return a flat record.

    The record holds ``status`` (``ok``, ``diverged`` when the loss stopped being finite, ``failed`` with ``error`` when
    the optimizer gave up), ``final_loss`` over the training set, ``curve`` of (step, training-set loss),
    ``cumulative_loss`` (the sum over the batches, each before its step), ``test``, ``parameters``, ``state_bytes`` (by
    kind if the optimizer has them), ``optimizer_ms`` and ``seconds``.
    """
    with _one_thread():
        torch.manual_seed(seed)
        model = task.model()
        optimizer = make_optimizer(kind, model, lr, options, rest, task.rest)
        warmup = max(1, round(0.05 * steps))

        def shape(step: int) -> float:
            if step < warmup:
                return (step + 1) / warmup
            return 0.5 * (1.0 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, shape)
        every = max(1, steps // evaluations)
        record: dict[str, Any] = {"status": "ok", "curve": []}
        total = 0.0
        started, spent = time.perf_counter(), 0.0
        for step, batch in zip(range(1, steps + 1), task.batches(seed), strict=False):
            optimizer.zero_grad()
            loss = task.loss(model, batch)
            total += float(loss.detach())
            if not math.isfinite(total):
                record["status"] = "diverged"
                break
            loss.backward()  # type: ignore[no-untyped-call]
            if after_backward is not None:
                after_backward(step, model)
            before = time.perf_counter()
            try:
                optimizer.step()
            except RuntimeError as error:
                record |= {"status": "failed", "error": str(error)}
                break
            spent += time.perf_counter() - before
            scheduler.step()
            if step % every == 0 or step == steps:
                value = _evaluate(task, model)
                if not math.isfinite(value):
                    record["status"] = "diverged"
                    break
                record["curve"].append((step, value))
        final = record["curve"][-1][1] if record["status"] == "ok" else math.inf
        with torch.no_grad():
            model.eval()
            record["test"] = task.test(model) if task.test is not None and record["status"] == "ok" else None
        return record | {
            "final_loss": final,
            "cumulative_loss": total,
            "parameters": sum(p.numel() for p in model.parameters()),
            "state_bytes": state_bytes(optimizer),
            "optimizer_ms": 1e3 * spent / steps,
            "seconds": time.perf_counter() - started,
        }


def state_bytes(optimizer: torch.optim.Optimizer) -> dict[str, int]:
    """Bytes of all tensors that an optimizer holds, divided by kind where it has a method ``state_bytes``."""
    if (counted := getattr(optimizer, "state_bytes", None)) is not None:
        return dict(counted())
    tensors = [v for state in optimizer.state.values() for v in state.values() if isinstance(v, torch.Tensor)]
    return {"total": sum(v.numel() * v.element_size() for v in tensors)}


@torch.no_grad()
def _evaluate(task: Task, model: torch.nn.Module) -> float:
    model.eval()
    loss = sum(float(task.loss(model, batch)) for batch in task.train_set) / len(task.train_set)
    model.train()
    return loss


@contextmanager
def _one_thread():  # type: ignore[no-untyped-def]
    """One thread: networks this small are slower with more, and parallel runs would compete for cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
