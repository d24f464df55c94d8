"""Best fixed points on real data: the certified relative gap, CPU seconds for one solve and for 30 checkpoints.

    OCO_DATA_DIR=... python -m benchmarks.comparators                     # a9a, mushrooms, digits, mnist
    OCO_DATA_DIR=... python -m benchmarks.comparators --data a9a --loss logistic hinge
    OCO_DATA_DIR=... python -m benchmarks.comparators --data mnist --loss multinomial --domain box --no-curves
    OCO_DATA_DIR=... python -m benchmarks.comparators --large --no-curves  # news20, and 50,000 x 3,000 dense

Prints a Markdown table and adds it to ``comparators.csv`` and, with versions and machine, ``comparators.json`` in
``--output``. Values are sums over all rounds. A gap is relative to the value, or to a thousandth of the loss of the
origin where that is more: on separable rows the value is zero.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import resource
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numba
import numpy as np
import scipy

import oco
from oco.comparators import anytime
from oco.domains import Ball, Box, Domain, FrobeniusBall
from oco.losses import MultinomialBlock, RowBlock, ScalarLoss, scalar_loss
from oco.losses.scalar import Quantile

CHECKPOINTS = 30
SMOOTH = ("logistic", "squared", "squared_hinge", "huber")
KINKED = ("absolute", "hinge", "quantile")
MULTINOMIAL = "multinomial"
LOSSES = (*SMOOTH, *KINKED, MULTINOMIAL)
DATA = ("a9a", "mushrooms", "digits", "mnist")
LARGE = ("news20", "dense")
LARGEST_PIXEL = {"digits": 16.0, "mnist": 255.0}
CURVE_GOAL_SECONDS = 10.0
"""For 30 checkpoints of the logistic loss on a9a, on two cores."""


@dataclass(frozen=True)
class Line:
    """One data set, loss and domain."""

    data: str
    rounds: int
    dimension: int
    loss: str
    domain: str
    value: float
    relative_gap: float
    goal: float
    met: bool
    certificate: str
    seconds: float
    curve_seconds: float | None
    curve_worst_relative_gap: float | None
    peak_gigabytes: float | None = None
    """Of the whole process so far, data included."""


def load(name: str, several_classes: bool) -> tuple[Any, np.ndarray]:
    """Rows and targets in a shuffled order: two classes -1 and 1 (digits 0 against the rest), or labels 0, 1, ..."""
    generator = np.random.default_rng(0)
    if name == "dense":
        rows = generator.standard_normal((50_000, 3000)) / np.sqrt(np.arange(1.0, 3001.0))
        margins = rows @ generator.standard_normal(3000) + generator.standard_normal(50_000)
        return rows, np.where(margins > 0.0, 1.0, -1.0)
    several = name in ("digits", "mnist", "news20")
    labels: Any = None if several else "binary"
    data = oco.datasets.load(name, labels=labels)
    order = generator.permutation(data.targets.size)
    rows, targets = data.rows[order], np.asarray(data.targets)[order]
    if name in LARGEST_PIXEL:
        rows = rows / LARGEST_PIXEL[name]
    if several_classes:
        return rows, np.unique(targets, return_inverse=True)[1]
    if several:
        targets = np.where(targets <= (10.0 if name == "news20" else 0.0), 1.0, -1.0)
    return rows, targets


def block_of(loss: str, rows: Any, targets: np.ndarray) -> RowBlock | MultinomialBlock:
    if loss == MULTINOMIAL:
        return MultinomialBlock(rows, targets, int(targets.max()) + 1)
    scalar: ScalarLoss = Quantile(0.9) if loss == "quantile" else scalar_loss(loss)
    return RowBlock(scalar, rows, targets)


def domains_of(loss: str) -> dict[str, Domain]:
    ball: Domain = FrobeniusBall(5.0) if loss == MULTINOMIAL else Ball(5.0)
    return {"ball": ball, "box": Box(-0.5, 0.5)}


def measured(data: str, loss: str, kind: str, curves: bool) -> Line:
    rows, targets = load(data, loss == MULTINOMIAL)
    block, domain = block_of(loss, rows, targets), domains_of(loss)[kind]
    count = targets.size
    start = start_losses(block)
    anytime(_head(block, 100), domain, [100])  # compiles the kernels
    began = time.process_time()
    best = anytime(block, domain, [count])[-1]
    seconds = time.process_time() - began
    curve_seconds = worst = None
    if curves:
        checkpoints = np.unique(np.rint(np.geomspace(1, count, CHECKPOINTS)).astype(int))
        began = time.process_time()
        curve = anytime(block, domain, checkpoints)
        curve_seconds = time.process_time() - began
        scale = np.maximum(np.abs(curve.upper), 1e-3 * start[checkpoints - 1])
        worst = float(np.max((curve.upper - curve.lower) / scale))
    goal = 1e-4 if loss in KINKED else 1e-6
    relative = best.gap / max(abs(best.value.upper), 1e-3 * start[-1])
    return Line(
        data=data,
        rounds=int(count),
        dimension=int(np.prod(best.point.shape)),
        loss=loss,
        domain=kind,
        value=best.value.upper,
        relative_gap=float(relative),
        goal=goal,
        met=bool(relative <= goal),
        certificate=best.certificate,
        seconds=seconds,
        curve_seconds=curve_seconds,
        curve_worst_relative_gap=worst,
        peak_gigabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    )


def start_losses(block: RowBlock | MultinomialBlock) -> np.ndarray:
    """Cumulative losses of the origin."""
    if isinstance(block, MultinomialBlock):
        return np.log(block.n_classes) * np.arange(1.0, len(block) + 1.0)
    return np.cumsum(block.scalar.values_and_derivatives(np.zeros(len(block)), block.targets)[0])


def _head(block: RowBlock | MultinomialBlock, count: int) -> RowBlock | MultinomialBlock:
    if isinstance(block, MultinomialBlock):
        return MultinomialBlock(block.rows[:count], block.labels[:count], block.n_classes)
    return RowBlock(block.scalar, block.rows[:count], block.targets[:count])


def cases(arguments: argparse.Namespace) -> Iterator[tuple[str, str, str]]:
    for data in arguments.data or (LARGE if arguments.large else DATA):
        for loss in arguments.loss or (("logistic", "hinge") if arguments.large else LOSSES):
            if loss == MULTINOMIAL and data not in ("digits", "mnist", "news20"):
                continue
            for kind in arguments.domain:
                yield data, loss, kind


def write(lines: list[Line], directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "comparators.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [one.name for one in fields(Line)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(line) for line in lines)
    provenance = {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")},
        "python": platform.python_version(),
        "versions": {"oco": oco.__version__, **{m.__name__: m.__version__ for m in (np, scipy, numba)}},
    }
    content = {"provenance": provenance, "lines": [asdict(line) for line in lines]}
    (directory / "comparators.json").write_text(json.dumps(content, indent=1) + "\n")


def earlier(directory: Path) -> list[Line]:
    """Lines that another run wrote, so that a long table can be measured in parts."""
    path = directory / "comparators.json"
    return [Line(**line) for line in json.loads(path.read_text())["lines"]] if path.exists() else []


def shown(line: Line) -> str:
    curve = "" if line.curve_seconds is None else f"{line.curve_seconds:.2f}"
    worst = "" if line.curve_worst_relative_gap is None else f"{line.curve_worst_relative_gap:.1e}"
    met = "yes" if line.met else "**no**"
    return (
        f"| {line.data} | {line.loss} | {line.domain} | {line.value:.6g} | {line.relative_gap:.1e} | {met} | "
        f"{line.seconds:.2f} | {curve} | {worst} | {line.peak_gigabytes or 0.0:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=DATA + LARGE)
    parser.add_argument("--loss", nargs="+", choices=LOSSES)
    parser.add_argument("--domain", nargs="+", choices=("ball", "box"), default=["ball", "box"])
    parser.add_argument("--large", action="store_true", help="the two large games instead")
    parser.add_argument("--no-curves", action="store_true", help="one solve each, no checkpoints")
    parser.add_argument("--output", type=Path, default=Path("results/comparators"))
    arguments = parser.parse_args()
    columns = "data | loss | domain | value | relative gap | met | seconds | 30 checkpoints | worst of the curve | GB"
    print(f"| {columns} |")
    print("|" + "---|" * 10)
    lines = []
    for data, loss, kind in cases(arguments):
        line = measured(data, loss, kind, not arguments.no_curves)
        print(shown(line), flush=True)
        lines.append(line)
    again = {(line.data, line.loss, line.domain) for line in lines}
    kept = [line for line in earlier(arguments.output) if (line.data, line.loss, line.domain) not in again]
    order = {name: place for place, name in enumerate(DATA + LARGE)}
    write(sorted([*kept, *lines], key=lambda line: order[line.data]), arguments.output)
    missed = [line for line in lines if not line.met]
    print(f"\n{len(lines) - len(missed)} of {len(lines)} within the goal: 1e-6, and 1e-4 for kinked losses")


if __name__ == "__main__":
    main()
