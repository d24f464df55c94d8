"""`oco plot` and the files that it writes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from small_sweeps import fail

from oco.errors import ConfigError
from regret_experiments import figures
from regret_experiments.cli import oco
from regret_experiments.figures import draw, draw_all, save
from regret_experiments.figures.kinds import KINDS
from regret_experiments.figures.labels import DirectLabels
from regret_experiments.store.results import Results


def test_the_command_knows_every_kind() -> None:
    said = CliRunner().invoke(oco, ["plot", "nowhere", "mars"])
    assert said.exit_code == 2
    assert f"is not one of {', '.join(map(repr, KINDS))}." in said.output
    helped = CliRunner().invoke(oco, ["plot", "--help"]).output
    assert all(f"  {name} " in helped for name in KINDS)


def test_a_kind_is_added_by_one_file() -> None:
    """Each kind is listed by the module that draws it, and by no other."""
    source = "".join(path.read_text() for path in Path(figures.__path__[0]).glob("*.py"))
    source += Path(figures.__path__[0]).parent.joinpath("cli", "plot.py").read_text()
    for name in KINDS:
        assert source.count(f'"{name}": Kind(') == 1


@pytest.mark.parametrize(("ending", "start"), [("pdf", b"%PDF"), ("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_a_figure_is_written_in_the_format_of_its_name(stored: Path, tmp_path: Path, ending: str, start: bytes) -> None:
    target = tmp_path / f"figure.{ending}"
    said = CliRunner().invoke(oco, ["plot", str(stored), "memory", "-o", str(target), "--size", "one-column"])
    assert said.exit_code == 0, said.output
    assert f"drew {target}" in said.output
    assert target.read_bytes().startswith(start)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([target.name, "figure.caption.txt"])


@pytest.mark.skipif(shutil.which("xelatex") is None, reason="PGF needs xelatex, which is not installed")
def test_pgf_is_written_where_there_is_tex(results: Results, tmp_path: Path) -> None:
    target = save(draw(results, "rank"), tmp_path / "figure.pgf")
    assert "pgfpicture" in target.read_text()


def test_pgf_without_tex_is_one_sentence(results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ConfigError, match="PGF needs TeX to measure text, and xelatex was not found"):
        save(draw(results, "rank"), tmp_path / "figure.pgf")


def test_an_unknown_format_environment_or_rank_is_one_sentence(results: Results, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must end in .pdf, .svg, .png or .pgf, got 'figure.bmp'"):
        save(draw(results, "rank"), tmp_path / "figure.bmp")
    with pytest.raises(ConfigError, match="environment must be one of power_law, ill, got 'mars'"):
        draw(results, "rank", environment="mars")
    with pytest.raises(ConfigError, match=r"rank must be one of those that were played, \[1, 2, 4, 7\], got 3"):
        draw(results, "spectrum", rank=3)
    with pytest.raises(ConfigError, match="a picture in the plane needs a 2-dimensional environment, here d is 10"):
        draw(results, "path")
    with pytest.raises(ConfigError, match="needs a game whose optimum moves and is known; spectrum_linear is none"):
        draw(results, "dynamic")


def test_the_same_figure_is_the_same_file(results: Results, tmp_path: Path) -> None:
    for ending in ("pdf", "svg", "png"):
        files = [save(draw(results, "tail"), tmp_path / f"{name}.{ending}") for name in ("one", "two")]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_a_sweep_draws_its_two_figures(stored: Path) -> None:
    written = [path.name for path in draw_all(stored)]
    assert written == ["regret_vs_memory.pdf", "regret_vs_memory.png", "regret_curves.pdf", "regret_curves.png"]


def test_a_figure_is_drawn_again_only_if_what_it_shows_has_changed(stored: Path, tmp_path: Path) -> None:
    path = tmp_path / "results"
    shutil.copytree(stored, path, ignore=shutil.ignore_patterns("figures"))
    assert len(list(draw_all(path))) == 4
    assert list(draw_all(path)) == []
    (path / "figures" / "regret_curves.png").unlink()
    assert [each.stem for each in draw_all(path)] == ["regret_curves"] * 2
    (path / "figures" / "drawn.json").write_text("nonsense")
    assert len(list(draw_all(path))) == 4
    fail(path, 1)
    assert len(list(draw_all(path))) == 4
    assert "INCOMPLETE" in (path / "figures" / "regret_vs_memory.caption.txt").read_text()


def test_panels_and_learners_are_drawn_in_the_order_that_was_asked_for(results: Results) -> None:
    figure = draw(results, "memory", environment=["ill", "power_law"], learners=["fd_adagrad", "adagrad_norm"])
    assert [axes.get_title() for axes in figure.axes] == ["ill", "power law"]
    labels = [text for text in _labels(figure.axes[0]) if not text.startswith("k =") and not text.isdigit()]
    assert labels == ["FD-AdaGrad", "AdaGrad-norm"]


def test_columns_height_and_scales(results: Results) -> None:
    figure = draw(results, "rank", size="one-column", columns=2, height=2.5, legend=True, scale="log", x_scale="linear")
    assert tuple(figure.get_size_inches()) == (3.25, 2.5)
    grid = {axes.get_subplotspec().get_gridspec().get_geometry() for axes in figure.axes}
    assert grid == {(1, 2)}
    assert {(axes.get_xscale(), axes.get_yscale()) for axes in figure.axes} == {("linear", "log")}
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()][:2] == ["OGD", "AdaGrad-norm"]
    assert [text for axes in figure.axes for text in _labels(axes)] == []
    with pytest.raises(ConfigError, match="scale sqrt is of curves; memory takes log or linear"):
        draw(results, "memory", scale="sqrt")
    with pytest.raises(ConfigError, match="a figure of kind table has no axes to scale"):
        draw(results, "table", scale="log")
    with pytest.raises(ConfigError, match="learner must be one of ogd, .*, got 'mars'"):
        draw(results, "memory", learners=["mars"])


def test_words_of_narrow_panels_stay_in_their_place(results: Results) -> None:
    figure = draw(results, "memory", size="one-column", columns=2)
    figure.draw_without_rendering()
    assert len(figure.legends) == 1  # names have no room beside the points
    assert [text for axes in figure.axes for text in _labels(axes) if "AdaGrad" in text] == []
    across = [axes.xaxis.label.get_window_extent() for axes in figure.axes]
    assert across[0].x0 >= 0.0
    assert across[0].x1 < across[1].x0
    up = figure.axes[0].yaxis.label.get_window_extent()
    assert up.y0 >= 0.0
    assert up.y1 <= figure.bbox.height


@pytest.mark.parametrize("kind", ["memory", "signature"])
def test_one_point_has_an_axis_around_it(results: Results, kind: str) -> None:
    figure = draw(results, kind, environment="power_law", learners=["ogd"])
    figure.draw_without_rendering()  # warnings are errors
    low, high = figure.axes[0].get_xlim()
    assert low < 0.9 * high
    assert figure.get_figwidth() < 7.0  # one panel does not fill the page


def test_a_legend_leaves_only_ranks_at_lines(held_out: Results) -> None:
    (axes,) = draw(held_out, "held_out", legend=True).axes
    assert _labels(axes)
    assert all(text.startswith("k=") for text in _labels(axes))


@pytest.mark.parametrize(
    ("band", "words"),
    [("range", "the range over the data orders"), ("se", "one standard error"), ("ci", "the 95 % confidence interval")],
)
def test_the_caption_says_band_rate_and_games(stored: Path, tmp_path: Path, band: str, words: str) -> None:
    target = tmp_path / "curves.svg"
    given = ["--band", band, "--rate", "theorem", "-e", "ill", "--no-bounds", "--learner", "fd_adagrad"]
    said = CliRunner().invoke(oco, ["plot", str(stored), "curves", "-o", str(target), *given])
    assert said.exit_code == 0, said.output
    caption = (tmp_path / "curves.caption.txt").read_text()
    assert f"Bands and whiskers are {words}" in caption
    assert "at the theorem's learning rate" in caption
    assert caption.endswith("Ill (d = 8, 250 rounds, 2 orders of the data).\n")


def test_bounds_can_be_left_out(results: Results) -> None:
    for kind in ("curves", "escaped"):
        dotted = [
            [
                line
                for axes in draw(results, kind, bounds=bounds).axes
                for line in axes.lines
                if line.get_linestyle() == ":"
            ]
            for bounds in (True, False)
        ]
        assert dotted[0]
        assert not dotted[1]


def _labels(axes: Any) -> list[str]:
    return [text for child in axes.get_children() if isinstance(child, DirectLabels) for text in child.texts]
