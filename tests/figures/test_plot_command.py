"""`oco plot` and the files that it writes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from oco.errors import ConfigError
from regret_experiments import figures
from regret_experiments.cli import oco
from regret_experiments.figures import draw, draw_all, save
from regret_experiments.figures.kinds import KINDS
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
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


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
