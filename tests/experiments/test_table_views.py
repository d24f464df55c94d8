"""`oco table`: chosen rows and columns, sorted, and the best in bold, on runs whose numbers are known by hand."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from known_runs import frame, rows
from latex_tables import MalformedTable, read_table
from small_sweeps import play

from oco.errors import ConfigError
from regret_experiments.tables import best_and_ties, table_latex, table_markdown, table_text, table_view
from regret_experiments.tables.siunitx import Number

ORDERS = range(6)
WOBBLE = np.array([0.3, -0.2, 0.1, -0.3, 0.2, -0.1])
"""Of mean 0: what an order adds to the regret of a learner."""


HARD = 40.0 * np.arange(6.0)
"""What an order adds to the regrets of all learners."""
RUNS = frame(
    rows("a", "ogd", None, 30.0 + HARD + WOBBLE),
    rows("a", "fd_adagrad", 2, 20.0 + HARD),
    rows("a", "fd_adagrad", 4, 20.05 + HARD + WOBBLE),  # within its wobble of the best
    rows("b", "ogd", None, 7.0 + WOBBLE),
    rows("b", "fd_adagrad", 2, 9.0 + WOBBLE),
)


def test_the_best_and_its_ties_are_found_by_pairs() -> None:
    """The orders differ by far more than the learners, which only paired tests see through."""
    view = table_view(RUNS, ["learner", "rank", "regret_best", "bound"])
    found = best_and_ties(view)
    assert found.best == {"regret_best": {1, 2, 3}}  # ranks 2 and 4 on a, ogd on b
    (sentence,) = found.sentences
    assert "paired t-test over 6 shared orders" in sentence
    assert best_and_ties(view, "wilcoxon").best["regret_best"] == {0, 1, 2, 3}  # Holm: 2 * 0.03125 > 0.05
    told = best_and_ties(view, "wilcoxon").sentences
    assert "With 6 orders the smallest p-value of this test is 0.03125 and Holm's factor is 2" in told[1]


def test_one_order_has_no_test() -> None:
    view = table_view(RUNS[RUNS["order"] == 0], ["learner", "regret_best"])
    found = best_and_ties(view)
    assert found.best == {"regret_best": {1, 3}}
    assert found.sentences == (
        "Bold is the lowest mean of an environment; without two shared orders there is no test of ties.",
    )


def test_identical_learners_are_both_the_best() -> None:
    twins = frame(
        rows("a", "one", None, [3.0, 5.0]), rows("a", "two", None, [3.0, 5.0]), rows("a", "three", None, [4.0, 6.0])
    )
    assert best_and_ties(table_view(twins, ["regret_best"])).best == {"regret_best": {0, 1}}


def test_the_mean_its_error_and_its_interval_are_columns() -> None:
    (row,) = table_view(RUNS, environments=["b"], learners=["ogd"]).frame.to_dict("records")
    error = np.sqrt(0.28 / 5.0 / 6.0)  # squares of the wobble sum to 0.28
    assert row["regret_best"] == pytest.approx(7.0, rel=1e-14)
    assert row["regret_best_se"] == pytest.approx(error, rel=1e-12)
    assert row["regret_best_ci_high"] == pytest.approx(7.0 + 2.570581835636314 * error, rel=1e-9)
    assert row["loss_best_se"] == pytest.approx(error, rel=1e-9)
    assert np.isnan(row["regret_theorem_se"])


def test_repetitions_on_one_order_are_one_value() -> None:
    twice = frame(
        rows("a", "ogd", None, [1.0, 5.0]),
        [row | {"repetition": 1, "id": f"{row['id']}-1"} for row in rows("a", "ogd", None, [3.0, 7.0])],
    )
    (group,) = table_view(twice).groups
    assert list(group.by_order("best", "regret")) == [2.0, 6.0]
    assert group.error("best", "regret").standard_error == 2.0


def test_columns_of_runs_are_means_over_the_orders_of_the_best_rate() -> None:
    view = table_view(RUNS, ["learner", "held_out_loss", "learning_rate"], environments=["b"])
    assert list(view.chosen) == ["learner", "held_out_loss", "learning_rate"]
    assert list(view.chosen["held_out_loss"]) == pytest.approx([0.7, 0.9], rel=1e-12)
    assert best_and_ties(view).best == {"held_out_loss": {3}}  # lower is better, of learning rates not
    assert table_view(RUNS, ["held_out_loss"], rate="theorem").chosen["held_out_loss"].isna().all()


@pytest.mark.parametrize(
    ("sort", "descending", "expected"),
    [
        ("regret_best", False, [1, 2, 0, 3, 4]),
        ("regret_best", True, [0, 2, 1, 4, 3]),
        ("rank", False, [1, 2, 0, 4, 3]),
        ("rank", True, [2, 1, 0, 4, 3]),
        ("learner", False, [1, 2, 0, 4, 3]),
        ("held_out_loss", False, [1, 2, 0, 3, 4]),
        (None, False, [0, 1, 2, 3, 4]),
    ],
)
def test_rows_are_sorted_within_their_environment_missing_ones_last(
    sort: str | None, descending: bool, expected: list[int]
) -> None:
    assert list(table_view(RUNS, sort=sort, descending=descending).frame.index) == expected


def test_a_table_of_losses_is_sorted_and_compared_by_them() -> None:
    unknown = RUNS.assign(regret_lower=np.nan, regret_upper=np.nan)
    view = table_view(unknown, ["learner", "regret_best"], sort="regret_best", descending=True)
    assert view.measure == "loss"
    assert list(view.frame.index) == [0, 2, 1, 4, 3]
    assert best_and_ties(view).best == {"regret_best": {1, 2, 3}}
    table = read_table(table_latex(view, best_and_ties(view)))
    assert table.rows[0] == ["Learner", "{Loss, best rate}"]
    assert table.rows[2] == ["OGD", "230(31)"]  # 130 + 100, and 40 sqrt(3.5 / 6)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"columns": ["regret_bset"]}, "there is no column 'regret_bset' in these results; did you mean 'regret_best'"),
        ({"columns": ["id"]}, "there is no column 'id' in these results"),
        ({"sort": "rnak"}, "there is no column 'rnak' in these results; did you mean 'rank'"),
        ({"environments": ["c"]}, "there is no environment 'c' in these results; there are a, b"),
        ({"learners": ["odg"]}, "there is no learner 'odg' in these results; did you mean 'ogd'"),
    ],
)
def test_an_unknown_name_is_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as raised:
        table_view(RUNS, **options)
    assert str(raised.value).startswith(sentence)
    assert "\n" not in str(raised.value)


def test_latex_by_hand() -> None:
    view = table_view(RUNS, ["learner", "rank", "state_floats", "regret_best", "verdict"], environments=["b"])
    text = table_latex(view, best_and_ties(view))
    assert read_table(text).columns == [
        "l", "S[table-format=1.0]", "S[table-format=2.0]", "S[table-format=1.3(2), text-series-to-math]", "l"
    ]  # fmt: skip
    assert read_table(text).rows == [
        ["Learner", "{$k$}", "{State floats}", "{Regret, best rate}", "Verdict"],
        ["OGD", "{--}", "12", r"\bfseries 7.000(97)", "holds"],  # sqrt(0.28 / 30) = 0.0966
        ["FD-AdaGrad", "2", "12", "9.000(97)", "holds"],
    ]
    comments = [line for line in text.splitlines() if line.startswith("%")]
    assert any("standard error of the mean" in line for line in comments)
    assert any("paired t-test over 6 shared orders" in line for line in comments)
    bare = table_latex(view, best_and_ties(view), spread="none")
    assert [row[3] for row in read_table(bare).rows[1:]] == [r"\bfseries 7", "9"]
    wide = table_latex(view, best_and_ties(view), spread="ci")
    assert read_table(wide).rows[1][3] == r"\bfseries 7.00(25)"  # 2.5706 * 0.0966 = 0.248


def test_marks_stand_behind_numbers_and_comments_say_what_they_mean() -> None:
    edge = [row | {"learning_rate": rate} for rate in (0.1, 1.0) for row in rows("a", "ogd", None, [rate, rate])]
    for number, row in enumerate(edge):
        row["id"] = str(number)
    violated = rows("a", "fd_adagrad", 3, [5.0, 6.0], bound_valid=False)
    violated[1]["status"] = "failed"
    view = table_view(frame(edge, violated), ["learner", "rank", "regret_best", "bound"])
    text = table_latex(view, best_and_ties(view), shortfalls=["1 of 6 runs failed"])
    assert read_table(text).rows[1:] == [
        ["OGD", "{--}", r"\bfseries 0.1 {$^{*}$}", "50"],
        [r"FD-AdaGrad$^{\dagger}$", "3", "5", "50 {$^{?}$}"],
    ]
    assert "% * the best rate is at the edge of its grid." in text
    assert "% ? an assumption of the bound is violated." in text
    assert "% dagger: runs are missing or failed." in text
    assert "% INCOMPLETE: 1 of 6 runs failed" in text


def test_hostile_names_are_text() -> None:
    names = ["50% of $x_1$ & more \\\\ #", "{~^|<>}", "new\nline\x1b[31m"]
    runs = frame(*(rows(f"e {name}", name, 2, [1.0, 2.0]) for name in names))
    view = table_view(runs, ["learner", "environment", "memory_formula", "regret_best"])
    table = read_table(table_latex(view, best_and_ties(view)))
    assert len(table.rows) == 1 + 2 * len(names)
    assert r"50\% of \$x\_1\$ \& more \textbackslash{}\textbackslash{} \#" in table.rows[2][0]


def test_rows_that_were_not_run_have_room_in_every_form() -> None:
    runs = frame(rows("a", "ogd", None, [1.0, 2.0]), rows("a", "adam", None, [1.0, 2.0], status="missing"))
    for names in (
        None,
        ["learner", "regret_best", "held_out_loss"],
        ["regret_best", "orders", "state_floats", "bound"],
    ):
        view = table_view(runs, names)
        assert len(table_text(view.frame, view.columns).splitlines()) == 4
        assert len(table_markdown(view.frame, view.columns).splitlines()) == 6
        assert len(read_table(table_latex(view, best_and_ties(view))).rows) == 3
    with pytest.raises(ConfigError, match="there are no runs"):
        table_latex(table_view(runs.iloc[:0]), best_and_ties(table_view(runs.iloc[:0])))


@pytest.mark.parametrize(
    ("value", "spread", "text"),
    [
        (55.0312, 1.27, "55.0(13)"), (55.0312, 0.0996, "55.03(10)"), (1234.0, 123.4, "1230(120)"),
        (0.5, 12.3, "0(12)"), (-3.14159, 0.002, "-3.1416(20)"), (3.2e9, 4.1e7, "3.200(41)e9"),
        (2.5e-7, np.nan, "2.5e-7"), (0.0, np.nan, "0"), (0.0, 0.013, "0.000(13)"), (51.96152, np.nan, "51.96"),
        (123456.7, np.nan, "123457"), (1e-3 / 3, 0.0, "0.0003333"), (1.0 / 3.0, 1e-16, "0.3333"),
        (1e300, np.nan, "1e300"),
    ],
)  # fmt: skip
def test_numbers_as_siunitx_reads_them(value: float, spread: float, text: str) -> None:
    assert str(Number.of(value, spread)) == text


GOOD = r"""\begin{tabular}{
  l
  S[table-format=2.1(2)]
}
\toprule
a & {b} \\
\midrule
x & 1.2(13) \\
\bottomrule
\end{tabular}"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x & 1.2(13)", "x & 1.2(13) & 3"), ("x & 1.2(13)", "x"), ("{b}", "b"), ("1.2(13)", "1.25(13)"),
        ("1.2(13)", "123.2(13)"), ("1.2(13)", "-1.2(13)"), ("1.2(13)", r"\bfseries 1.2(13)"), ("x &", "x_1 &"),
        ("1.2(13)", "1.2(13) {$^{*}$}"), ("x &", r"\mathbb{x} &"), ("x &", "{x &"), ("x &", "x} &"), ("x &", "$x &"),
        ("x &", "# &"), (r"1.2(13) \\", "1.2(13)"), ("S[", "Q["), ("\\end{tabular}", ""), ("1.2(13)", "1.2(13)e3"),
        ("x &", " &"),
    ],
)  # fmt: skip
def test_the_strict_reader_is_strict(old: str, new: str) -> None:
    assert read_table(GOOD).rows == [["a", "{b}"], ["x", "1.2(13)"]]
    assert old in GOOD
    with pytest.raises(MalformedTable):
        read_table(GOOD.replace(old, new, 1))


TINY = """
name: tiny
orders: 3
checkpoints: 3
environments: [{name: linear, kind: spectrum_linear, dimension: 4, horizon: 40, domain: {kind: ball, radius: 1.0}}]
learners:
  - {kind: ogd, learning_rate: [theorem, 0.1, 1.0]}
  - {kind: fd_adagrad, rank: [1, 2], learning_rate: [theorem, 0.1, 1.0]}
"""


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a tiny sweep."""
    return play(TINY, tmp_path_factory.mktemp("tiny"))


def test_the_command_prints_what_was_asked_for(stored: Path, oco: Any) -> None:
    said = oco("table", stored, "--columns", "learner, rank,cumulative_loss", "--sort", "rank", "--descending")
    assert (said.code, said.err) == (0, "")
    title, heading, *lines = said.out.splitlines()
    assert (title, heading.split()) == ("linear", ["learner", "k", "cumulative", "loss"])
    assert [line.split()[:2] for line in lines[:2]] == [["fd_adagrad", "2"], ["fd_adagrad", "1"]]
    assert lines[2].split()[0] == "ogd"
    csv = oco("table", stored, "--csv", "-c", "learner,rank,regret_best_se", "-l", "ogd")
    assert re.fullmatch(r"learner,rank,regret_best_se\nogd,,[\d.e-]+\n", csv.out)
    markdown = oco("table", stored, "--markdown", "-c", "learner,rank,regret_best").out
    assert markdown.startswith("### linear\n\n| learner | k | regret, best rate |\n|:---|---:|:---|\n")
    assert "| **" in markdown
    assert markdown.rstrip().endswith("level 0.05).")


def test_the_command_refuses_in_one_sentence(stored: Path, oco: Any) -> None:
    said = oco("table", stored, "--columns", "learner,regret_bset")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "Error: there is no column 'regret_bset' in these results; did you mean 'regret_best' or 'regret_best_se' or "
        "'regret_best_low'?\n"
    )
    assert oco("table", stored, "--latex", "--csv").code == 2
    assert "--descending needs --sort COLUMN" in oco("table", stored, "--descending").err


def test_help_teaches_the_columns(oco: Any) -> None:
    said = oco("table", "--help").out
    for words in ("--latex", "oco table RESULTS --latex > table.tex", "regret_best_se", "RESULTS/runs.csv"):
        assert words in said


def test_the_latex_of_a_sweep_reads_back_to_its_table(stored: Path, oco: Any) -> None:
    table = read_table(oco("table", stored, "--latex").out)
    csv = oco("table", stored, "--csv", "-c", "state_floats,regret_best,bound").out.splitlines()[1:]
    assert [row[2] for row in table.rows[1:]] == [line.split(",")[0] for line in csv]
    for row, line in zip(table.rows[1:], csv, strict=True):
        shown = float(row[3].removeprefix(r"\bfseries ").partition("(")[0])
        decimals = len(row[3].partition("(")[0].partition(".")[2])
        assert shown == pytest.approx(float(line.split(",")[1]), abs=0.5001 * 10.0**-decimals)
    assert any(r"\bfseries" in row[3] for row in table.rows)


TEX = next((name for name in ("pdflatex", "lualatex", "xelatex") if shutil.which(name)), None)


@pytest.mark.skipif(TEX is None, reason="no TeX is installed; the strict reader has read the table")
def test_the_latex_compiles(stored: Path, tmp_path: Path, oco: Any) -> None:
    assert TEX is not None
    if subprocess.run(["kpsewhich", "siunitx.sty"], capture_output=True, check=False).returncode:
        pytest.skip("TeX is installed without siunitx")
    (tmp_path / "table.tex").write_text(oco("table", stored, "--latex").out)
    document = "\\documentclass{article}\\usepackage{booktabs,siunitx}\\begin{document}\\input{table}\\end{document}"
    (tmp_path / "paper.tex").write_text(document)
    command = [TEX, "-halt-on-error", "-interaction=nonstopmode", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 1000
