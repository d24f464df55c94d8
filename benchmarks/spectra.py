"""Spectra of a task's gradients beside their controls, and what sketches of several ranks keep of the direction.

python -m benchmarks.spectra                    # characters: docs/figures/spectra.png; three minutes on one core
python -m benchmarks.spectra mlp --steps 60
python -m benchmarks.spectra --quick -o spectra.png
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from oco.torch import controlled_spectra, spectrum_figure
from regret_experiments.training.tasks import make_task

FIGURE = Path(__file__).parents[1] / "docs" / "figures" / "spectra.png"
RATES = {"gpt": 1e-3, "mlp": 1e-2, "conv": 1e-2}  # best of Adam on the tuning seed
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def followed(task_name: str, steps: int, ranks: Sequence[int], least: int) -> Rows:
    """Four runs of Adam on a task, of one seed; axes below ``least`` entries are left out."""
    task = make_task(task_name)
    torch.manual_seed(1)
    return controlled_spectra(
        task.model(),
        task.loss,
        task.batches(1),
        lambda params: torch.optim.Adam(params, lr=RATES[task_name]),
        steps=steps,
        beta2=0.9,
        min_dim=least,
        ranks=ranks,
    )


def table(runs: Rows) -> str:
    """Medians over axes at the last snapshot of every run, then over parameters at every rank."""
    lines = [f"{'run':32s} {'intrinsic dimension':>20s} {'top quarter':>12s} {'overlap':>8s}"]
    first, *_ = runs
    last = max(row["step"] for row in runs[first])
    shown = [*((name, "gradient", own) for name, own in runs.items()), ("Gaussian matrices", "control", runs[first])]
    for name, source, own in shown:
        rows = [row for row in own if row["step"] == last and row["source"] == source]
        dims, mass = (np.median([row[key][0] for row in rows]) for key in ("intrinsic_dimension", "top_quarter"))
        overlaps = [row["overlap"] for row in rows if row["overlap"] is not None]
        overlap = f"{np.median(overlaps):8.2f}" if overlaps else f"{'-':>8s}"
        lines.append(f"{name:32s} {dims:20.1f} {mass:12.3f} {overlap}")
    directions = [row for row in runs[first] if row["source"] == "direction" and row["step"] == last]
    lines += ["", f"{'rank':>4s} {'share of traces held':>22s} {'cosine':>8s} {'least':>8s} {'raw gradient':>14s}"]
    for rank in sorted({row["rank"] for row in directions}):
        own = [row for row in directions if row["rank"] == rank]
        kept = np.median([share for row in own for share in row["kept"]])
        cosines, raw = [row["cosine"] for row in own], np.median([row["raw_cosine"] for row in own])
        lines.append(f"{rank:4d} {kept:22.3f} {np.median(cosines):8.3f} {min(cosines):8.3f} {raw:14.3f}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spectra", description=__doc__.partition("\n")[0])
    parser.add_argument("task", nargs="?", default="gpt", choices=sorted(RATES))
    parser.add_argument("--steps", type=int, default=200, metavar="N", help="length of the four runs")
    parser.add_argument("--quick", action="store_true", help="8 steps of mlp, two ranks, to see that it runs")
    parser.add_argument("-o", "--output", type=Path, default=FIGURE, metavar="PNG")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    chosen = ("mlp", 8, (4, 16), 2) if given.quick else (given.task, given.steps, (8, 16, 32, 64), 64)
    runs = followed(*chosen)
    spectrum_figure(runs).savefig(given.output, dpi=110)
    print(table(runs))
    print(f"{chosen[0]}, {chosen[1]} steps, torch {torch.__version__}: {given.output}")


if __name__ == "__main__":
    main()
