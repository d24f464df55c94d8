"""A figure that is drawn once where it is saved is, byte for byte, the one that Matplotlib draws twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from regret_experiments.figures.canvas import PanelFigure
from regret_experiments.figures.drawing import drawn, save_all
from regret_experiments.store.results import Results

ENDINGS = ("pdf", "png")


def written(results: Results, kind: str, home: Path) -> list[bytes]:
    figure, _ = drawn(results, kind)
    return [path.read_bytes() for path in save_all(figure, [home / f"{kind}.{ending}" for ending in ENDINGS])]


@pytest.mark.parametrize("kind", ["curves", "memory", "path"])
def test_a_figure_drawn_once_is_the_one_drawn_twice(
    kind: str, results: Results, plane: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = plane if kind == "path" else results
    once = written(shown, kind, tmp_path)
    monkeypatch.delattr(PanelFigure, "draw")
    assert PanelFigure.draw is Figure.draw
    assert once == written(shown, kind, tmp_path)


def test_a_figure_with_a_layout_is_drawn_where_nothing_is_saved(results: Results) -> None:
    figure, _ = drawn(results, "memory")
    drawn_artists = []
    figure.axes[0].draw = lambda renderer: drawn_artists.append(renderer)
    FigureCanvasAgg(figure).draw()
    figure.draw_without_rendering()
    assert len(drawn_artists) == 2
