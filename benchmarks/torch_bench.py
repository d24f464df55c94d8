"""The acceptance table of the matrix learner as an optimizer: measured against target, in one run.

    python -m benchmarks.torch_bench                 # all; about ten minutes on two cores
    python -m benchmarks.torch_bench A4 A7 A9        # some
    python -m benchmarks.torch_bench --keep results  # keep the training runs, and use those that are there

Losses and byte counts repeat on the same machine and torch; times do not, so they are medians of interleaved
repetitions and only their ratios are judged. Golden values (A12) are read from beside OCO_DATA_DIR and skipped, with
the reason, elsewhere.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import yaml

from oco.torch import Shampoo, SketchyShampoo
from regret_experiments.cli.options import cores
from regret_experiments.execution.backends import Backend
from regret_experiments.store import Store
from regret_experiments.training import TrainingRun, parse_training, run_training
from regret_experiments.training.outputs import format_table, stored_records, summarize
from regret_experiments.training.tasks import make_task

CONFIG = Path(__file__).with_name("torch_bench.yaml")
Line = tuple[str, str, str, bool | None]  # id, measured, target, met (None: skipped)
keep: Path | None = None  # where training runs stay


@cache
def settings() -> dict[str, Any]:
    return yaml.safe_load(CONFIG.read_text())


@cache
def compared(task_name: str) -> dict[str, dict[str, Any]]:
    """Tune every optimizer on one grid and seed, train on fresh seeds, print the table, return rows by label."""
    config = parse_training({"name": task_name, "task": task_name, **settings()["compared"][task_name]})
    with ExitStack() as stack:
        folder = keep / f"torch_bench_{task_name}" if keep else stack.enter_context(TemporaryDirectory())
        store = Store(folder)
        runs = run_training(config, store, backend=Backend(jobs=cores())).runs
        records = stored_records(store)
    if runs.before:
        print(f"{task_name}: {runs.before} runs were stored before")
    rows = summarize(records, config.learning_rates)
    print(f"\n{task_name}: {config.steps} steps, grid {config.learning_rates}, seeds {config.seeds}")
    print(format_table(rows), flush=True)
    return {row["optimizer"]: row for row in rows}


def a1_to_a6() -> Iterator[Line]:
    rows = compared("aex")
    adam, full, k16, k32 = (rows[name] for name in ("Adam", "Shampoo", "S-Shampoo k=16", "S-Shampoo k=32"))
    ratio = k16["mean_loss"] / adam["mean_loss"]
    yield "A1 loss k=16 / Adam", f"{ratio:.3f}", "<= 0.85", ratio <= 0.85
    against = k32["mean_loss"] / full["mean_loss"]
    yield "A2 loss k=32 / Shampoo", f"{against:.3f}", "<= 1.25", against <= 1.25
    steps = k32["steps_to_baseline"]
    yield (
        "A3 steps to Adam's loss, k=32",
        f"{steps:.2f} (Shampoo {full['steps_to_baseline']:.2f})",
        "<= 0.60",
        steps <= 0.6,
    )
    bytes_adam, bytes_full = (k16["state_bytes"] / row["state_bytes"] for row in (adam, full))
    both = f"{bytes_adam:.3f} ; {bytes_full:.3f}"
    yield "A4 state k=16 / Adam ; / Shampoo", both, "<= 0.70 ; <= 0.20", bytes_adam <= 0.7 and bytes_full <= 0.2
    yield (
        "A5 A1 and A4 in one run",
        f"{ratio:.3f} at {bytes_adam:.3f}",
        "<= 0.85 at <= 0.70",
        ratio <= 0.85 and bytes_adam <= 0.7,
    )
    share = _factor_bytes(SketchyShampoo, rank=16) / _factor_bytes(Shampoo)
    yield "A6 sketches k=16 / full factors", f"{share:.4f}", "<= 0.05", share <= 0.05


def _factor_bytes(kind: Any, **options: Any) -> int:
    model = make_task("aex").model()
    optimizer = kind(model.parameters(), **options)
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    optimizer.step()
    return optimizer.state_bytes()["preconditioner"]


def a7() -> Iterator[Line]:
    widths, shares = (256, 512, 1024), []
    for width in widths:
        params = [torch.nn.Parameter(torch.zeros(width, width)) for _ in range(2)]
        optimizer = SketchyShampoo(params, rank=64, method="subspace")
        for p in params:
            p.grad = torch.randn(width, width)
        optimizer.step()
        shares.append(optimizer.state_bytes()["preconditioner"] / 4 / (2 * width * width))
    slope = float(np.polyfit(np.log(widths), np.log(shares), 1)[0])
    found = f"{slope:.4f} (" + " ".join(f"{share:.3f}" for share in shares) + ")"
    yield "A7 slope of sketch floats / n in width", found, "-1.00 +- 0.02", abs(slope + 1.0) <= 0.02


def a8() -> Iterator[Line]:
    rows = compared("gpt")
    gap = rows["Adam"]["mean_loss"] - rows["Shampoo"]["mean_loss"]
    closed = [(rows["Adam"]["mean_loss"] - rows[f"S-Shampoo k={k}"]["mean_loss"]) / gap for k in (64, 32)]
    met = gap > 0 and closed[0] >= 0.5 and closed[1] >= 0.25
    yield "A8 gpt: gap to Shampoo closed, k=64 / 32", f"{closed[0]:.2f} / {closed[1]:.2f}", ">= 0.50 / >= 0.25", met


def a9(width: int = 1024, freq: int = 10, repetitions: int = 5) -> Iterator[Line]:
    """Mean step over whole refresh periods, on two square layers; the contenders take turns."""
    contenders: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
        "Adam": torch.optim.Adam,
        "Shampoo": lambda p: Shampoo(p, update_freq=freq),
        "gram64": lambda p: SketchyShampoo(p, rank=64, update_freq=freq, method="gram64"),
        "subspace": lambda p: SketchyShampoo(p, rank=64, update_freq=freq, method="subspace"),
    }
    generator = torch.Generator().manual_seed(0)
    made = {}
    for name, make in contenders.items():
        params = [torch.nn.Parameter(torch.zeros(width, width)) for _ in range(2)]
        made[name] = params, make(params)
    gradients = [[torch.randn(width, width, generator=generator) for _ in range(2)] for _ in range(freq)]
    times: dict[str, list[float]] = {name: [] for name in made}
    for repetition in range(repetitions + 2):  # the first period holds the graft-only steps, the second settles
        for name, (params, optimizer) in made.items():
            spent = 0.0
            for step in gradients:
                for p, g in zip(params, step, strict=True):
                    p.grad = g
                started = time.perf_counter()
                optimizer.step()
                spent += time.perf_counter() - started
            if repetition >= 2:
                times[name].append(1e3 * spent / freq)
    ms = {name: statistics.median(values) for name, values in times.items()}
    print("\nwidth 1024, ms per step: " + ", ".join(f"{name} {value:.1f}" for name, value in ms.items()), flush=True)
    fast, exact = ms["Shampoo"] / ms["subspace"], ms["Shampoo"] / ms["gram64"]
    yield (
        "A9 step time Shampoo / subspace ; / gram64",
        f"{fast:.2f} ; {exact:.2f}",
        ">= 2.5 ; >= 1.0",
        fast >= 2.5 and exact >= 1.0,
    )


def _spectra(task_names: tuple[str, ...], beta2: float) -> list[list[dict[str, Any]]]:
    """Snapshots at the quarters of one run of Adam on each task."""
    probe = {"snapshots": 4, "options": {"beta2": beta2, "min_dim": 64}}
    common = {"data": "digits", "kind": "adam", "seed": 1, "evaluations": 1, "probe": probe}
    runs = [TrainingRun(task=name, **common, **settings()["spectra"][name]) for name in task_names]
    jobs = min(len(runs), cores())
    outcomes = Backend(jobs=jobs).outcomes(runs)
    found = {outcome.id: outcome.metadata["spectra"] for outcome in outcomes}
    return [found[run.id] for run in runs]


def a10() -> Iterator[Line]:
    found, met = [], True
    task_names = ("aex", "mlp", "gpt")
    for task_name, rows in zip(task_names, _spectra(task_names, 0.99), strict=True):
        last = [r for r in rows if r["step"] == rows[-1]["step"]]
        mine, control = ([r for r in last if r["source"] == source] for source in ("gradient", "control"))
        dims = np.array([r["intrinsic_dimension"][1] for r in mine])
        apart = float(np.median([r["intrinsic_dimension"][0] for r in control]) / np.median(dims))
        mass = np.array([r["top_quarter"][0] for r in mine])
        found.append(f"{task_name} {apart:.0f}x {np.median(mass):.2f} (min {mass.min():.2f})")
        met &= apart >= 10 and float(np.median(mass)) >= 0.9
        spread = f"{dims.min():.1f} / {np.median(dims):.1f} / {dims.max():.1f}"
        print(f"spectra {task_name}: {len(mine)} factors, intrinsic dimension min / median / max {spread}", flush=True)
    yield "A10 control / measured, top d/4 mass", "; ".join(found), ">= 10x, >= 0.90", met


def a11() -> Iterator[Line]:
    rows = [r for r in _spectra(("gpt",), 0.9)[0] if r["source"] == "gradient" and r["overlap"] is not None]
    steps = sorted({r["step"] for r in rows})
    overlaps = [float(np.median([r["overlap"] for r in rows if r["step"] == step])) for step in steps]
    chance = 3 * 8 / statistics.median(r["dim"] for r in rows)
    found = " ".join(f"{value:.2f}" for value in overlaps)
    yield (
        "A11 overlap of leading 8 between quarters",
        found,
        f"{chance:.2f} .. 0.95",
        all(chance < v < 0.95 for v in overlaps),
    )


def a12() -> Iterator[Line]:
    root = os.environ.get("OCO_DATA_DIR")
    path = Path(root or ".").parent / "golden" / "sketchy_shampoo.json"
    if not root or not path.exists():
        yield "A12 golden conformance", "skipped: no golden values beside OCO_DATA_DIR", "<= 1e-3", None
        return
    from tests.torch.test_golden import optimizer_case_error, sketch_case_error

    cases, arrays = json.loads(path.read_text()), np.load(path.with_suffix(".npz"))
    errors = [
        float(
            sketch_case_error(case, arrays, name, "gram64")
            if name[:2] == "sk"
            else optimizer_case_error(case, arrays, name)
        )
        for name, case in cases.items()
    ]
    yield "A12 golden conformance", f"{len(errors)} cases, worst {max(errors):.1e}", "<= 1e-3", max(errors) <= 1e-3


def a13() -> Iterator[Line]:
    def fresh() -> tuple[list[torch.nn.Parameter], SketchyShampoo]:
        torch.manual_seed(0)
        params = [torch.nn.Parameter(torch.randn(24, 16).bfloat16()), torch.nn.Parameter(torch.randn(24).bfloat16())]
        return params, SketchyShampoo(params, rank=6, update_freq=3, start_step=4)

    def run(params: list[torch.nn.Parameter], optimizer: SketchyShampoo, steps: range) -> None:
        for step in steps:
            generator = torch.Generator().manual_seed(step)
            for p in params:
                p.grad = torch.randn(p.shape, generator=generator).bfloat16()
            optimizer.step()

    (params, optimizer), (others, resumed) = fresh(), fresh()
    run(params, optimizer, range(10))
    buffer = io.BytesIO()
    torch.save(optimizer.state_dict(), buffer)
    buffer.seek(0)
    resumed.load_state_dict(torch.load(buffer, weights_only=True))
    with torch.no_grad():
        for p, q in zip(params, others, strict=True):
            q.copy_(p)
    run(params, optimizer, range(10, 30))
    run(others, resumed, range(10, 30))
    same = all(torch.equal(p, q) for p, q in zip(params, others, strict=True))
    same &= all(
        torch.equal(v, resumed.state[q][n])
        for p, q in zip(params, others, strict=True)
        for n, v in optimizer.state[p].items()
    )
    yield "A13 bfloat16 checkpoint continues", "bit-equal" if same else "differs", "bit-equal", same


PARTS = {"A1": a1_to_a6, "A7": a7, "A8": a8, "A9": a9, "A10": a10, "A11": a11, "A12": a12, "A13": a13}
PARTS |= dict.fromkeys(("A2", "A3", "A4", "A5", "A6"), a1_to_a6)


def main(arguments: list[str]) -> int:
    global keep
    parser = argparse.ArgumentParser(prog="python -m benchmarks.torch_bench", description=__doc__.partition("\n")[0])
    names = sorted(PARTS, key=lambda name: int(name[1:]))
    parser.add_argument("wanted", nargs="*", metavar="A1 ... A13", help="rows of the table; all by default")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep training runs here, and use those that are here")
    given = parser.parse_args(arguments)
    wanted, keep = given.wanted, given.keep
    if unknown := [name for name in wanted if name not in PARTS]:
        parser.error(f"unknown measurements {', '.join(unknown)}; there are {', '.join(names)}")
    torch.set_num_threads(1)
    started, lines = time.perf_counter(), []
    # Times first: they are what other work on the machine disturbs.
    order = sorted(wanted or PARTS, key=lambda name: (name != "A9", int(name[1:])))
    for part in dict.fromkeys(PARTS[name] for name in order):
        lines += list(part())
    lines.sort(key=lambda line: int(line[0].split()[0][1:]))
    print(f"\n{'measurement':44s} {'measured':52s} {'target':22s}")
    for name, measured, target, met in lines:
        print(f"{name:44s} {measured:52s} {target:22s} {'skipped' if met is None else 'met' if met else 'MISSED'}")
    seconds = time.perf_counter() - started
    print(f"torch {torch.__version__}, one thread, {math.ceil(seconds)} s, device cpu")
    return int(any(met is False for *_, met in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
