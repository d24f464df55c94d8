"""The figure that makes the case: its sentences are true of the numbers, and it can be read at every size."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regret_experiments.figures import draw, signature_figure
from regret_experiments.figures.bounds import decision_of
from regret_experiments.figures.drawing import drawn
from regret_experiments.figures.kinds import panels
from regret_experiments.figures.selection import select_runs
from regret_experiments.figures.trade import Trade, trade_of
from regret_experiments.figures.why import why_data, why_frame
from regret_experiments.store.results import Results

NAMES = {"ogd": "OGD", "diagonal": "diagonal AdaGrad", "full": "full-matrix AdaGrad", "fd": "FD-AdaGrad"}
KINDS = {"ogd": "ogd", "diagonal": "diagonal_adagrad", "full": "full_matrix_adagrad", "fd": "fd_adagrad"}


def game(full: float, *sketches: tuple[int, float], ogd: float = 100.0) -> pd.DataFrame:
    """A table in which OGD holds 10 floats, the full matrix 1,000, and a sketch of rank k 50 k."""
    rows = [("ogd", None, 10, ogd), ("diagonal", None, 20, 110.0), ("full", None, 1000, full)]
    rows += [("fd", rank, 50 * rank, regret) for rank, regret in sketches]
    frame = pd.DataFrame(rows, columns=["learner", "rank", "state_floats", "regret_best"])
    ends = {f"regret_best_{end}": frame["regret_best"] for end in ("low", "high")}
    theorem = {name.replace("best", "theorem"): values for name, values in ends.items()}
    return frame.assign(
        kind=frame["learner"].map(KINDS), rank=frame["rank"].astype("Int64"), dimension=30, bound=500.0,
        regret_theorem=frame["regret_best"], **ends, **theorem,
    )  # fmt: skip


def said(table: pd.DataFrame, **how: Any) -> str:
    trade = trade_of(table, **how)
    assert trade is not None
    return trade.sentence(NAMES).replace("\N{NO-BREAK SPACE}", " ")


def test_the_sentence_is_computed_from_memory_and_gain() -> None:
    """Of 80 that the full matrix gains, the ranks 2, 4 and 8 keep 40, 60 and 72."""
    table = game(20.0, (8, 28.0), (2, 60.0), (4, 40.0))
    trade = trade_of(table)
    assert trade is not None
    assert (trade.ranks, trade.plain, trade.level, trade.plain_level) == ((2, 4, 8), "ogd", 20.0, 100.0)
    assert list(trade.memory) == pytest.approx([0.1, 0.2, 0.4])
    assert list(trade.gain) == pytest.approx([0.5, 0.75, 0.9])
    assert said(table) == "k = 4 keeps 20% of the memory and 75% of the gain"
    assert said(table, rank=8) == "no small rank helps: half of the gain takes k = 8, or 40% of the memory"
    assert trade.separation == pytest.approx((0.75 - 0.2) * 0.8)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (game(20.0, (1, 15.0), (2, 10.0)), "k = 1 keeps 5% of the memory and all of the gain"),
        (game(20.0, (2, 95.0), (10, 55.0), (18, 30.0)),
         "no small rank helps: half of the gain takes k = 10, or 50% of the memory"),
        (game(20.0, (2, 95.0), (4, 90.0)), "no rank helps here: none keeps half of the gain"),
        (game(99.0, (2, 98.0)), "nothing to gain here: full-matrix AdaGrad is no better than OGD"),
        (game(130.0, (2, 98.0)), "nothing to gain here: full-matrix AdaGrad is no better than OGD"),
        (game(99.0, (2, 60.0)), "k = 2 has 40% less regret than OGD; the full matrix gains nothing"),
    ],
)  # fmt: skip
def test_it_is_honest_where_the_trade_is_bad(table: pd.DataFrame, sentence: str) -> None:
    assert said(table) == sentence


def test_a_clear_case_comes_before_a_doubtful_one() -> None:
    clear, weak, none = game(20.0, (2, 25.0)), game(80.0, (2, 82.0)), game(130.0, (2, 98.0))
    values = [trade.separation for trade in map(trade_of, (clear, weak, none)) if trade is not None]
    assert values == sorted(values, reverse=True)
    assert values[-1] == 0.0


def test_without_a_full_matrix_or_a_sketch_there_is_no_trade() -> None:
    table = game(20.0, (2, 60.0))
    for missing in ("full", "fd"):
        assert trade_of(table[table["learner"] != missing]) is None
    assert trade_of(table[~table["learner"].isin(["ogd", "diagonal"])]) is None


def test_bounds_decide_nothing_about_an_order_of_regrets() -> None:
    table = game(20.0, (1, 30.0), (4, 60.0)).assign(bound=[200.0, 600.0, 400.0, 900.0, 300.0])
    decision = decision_of(table)
    assert decision is not None
    assert decision.sentence(NAMES) == (
        "bounds are 2 to 30 times the regret: OGD has the lowest bound, full-matrix AdaGrad the least regret; "
        "bounds fall with k, the regret rises"
    )
    assert decision_of(table.iloc[:1]) is None


@pytest.mark.parametrize("rate", ["best", "theorem"])
def test_the_lower_row_has_shares_of_the_trace_at_the_rate_of_the_upper(results: Results, rate: Any) -> None:
    runs = results.runs[results.runs["environment"] == "power_law"]
    frame = why_frame(results, runs, "fd_adagrad", 2, rate)
    chosen = select_runs(runs, rate)
    found = why_data(frame)
    assert list(found.indices) == list(range(1, 11))
    assert found.eigenvalues.sum() == pytest.approx(1.0)
    assert list(found.ranks) == [1, 2, 4, 7]
    assert found.tail[1] == pytest.approx(found.eigenvalues[2:].sum())
    for place, rank in enumerate((1, 2, 4, 7)):
        mine = chosen[(chosen["learner"] == "fd_adagrad") & (chosen["rank"] == rank)]
        traces = [results.arrays(identifier)["gradient_squares"][-1] for identifier in mine["id"]]
        assert found.tail[place] == pytest.approx(np.mean(mine["tail_mass"].to_numpy(float) / traces))
        lost = (rank + 1) * mine["escaped_mass"].to_numpy(float) / traces
        assert found.escaped[place] == pytest.approx(np.mean(lost))


def test_the_figure_marks_what_it_says(results: Results) -> None:
    figure, caption = drawn(results, "signature")
    upper = figure.axes[: len(figure.axes) // 2]
    for panel, axes in zip(panels(results).values(), upper, strict=True):
        trade = trade_of(panel.table)
        assert isinstance(trade, Trade)
        (level,) = [line for line in axes.lines if line.get_gid() == "full matrix"]
        assert level.get_ydata()[0] == trade.level
        (written,) = [text.get_text() for text in axes.texts if text.get_gid() == "sentence"]
        sentence = trade.sentence({name: style.label for name, style in panel.styles.items()})
        assert written.split() == sentence.split()
        assert sentence.replace("\N{NO-BREAK SPACE}", " ") in caption
        rings = [line for line in axes.lines if line.get_gid() == "ring"]
        assert len(rings) == int(trade.told)
        for ring in rings:
            row = panel.table[panel.table["rank"] == trade.rank].iloc[0]
            assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (row["state_floats"], row["regret_best"])


@pytest.mark.slow
@pytest.mark.parametrize(("size", "columns"), [("one-column", 1), ("one-column", 3), ("two-column", 4), ("slide", 4)])
def test_nothing_overlaps_at_any_size(size: str, columns: int) -> None:
    tables = {
        "natural images": game(20.0, (8, 28.0), (2, 60.0), (4, 40.0)), "cliff": game(20.0, (2, 95.0), (10, 55.0)),
        "another": game(99.0, (2, 60.0)), "an environment": game(130.0, (2, 98.0), ogd=120.0),
    }  # fmt: skip
    why = pd.DataFrame(
        [("eigenvalue", i, 0.5**i) for i in range(1, 31)] + [("tail", k, 0.5**k) for k in (1, 2, 4, 8)],
        columns=["quantity", "index", "share"],
    )
    import matplotlib

    from regret_experiments.figures.style import base_style

    with matplotlib.rc_context(base_style(size)):
        figure = signature_figure(tables, why=dict.fromkeys(tables, why), size=size, columns=columns)
        figure.draw_without_rendering()
        assert len(figure.axes) == 2 * (-(-4 // columns) * columns)
        texts = [text for axes in figure.axes for text in (*axes.texts, axes.title, axes.xaxis.label, axes.yaxis.label)]
        texts += figure.legends[0].get_texts()
        boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]
        for (one, box), (other, place) in itertools.combinations(boxes, 2):
            wide = min(box.x1, place.x1) - max(box.x0, place.x0)
            high = min(box.y1, place.y1) - max(box.y0, place.y0)
            assert wide <= 1.0 or high <= 1.0, (one, other)
        width, height = figure.canvas.get_width_height()
        for text, box in boxes:
            assert min(box.x0, box.y0, width - box.x1, height - box.y1) >= -1.0, text
        assert all(axes.get_window_extent().height > 25 for axes in figure.axes)
        assert min(text.get_fontsize() for text in texts) >= 5.0


def test_the_python_function_and_the_command_draw_the_same(results: Results) -> None:
    found = panels(results)
    why = {
        title: why_frame(results, panel.runs, "fd_adagrad", trade.rank)
        for title, panel in found.items()
        if (trade := trade_of(panel.table)) is not None
    }
    mine = signature_figure({title: panel.table for title, panel in found.items()}, why=why)
    theirs = draw(results, "signature")
    for one, other in zip(mine.axes, theirs.axes, strict=True):
        assert [list(line.get_ydata()) for line in one.lines] == [list(line.get_ydata()) for line in other.lines]
        assert one.get_title() == other.get_title()
