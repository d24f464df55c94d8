"""The page "From a config to a paper": its commands are run on fewer orders, and what they write is read."""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from latex_tables import read_table

from regret_experiments.cli import oco
from regret_experiments.config import load_config
from regret_experiments.plan import make_plan

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "from_config_to_paper.md").read_text()
CONFIG = Path("configs/from_config_to_paper.yaml")
COMMANDS = re.findall(r"^    (oco (?:sweep|plot|table|compare) .*)$", PAGE, flags=re.MULTILINE)
DOCUMENTS = re.findall(r"```latex\n(.*?)```", PAGE, flags=re.DOTALL)


def test_there_are_four_commands_and_one_config() -> None:
    assert [command.split()[1] for command in COMMANDS[:4]] == ["sweep", "plot", "table", "compare"]
    assert str(CONFIG) in COMMANDS[0]
    assert len(make_plan(load_config(ROOT / CONFIG, ())).environments) == 3


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A directory in which the commands were run, and what each printed."""
    home = tmp_path_factory.mktemp("paper")
    text = (ROOT / CONFIG).read_text()
    assert text.count("\norders: 8\n") == 1
    (home / "configs").mkdir()
    (home / CONFIG).write_text(text.replace("\norders: 8\n", "\norders: 3\n"))
    printed = []
    with contextlib.chdir(home):
        for command in COMMANDS:
            words, _, target = command.removeprefix("oco ").partition(" > ")
            said = CliRunner().invoke(oco, shlex.split(words), catch_exceptions=False)
            assert said.exit_code == 0, f"{command}: {said.output}"
            printed.append(said.stdout)
            if target:
                Path(target).write_text(said.stdout)
    return home, printed


@pytest.mark.slow
def test_the_commands_make_a_figure_a_table_a_paired_test_and_a_held_out_error(made: tuple[Path, list[str]]) -> None:
    home, printed = made
    assert (home / "figure.pdf").read_bytes().startswith(b"%PDF")
    caption = (home / "figure.caption.txt").read_text().lower()
    assert all(name in caption for name in ("photographs", "digits", "breast cancer"))
    table = read_table((home / "table.tex").read_text())
    assert table.rows[0][-1] == "{Held-out loss, averaged point}"
    assert len(table.rows) == 1 + 3 * (1 + 6)
    held_out = [row[-1] for row in table.rows[1:] if len(row) == len(table.columns)]
    assert len(held_out) == 18
    assert all(re.fullmatch(r"(\\bfseries )?0\.\d+\(\d+\)", cell) for cell in held_out)
    compared = printed[3]
    assert compared.startswith("held-out loss, averaged point: fd_adagrad:4 - ogd")
    assert "9 pairs were used; none was left out." in compared
    assert "With 3 pairs the smallest two-sided p-value of Wilcoxon's test is 0.25, and 0.75 after Holm" in compared


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX is installed; the strict reader reads the table")
def test_the_paper_of_the_page_compiles(made: tuple[Path, list[str]]) -> None:
    home, _ = made
    if subprocess.run(["kpsewhich", "siunitx.sty"], capture_output=True, check=False).returncode:
        pytest.skip("TeX is installed without siunitx")
    (document,) = DOCUMENTS
    (home / "paper.tex").write_text(document)
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
