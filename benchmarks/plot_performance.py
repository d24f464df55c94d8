"""Draw docs/figures/performance.png from the figures of a benchmark.

python -m benchmarks.run rounds scaling sparse --output figures.json
python -m benchmarks.plot_performance figures.json docs/figures/performance.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

INK = {"online": "#1b6ca8", "stream": "#c0392b", "SVD every round": "#7f8c8d", "two passes": "#2c3e50"}
NAMES = {"online": "one gradient at a time", "stream": "stream of rows"}


def plain_ticks(axes: Axes, values: list[float]) -> None:
    """Ticks at ``values`` along x; numbers written out along y."""
    axes.set_xticks(values, [f"{value:,.0f}" for value in values])
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:.0e}"[0] == "3" else "")


def draw_growth(axes: Axes, lines: list[dict[str, Any]], by: str, label: str) -> None:
    """Microseconds against d or k, both forms."""
    fixed, value = ("k", 16) if by == "d" else ("d", 1024)
    chosen = sorted((line for line in lines if line["T"] is None and line[fixed] == value), key=lambda line: line[by])
    for form, name in NAMES.items():
        axes.loglog([line[by] for line in chosen], [line[form] for line in chosen], "o-", color=INK[form], label=name)
    plain_ticks(axes, [line[by] for line in chosen])
    axes.set_xlabel(label)


def draw_table(axes: Axes, lines: list[dict[str, Any]]) -> None:
    """The sizes of the table, between an SVD every round and two passes over the sketch."""
    online = [line for line in lines if line["what"] == "online"]
    places = range(len(online))
    axes.semilogy(places, [line["SVD us"] for line in online], "s", color=INK["SVD every round"], label="SVD a round")
    for form in NAMES:
        axes.semilogy(places, [line["us"] for line in lines if line["what"] == form], "o", color=INK[form])
    axes.semilogy(
        places, [line["floor us"] for line in online], "_", ms=14, color=INK["two passes"], label="two passes"
    )
    axes.set_xticks(list(places), [f"{line['d']}\n{line['k']}" for line in online])
    axes.set_xlabel("d (above), k (below)")


def draw_sparse(axes: Axes, lines: list[dict[str, Any]]) -> None:
    """Microseconds against nonzeros in a million dimensions."""
    for name, color in (("ogd", "#7f8c8d"), ("diagonal_adagrad", "#e08e0b"), ("fd_adagrad", "#c0392b")):
        chosen = [line for line in lines if line["what"] == f"generated {name}"]
        axes.loglog(
            [line["nonzeros"] for line in chosen], [line["us"] for line in chosen], "o-", color=color, label=name
        )
    plain_ticks(axes, [line["nonzeros"] for line in chosen])
    axes.set_xlabel("nonzeros of a row, d = 1,000,000")


def main() -> None:
    figures = json.loads(Path(sys.argv[1]).read_text())
    figure, (table, dimension, rank, sparse) = plt.subplots(1, 4, figsize=(13, 3.4), layout="constrained")
    draw_table(table, figures["rounds"])
    draw_growth(dimension, figures["scaling"], "d", "d, at k = 16")
    draw_growth(rank, figures["scaling"], "k", "k, at d = 1,024")
    draw_sparse(sparse, figures["sparse"])
    table.set_ylabel("microseconds a round")
    for axes in (table, dimension, sparse):
        axes.legend(frameon=False, fontsize=8)
    for axes in (table, dimension, rank, sparse):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(sys.argv[2], dpi=130)


if __name__ == "__main__":
    main()
