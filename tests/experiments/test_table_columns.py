"""One list of columns: what the terminal, CSV, Markdown, the ranking figure and the page show comes from it."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small_sweeps import play

from regret_experiments.report.payload import build_payload
from regret_experiments.store.results import load
from regret_experiments.tables import COLUMNS, RUN_COLUMNS, rank_table, table_markdown, table_text
from regret_experiments.tables.column import short
from regret_experiments.tables.text import EXPECTED

TINY = """
name: tiny
checkpoints: 3
environments: [{kind: spectrum_linear, dimension: 4, horizon: 20}]
learners: [{kind: ogd}, {kind: fd_adagrad, rank: 2}]
"""
READ = [column for column in COLUMNS if column.format is not None and column.name != EXPECTED]  # no learner draws here


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a tiny sweep."""
    return play(TINY, tmp_path_factory.mktemp("tiny"))


def test_every_reader_shows_the_listed_columns(stored: Path) -> None:
    table = rank_table(load(stored).runs)
    assert list(table) == [column.name for column in COLUMNS]
    headings = [column.heading("regret") for column in READ]
    assert table_text(table).splitlines()[1].split() == " ".join(headings).split()
    cells = [line.strip("| ").split(" | ") for line in table_markdown(table).splitlines() if line.startswith("| ")]
    assert cells[0] == headings
    assert {len(row) for row in cells} == {len(READ)}
    assert [each["title"] for each in build_payload(load(stored))["table"]] == [
        column.heading("Regret at most") for column in RUN_COLUMNS
    ]


def test_the_page_has_no_list_of_its_own() -> None:
    script = resources.files("regret_experiments.report").joinpath("assets", "table.js").read_text()
    for column in RUN_COLUMNS:
        assert f'"{column.heading("Regret at most")}"' not in script
        assert f'name: "{column.name}"' not in script


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\N{EN DASH}"), (float("nan"), "\N{EN DASH}"), (0.0, "0"), (1234.0, "1,234"), (123456.0, "123,500"),
        (0.00012345, "0.0001234"), (-2.5, "-2.5"), (1e6, "1.00e6"), (3.875e-11, "3.88e-11"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_numbers_as_a_person_would_write_them(value: Any, text: str) -> None:
    assert short(value) == text


def test_a_foreign_name_ends_no_line_and_no_cell(stored: Path, tmp_path: Path, oco: Any) -> None:
    (tmp_path / "runs").symlink_to(stored / "runs")
    plan = json.loads((stored / "plan.json").read_text())
    for row in plan["runs"]:
        row["learner"] = "fake  1  9\n  " + row["learner"] + "\t|x"
        row["environment"] = "e\nogd  0"
    del plan["schema"], plan["sha256"]
    plan["runs"].append(plan["runs"][0] | {"id": "0" * 20})
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    table = rank_table(load(tmp_path).runs)
    assert len(table_text(table).splitlines()) == 2 + len(table)
    assert len([line for line in table_markdown(table).splitlines() if line.startswith("|")]) == 2 + len(table)
    said = oco("table", tmp_path, "--strict")
    assert said.code == 1
    assert "\\n" in said.out
    shown = said.out.splitlines()
    assert len(shown) == 2 + len(table) + 1 + len(load(tmp_path).shortfalls)
    assert not any(line.startswith("ogd  0") for line in shown)


@pytest.mark.parametrize("text", ['{"name": "a", "kinds": {}, "runs": 3}', '{"runs": [3]}', "[]", "{", '{"runs": {}}'])
def test_a_malformed_plan_is_one_sentence_everywhere(tmp_path: Path, oco: Any, text: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    commands = (
        ["table"],
        ["table", "--csv"],
        ["plot", "memory"],
        ["report"],
        ["export"],
        ["check"],
        ["diff", tmp_path],
    )
    for name, *more in commands:
        said = oco(name, tmp_path, *more)
        assert (said.code, said.out) == (1, ""), name
        assert said.err.startswith(f"Error: {tmp_path / 'plan.json'} cannot be read: ")
        assert said.err.count("\n") == 1


def test_a_directory_of_results_has_a_name(small: Path, oco: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small.parent)
    for command in (["sweep", small, "--results", ""], ["plan", small, "--results", ""], ["table", ""], ["report", ""]):
        said = oco(*command)
        assert said.code == 2
        assert "a directory of results must have a name, got ''" in said.err
    assert [path.name for path in small.parent.iterdir()] == [small.name]


def test_csv_and_markdown_are_not_asked_for_at_once(stored: Path, oco: Any) -> None:
    assert oco("table", stored, "--csv", "--markdown").code == 2
    assert oco("table", stored, "--markdown").out.startswith("### spectrum\\_linear\n\n| learner | k |")


def test_a_network_has_no_columns_of_a_game(stored: Path) -> None:
    """Runs without a regret, a bound or a spectrum need no empty columns to be shown."""
    runs = load(stored).runs
    bare = runs.drop(
        columns=[name for name in runs if name.startswith(("regret", "bound", "tail", "escaped", "memory"))]
    )
    table = rank_table(bare.assign(final_loss=[0.5, 0.25]))
    assert table["regret_best"].isna().all()
    assert list(table["loss_best"]) == [0.5, 0.25]
    assert "loss, best rate" in table_text(table)
    assert isinstance(table, pd.DataFrame)
