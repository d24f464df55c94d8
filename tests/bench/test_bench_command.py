"""``oco bench`` on the command line: a file enters, is listed and verified; a cheat leaves with one sentence."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from oco.errors import OcoError
from regret_experiments.bench.contestant import library_entries
from regret_experiments.cli import oco

HERE = Path(__file__).parent
SUITE = ["--suite", str(HERE / "small_suite.yaml")]
CHEATS = HERE / "cheats"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(oco, ["bench", *arguments], catch_exceptions=False)


@pytest.mark.slow
def test_a_file_enters_and_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (CHEATS / "honest.py").read_text().replace("class Honest", "class Mine")
    Path("my_file.py").write_text(text)
    done = call("run", "my_file.py:Mine", "-l", "learning_rate=[0.1, 1.0]", "--jobs", "1", *SUITE)
    assert done.exit_code == 0
    home = Path("results/bench/my_file.mine")
    assert sorted(path.name for path in home.iterdir() if path.is_file() and path.name in done.output) == [
        "entry.json", "page.html", "sheet.md",
    ]  # fmt: skip
    row = next(line for line in done.output.splitlines() if line.startswith("my_file.mine <"))
    assert "4/4" in row
    table = call("table", *SUITE, "--csv")
    assert len(table.output.splitlines()) == 1 + 4
    sheet = call("table", "my_file.mine", "--sheet", *SUITE)
    assert "Place 1 of 1" in sheet.output
    checked = call("verify", str(home / "entry.json"), "my_file.py", "--games", "1", *SUITE)
    assert checked.exit_code == 0
    assert "the checksum is right, and 1 games gave the same numbers" in checked.output
    Path("my_file.py").write_text(text + "\n")
    with pytest.raises(OcoError, match="not the file that played"):
        call("verify", str(home / "entry.json"), "my_file.py", *SUITE)


def test_a_cheat_does_not_enter(tmp_path: Path) -> None:
    with pytest.raises(OcoError, match=r"^with_attribute does not enter\. attributes outside state: ") as caught:
        call("run", str(CHEATS / "with_attribute.py"), "--results", str(tmp_path), *SUITE)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_cheat_that_waits_until_the_audit_is_over_does_not_enter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks for the environment in frames from round 40 on, and the audit plays 30 rounds."""
    monkeypatch.setattr("regret_experiments.bench.audit.ROUNDS", 30)
    text = (CHEATS / "with_frames.py").read_text().replace("class WithFrames", "class Waits")
    path = tmp_path / "waits.py"
    path.write_text(text.replace("if stream is not None and", 'if stream is not None and self.state["round"] > 40 and'))
    suite = (HERE / "small_suite.yaml").read_text().splitlines()
    only = [line for line in suite if not line.startswith("  - ") or "name: wine" in line]
    (tmp_path / "suite.yaml").write_text("\n".join(only) + "\n")
    with pytest.raises(OcoError, match=r"the environment: wine, order \d: with the learner in a process of its own"):
        call(
            "run",
            str(path),
            "--results",
            str(tmp_path / "results"),
            "--jobs",
            "1",
            "--suite",
            str(tmp_path / "suite.yaml"),
        )


TINY = """
version: 0
tuning: 3
tuning_order: 100
orders: [0, 1]
limit_seconds: 100
rates: {with_theorem: [theorem, 0.1], without_theorem: [0.1]}
groups: {rows: Rows, simplex: Simplex}
streams:
  - {group: rows, name: ill conditioned, kind: ill_conditioned_regression, dimension: 3, horizon: 60, draws: signs,
     domain: {kind: ball, radius: 1.0}}
  - {group: simplex, name: experts, kind: expert_advice, dimension: 3, horizon: 60}
"""


def numbers(table: str) -> list[dict[str, str]]:
    """The rows of a table in CSV without the seconds."""
    rows = list(csv.DictReader(io.StringIO(table)))
    assert rows
    assert all("seconds" in row for row in rows)
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.mark.slow
def test_all_and_folders_give_the_same_table_with_any_number_of_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every learner of a small library, then a class: two files, of which one cheats."""
    few = {name: library_entries()[name] for name in ("ogd", "hedge", "fd_adagrad-k2")}
    monkeypatch.setattr("regret_experiments.bench.contestant.library_entries", lambda: few)
    (tmp_path / "suite.yaml").write_text(TINY)
    pupils = tmp_path / "class"
    pupils.mkdir()
    for name in ("honest", "with_attribute"):
        (pupils / f"{name}.py").write_text((CHEATS / f"{name}.py").read_text())
    cheat = pupils / "with_attribute.py"
    suite, tables = ["--suite", str(tmp_path / "suite.yaml")], []
    for jobs in ("1", "2"):
        results = ["--results", str(tmp_path / jobs)]
        done = call("run", "--all", "--jobs", jobs, *results, *suite)
        assert done.exit_code == 0, done.output
        again = call("run", "--all", "--jobs", jobs, *results, *suite)
        assert [line for line in again.output.splitlines() if "entry already" in line] == [
            f"{name}: has an entry already" for name in few
        ]
        folder = call("run", str(pupils), "--jobs", jobs, *results, *suite)
        assert f"{pupils / 'honest.py'}: " not in folder.output
        assert (f"{cheat}: it did not enter" in folder.output) == cheat.exists()
        assert folder.exit_code == int(cheat.exists())
        cheat.unlink(missing_ok=True)
        tables.append(numbers(call("table", "--csv", "--no-reference", *results, *suite).output))
    assert {row["learner"] for row in tables[0]} == {*few, "honest"}
    assert len(tables[0]) == 4 * 2
    assert tables[0] == tables[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "nobody"], "there is no learner 'nobody'"),
        (["run", "nothing.py:X"], "nothing.py: there is no such file"),
        (["run", str(CHEATS / "honest.py:Honesty")], "did you mean 'Honest'"),
        (["run", "fd_adagrad"], "fd_adagrad needs rank; hyper-parameters are given with -l"),
        (["verify", "nothing.json"], "nothing.json: there is no such file"),
    ],
)
def test_mistakes_are_one_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OcoError, match=re.escape(sentence)) as caught:
        call(*arguments, *SUITE)
    assert "\n" not in str(caught.value)
