"""Names never overlap: at 4, 8 and 14 learners, at every size, for lines and for points."""

from __future__ import annotations

import itertools
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from oco.learners import LEARNERS
from regret_experiments.figures import ranking_table, regret_curves, regret_vs_memory, regret_vs_rank, time_vs_memory
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.figures.style import base_style, panel_grid

NAMES = ["fd_adagrad", *(name for name in LEARNERS if name != "fd_adagrad")]


def labels_of(axes: Any) -> DirectLabels:
    (found,) = [child for child in axes.get_children() if isinstance(child, DirectLabels)]
    return found


def overlaps(boxes: list[Any]) -> list[tuple[int, int]]:
    """Pairs of boxes that share more than a sliver of half a pixel."""
    pairs = itertools.combinations(range(len(boxes)), 2)
    return [
        (i, j)
        for i, j in pairs
        if min(boxes[i].x1, boxes[j].x1) - max(boxes[i].x0, boxes[j].x0) > 0.5
        and min(boxes[i].y1, boxes[j].y1) - max(boxes[i].y0, boxes[j].y0) > 0.5
    ]


def crowded_table(count: int, spread: float) -> pd.DataFrame:
    """Learners whose points nearly coincide; the first has five ranks."""
    generator = np.random.default_rng(count)
    rows = []
    for i, name in enumerate(NAMES[:count]):
        for rank in (1, 2, 4, 8, 16) if i == 0 else (None,):
            regret = 50.0 * float(np.exp(spread * generator.standard_normal()))
            floats = 60 * (rank + 1) if rank else int(60 * np.exp(spread * abs(generator.standard_normal())))
            rows.append(
                {
                    "learner": name, "kind": name, "rank": rank, "state_floats": floats, "regret_best": regret,
                    "regret_best_low": 0.9 * regret, "regret_best_high": 1.1 * regret, "regret_theorem": 1.5 * regret,
                    "microseconds": regret, "low": 0.9 * regret, "high": 1.1 * regret,
                }
            )  # fmt: skip
    frame = pd.DataFrame(rows)
    return frame.assign(rank=frame["rank"].astype("Int64"))


def crowded_curves(count: int, spread: float) -> pd.DataFrame:
    generator = np.random.default_rng(count)
    rounds = np.unique(np.rint(np.geomspace(1, 1000, 20)))
    parts = []
    for name in NAMES[:count]:
        regret = np.sqrt(rounds) * np.exp(spread * generator.standard_normal())
        parts.append(
            pd.DataFrame(
                {
                    "learner": name,
                    "kind": name,
                    "rank": pd.array([None] * len(rounds), dtype="Int64"),
                    "round": rounds,
                    "regret_lower": regret,
                    "regret_upper": 1.01 * regret,
                    "regret_final": regret,
                    "bound": 10.0 * regret,
                }
            )  # fmt: skip
        )
    return pd.concat(parts)


@pytest.mark.parametrize("size", ["one-column", "two-column", "slide"])
@pytest.mark.parametrize("count", [4, 8, 14])
@pytest.mark.parametrize("draw", [regret_vs_memory, regret_vs_rank, time_vs_memory, regret_curves])
def test_no_two_names_overlap(size: str, count: int, draw: Any) -> None:
    spread = 0.6 if size == "two-column" else 0.02
    frame = crowded_curves(count, spread) if draw is regret_curves else crowded_table(count, spread)
    with matplotlib.rc_context(base_style(size)):
        figure = Figure(figsize=panel_grid(1, size)[0], layout="constrained")
        axes = draw(frame, figure.subplots())
        figure.draw_without_rendering()
        renderer = figure._get_renderer()  # type: ignore[attr-defined]
        labels = labels_of(axes)
        boxes = labels.boxes(renderer)
        assert overlaps(boxes) == []
        # Every learner is named, in the figure's own area, with letters that can be read.
        assert sum(any(text.startswith(label) for text in labels.texts) for label in labels_wanted(frame)) == count
        page = figure.bbox
        assert all(box.x1 <= page.x1 + 1 and box.y0 >= page.y0 - 1 and box.y1 <= page.y1 + 1 for box in boxes)
        assert all(text.get_fontsize() >= 4.0 for text, *_ in labels._entries)


@pytest.mark.parametrize("size", ["one-column", "two-column", "slide"])
@pytest.mark.parametrize("count", [4, 14])
def test_no_two_cells_of_the_ranking_overlap(size: str, count: int) -> None:
    frame = crowded_table(count, 0.6).assign(
        bound=123456.7, verdict="assumption violated", at_edge=True, runs=3, failed=0
    )
    with matplotlib.rc_context(base_style(size)):
        figure = Figure(figsize=panel_grid(4, size, 0.62)[0], layout="constrained")
        grid = figure.subplots(*panel_grid(4, size)[1:], squeeze=False).ravel()
        axes = ranking_table(frame, grid[0])
        figure.draw_without_rendering()
        boxes = [text.get_window_extent() for text in axes.texts if text.get_text()]
    assert overlaps(boxes) == []


@pytest.mark.parametrize(("low", "high"), [(200, 3000), (3, 50), (1e-9, 1e9)])
def test_no_two_numbers_on_a_logarithmic_axis_overlap(low: float, high: float) -> None:
    spaced = np.geomspace(low, high, 5)
    frame = crowded_table(1, 0.0).assign(state_floats=spaced, microseconds=spaced, low=spaced, high=spaced)
    with matplotlib.rc_context(base_style("one-column")):
        figure = Figure(figsize=panel_grid(1, "one-column")[0], layout="constrained")
        axes = time_vs_memory(frame, figure.subplots())
        figure.draw_without_rendering()
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            inside = [tick.label1 for tick in ticks if limits[0] <= tick.get_loc() <= limits[1]]
            shown = [label for label in inside if label.get_text()]
            assert len(shown) >= 2
            assert overlaps([text.get_window_extent() for text in shown]) == []


def labels_wanted(frame: pd.DataFrame) -> list[str]:
    from regret_experiments.figures.common import styles_of

    return [style.label for style in styles_of(frame).values()]


def test_names_at_ends_stand_in_the_order_of_their_lines() -> None:
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    axes.set_ylim(0.0, 10.0)
    labels = DirectLabels(axes)
    for height in (5.0, 5.1, 4.9, 9.0, 0.0):
        labels.at_end(f"{height}", 1.0, height, "#000000")
    figure.draw_without_rendering()
    boxes = labels.boxes(figure._get_renderer())  # type: ignore[attr-defined]
    by_height = [text for _, text in sorted(zip([box.y0 for box in boxes], labels.texts, strict=True))]
    assert by_height == ["0.0", "4.9", "5.0", "5.1", "9.0"]


def test_a_name_with_dollars_is_text() -> None:
    figure = Figure(layout="constrained")
    labels = DirectLabels(figure.subplots())
    labels.at_end("$\\frac{broken$ <b>", 0.5, 0.5, "#000000")
    figure.draw_without_rendering()
    assert labels.texts == ["$\\frac{broken$ <b>"]
