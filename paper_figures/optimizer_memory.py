"""Figure 1: optimizer state for an m x n parameter, by formula and counted from the states."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import oco
from oco.learners.base import Learner, Problem, state_arrays
from paper_figures.pieces import Places
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.style import base_style

RANK, HISTORY = 256, 200
"""The paper's rank; gradients that GGT keeps."""
MOST = 1e13
"""Where the figure ends."""
LARGE = (4096, 1024)
"""A kernel of BERT-Large, the paper's example."""


@dataclass(frozen=True)
class Method:
    """A curve of the figure: its name, floats for ``(m, n, k)``, the formula in words, and how it is drawn."""

    name: str
    floats: Callable[[int, int, int], float]
    formula: str
    line: Any
    paper: str


METHODS = (
    Method("full-matrix AdaGrad", lambda m, n, k: (m * n) ** 2, "(mn)^2", "-", "seen"),
    Method("Ada-FD, RadaGrad", lambda m, n, k: k * m * n, "k mn", (0, (5, 1)), "seen: about r mn"),
    Method("GGT", lambda m, n, k: HISTORY * m * n, f"{HISTORY} mn", "-.", "seen"),
    Method("Adam, diagonal AdaGrad", lambda m, n, k: m * n, "mn", "--", "seen: O(mn)"),
    Method("Shampoo", lambda m, n, k: m**2 + n**2, "m^2 + n^2", (0, (3, 1, 1, 1)), "seen: O(m^2 + n^2)"),
    Method("S-Shampoo", lambda m, n, k: k * (m + n), "k (m + n)", "-", "seen: O(mk + nk)"),
    Method("factored diagonal (SM3, Adafactor)", lambda m, n, k: m + n, "m + n", ":", "recalled"),
)

CAPTION = """
Floats that an optimizer keeps about gradients, besides the parameter and any momentum, for a square n x n parameter.
Lines: formulas, k = {rank}, GGT with {history} gradients; the thick one is S-Shampoo, which lies below mn from n = 2k
on. Marks: counted from the arrays of states of this package's learners (circles) and of PyTorch optimizers (crosses;
Shampoo there keeps each factor and its inverse root). The dotted upright line is a kernel of BERT-Large, 4096 x 1024.
Nothing is random here.
"""


def learners(rank: int) -> dict[str, tuple[str, Learner]]:
    """Learners of this package by name, each with the method of the figure that it is one of."""
    return {
        "full_matrix_adagrad": ("full-matrix AdaGrad", oco.FullMatrixAdaGrad(learning_rate=1.0)),
        "ada_fd": ("Ada-FD, RadaGrad", oco.learners.AdaFD(rank=rank, learning_rate=1.0, buffer=0)),
        "radagrad": ("Ada-FD, RadaGrad", oco.learners.RadaGrad(rank=rank, learning_rate=1.0)),
        "fd_adagrad": ("Ada-FD, RadaGrad", oco.FDAdaGrad(rank=rank, learning_rate=1.0, buffer=0)),
        "diagonal_adagrad": ("Adam, diagonal AdaGrad", oco.DiagonalAdaGrad(learning_rate=1.0)),
        "shampoo": ("Shampoo", oco.learners.Shampoo(learning_rate=1.0)),
        "sketched_shampoo": ("S-Shampoo", oco.learners.SketchedShampoo(rank=rank, learning_rate=1.0)),
    }


def counted_convex(shape: tuple[int, int], rank: int) -> Iterator[dict[str, Any]]:
    """Floats in the states of this package's learners after a few rounds, less the point."""
    domain = oco.Unbounded(shape)
    for name, (method, learner) in learners(rank).items():
        learner.start(Problem(domain=domain, horizon=10))
        generator = np.random.default_rng(0)
        for _ in range(3):
            learner.update(generator.standard_normal(shape))
        held = {path: array.size for path, array in state_arrays(learner.state) if path != "point"}
        yield {"method": method, "implementation": f"oco.learners: {name}", "floats": sum(held.values())}


def counted_torch(shape: tuple[int, int], rank: int) -> Iterator[dict[str, Any]]:
    """Floats that PyTorch optimizers keep besides momentum and graft; nothing where PyTorch is not installed."""
    try:
        import torch

        from oco.torch import Shampoo, SketchyShampoo
    except ImportError:
        return
    made = {
        "Adam, diagonal AdaGrad": lambda weight: torch.optim.Adagrad([weight]),
        "Shampoo": lambda weight: Shampoo([weight]),
        "S-Shampoo": lambda weight: SketchyShampoo([weight], rank=rank),
    }
    for method, make in made.items():
        weight = torch.nn.Parameter(torch.zeros(shape))
        optimizer = make(weight)
        weight.grad = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        optimizer.step()
        if hasattr(optimizer, "state_bytes"):
            size = optimizer.state_bytes()["preconditioner"]
        else:
            size = sum(value.nbytes for value in optimizer.state[weight].values() if value.ndim)
        name = f"{type(optimizer).__module__.rpartition('.')[0]}: {type(optimizer).__name__}"
        yield {"method": method, "implementation": name, "floats": size // weight.element_size()}


def counted_table() -> pd.DataFrame:
    """Counted floats next to the formula's, on small and middling parameters."""
    cases: list[tuple[tuple[int, int], int, Callable[[tuple[int, int], int], Iterator[dict[str, Any]]]]] = [
        ((16, 12), 4, counted_convex),
        ((32, 32), 4, counted_convex),
        ((64, 64), 4, counted_torch),
        ((256, 128), 16, counted_torch),
        ((1024, 1024), RANK, counted_torch),
    ]
    formulas = {method.name: method for method in METHODS}
    rows = []
    for (m, n), rank, count in cases:
        for row in count((m, n), rank):
            method = formulas[row["method"]]
            facts = {"m": m, "n": n, "k": rank, "formula": method.formula, "by_formula": method.floats(m, n, rank)}
            rows.append(row | facts | {"counted": row.pop("floats")})
    return pd.DataFrame(rows)


def formula_table() -> pd.DataFrame:
    """Every method's floats for one large kernel, and as a multiple of Adam's second moments."""
    m, n = LARGE
    rows = [
        {
            "method": method.name,
            "formula": method.formula,
            "m": m,
            "n": n,
            "k": RANK,
            "floats": method.floats(m, n, RANK),
            "times_mn": method.floats(m, n, RANK) / (m * n),
            "published": method.paper,
        }
        for method in METHODS
    ]
    return pd.DataFrame(rows).sort_values("floats", ascending=False, kind="stable")


def figure_of(counted: pd.DataFrame) -> Figure:
    """Floats against the number of parameters, both logarithmic."""
    sides = np.geomspace(8, 16384, 60)
    with matplotlib.rc_context(base_style()):
        figure = Figure(figsize=(5.2, 3.6), layout="constrained")
        axes = figure.subplots()
        labels = DirectLabels(axes)
        for method in METHODS:
            floats = np.array([method.floats(side, side, RANK) for side in sides])
            if "k" in method.formula:
                floats = np.where(sides >= RANK, floats, np.nan)  # below, the sketch is no sketch
            width = 2.2 if method.name == "S-Shampoo" else 1.1
            axes.plot(sides**2, floats, linestyle=method.line, color="black", lw=width)
            shown = np.flatnonzero(floats < MOST)[-1]
            labels.at_end(method.name, sides[shown] ** 2, floats[shown], "black")
        drawn = counted[~counted["formula"].str.contains("k") | (counted["k"] == RANK)]
        ours = drawn["implementation"].str.startswith("oco.learners")
        for marker, rows in (("o", drawn[ours]), ("x", drawn[~ours])):
            axes.plot(rows["m"] * rows["n"], rows["counted"], ls="none", marker=marker, mfc="none", mec="black", ms=5)
        axes.axvline(LARGE[0] * LARGE[1], ls=":", color="#555555", lw=0.8)
        axes.set(xscale="log", yscale="log", xlabel="parameters mn (m = n)", ylabel="floats about gradients")
        axes.set_ylim(8, MOST)
    return figure


def main(arguments: list[str] | None = None) -> None:
    """Write the tables and the figure."""
    places = Places.from_arguments(__doc__, arguments)
    counted = counted_table()
    command = "python -m paper_figures.optimizer_memory"
    places.write_table("optimizer_memory", formula_table(), command=command, package=oco.__version__)
    places.write_table("optimizer_memory_counted", counted, command=command, package=oco.__version__)
    places.write_figure("optimizer_memory", figure_of(counted), CAPTION.format(rank=RANK, history=HISTORY))


if __name__ == "__main__":
    main()
