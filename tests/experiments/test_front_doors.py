"""The command line where it is easily left alone: hostile results, full disks, odd terminals, Ctrl-C at the start."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small_sweeps import plan_of, play

from oco.errors import ConfigError, StoreError
from regret_experiments.figures import draw, save
from regret_experiments.printable import printable
from regret_experiments.store import Store
from regret_experiments.store.export import csv_text
from regret_experiments.store.results import load

TINY = """
name: tiny
checkpoints: 3
environments: [{kind: spectrum_linear, dimension: 4, horizon: 20}, {kind: spectrum_linear, name: other, dimension: 4}]
learners: [{kind: ogd}, {kind: adagrad_norm}]
"""


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a tiny sweep."""
    return play(TINY, tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def renamed(stored: Path, tmp_path: Path) -> Path:
    """The same as a stranger may have left it: names that clear a screen, and that a spreadsheet runs."""
    path = tmp_path / "renamed"
    path.mkdir()
    (path / "runs").symlink_to(stored / "runs")
    plan = plan_of(Store(stored))
    for row in plan["runs"]:
        row["environment"] = "\x1b[2J\x1b]0;title\x07" + row["environment"]
        row["learner"] = "=HYPERLINK(" + row["learner"]
    Store(path).write_plan(plan)
    return path


@pytest.mark.parametrize("command", [["table"], ["table", "--csv"], ["check"], ["export"]])
def test_no_escape_code_reaches_the_terminal(oco: Any, renamed: Path, command: list[str]) -> None:
    said = oco(command[0], renamed, *command[1:])
    for letter in said.out + said.err:
        assert letter.isprintable() or letter == "\n", repr(letter)
    if command[0] == "table":
        assert "\\x1b[2J\\x1b]0;title\\x07spectrum_linear" in said.out


def test_printable_keeps_what_can_be_shown() -> None:
    assert printable("d² = ρ\n\t-1") == "d² = ρ\n\t-1"
    assert printable("\x1b\x07\r\x9b\u202e\udcff\0") == "\\x1b\\x07\\r\\x9b\\u202e\\udcff\\x00"


FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\n=1", "-", "=", "-inf-", "+-1"]


def test_no_cell_is_a_formula() -> None:
    text = csv_text(pd.DataFrame({"plain": FORMULAS, "=named": pd.Categorical(FORMULAS)}))
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == ["plain", "'=named"]
    assert rows == [["'" + cell] * 2 for cell in FORMULAS]


def test_no_cell_ends_a_row() -> None:
    text = csv_text(pd.DataFrame({"a": ["x\r=1", "x\r\n=1", "\r=1"]}))
    assert text == 'a\n"x\n=1"\n"x\n=1"\n"\'\n=1"\n'


def test_numbers_in_a_csv_stay_numbers() -> None:
    frame = pd.DataFrame(
        {
            "real": [-1.5, float("-inf"), None],
            "whole": pd.array([-1, None, 3], dtype="Int64"),
            "mixed": [-1, "-1e-3", True],
            "text": ["a", "-2", "+inf"],
        }
    )
    assert csv_text(frame) == "real,whole,mixed,text\n-1.5,-1,-1,a\n-inf,,-1e-3,-2\n,3,True,+inf\n"


def test_exported_names_are_no_formulas(oco: Any, renamed: Path) -> None:
    assert oco("export", renamed).code == 0
    for name in ("runs", "curves", "table"):
        rows = list(csv.DictReader(io.StringIO((renamed / f"{name}.csv").read_text(), newline="")))
        assert {row["learner"] for row in rows} == {"'=HYPERLINK(ogd", "'=HYPERLINK(adagrad_norm"}


def test_there_is_nothing_to_draw_before_a_run_is_finished(oco: Any, stored: Path, tmp_path: Path) -> None:
    from regret_experiments.figures.kinds import KINDS

    (tmp_path / "plan.json").write_bytes((stored / "plan.json").read_bytes())
    for kind in KINDS:
        said = oco("plot", tmp_path, kind)
        assert (said.code, said.out) == (2, "")
        assert said.err == f"Error: no run in {tmp_path} is finished yet: there is nothing to draw\n"


def test_an_environment_without_finished_runs_is_left_out(stored: Path, tmp_path: Path) -> None:
    plan = plan_of(Store(stored))
    Store(tmp_path).write_plan(plan)
    for row in plan["runs"]:
        if row["environment"] == "other":
            continue
        for file in (stored / "runs").glob(f"??/{row['id']}.*"):
            target = tmp_path / "runs" / file.parent.name / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    assert [axes.get_title() for axes in draw(load(tmp_path), "curves").axes if axes.axison] == ["spectrum linear"]
    with pytest.raises(ConfigError, match="no run on other in .* is finished yet"):
        draw(load(tmp_path), "curves", environment="other")


def test_a_figure_that_cannot_be_written_is_one_sentence(stored: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "taken.pdf").mkdir()
    figure = draw(load(stored), "memory")
    for target in (tmp_path / "file" / "x.pdf", tmp_path / "taken.pdf", Path("/proc/nowhere/x.pdf")):
        with pytest.raises(StoreError, match=f"figure {target} cannot be written: "):
            save(figure, target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken.pdf"]


def run(*command: object, tail: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``oco`` in a shell of its own."""
    line = " ".join([sys.executable, "-m", "regret_experiments", *map(str, command), tail])
    return subprocess.run(
        line, shell=True, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_a_full_disk_behind_standard_output_is_one_sentence() -> None:
    done = run("schema", tail="> /dev/full")
    assert (done.returncode, done.stderr) == (1, "Error: No space left on device\n")


def test_closed_standard_output_is_no_error() -> None:
    done = run("domains", tail=">&-")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_without_the_letters_gets_escapes(stored: Path, tmp_path: Path) -> None:
    home = tmp_path / "ρ"
    home.symlink_to(stored)
    done = run("report", home, PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{tmp_path}/\\u03c1/report.html" in done.stdout


def test_a_wrong_backend_of_matplotlib_does_no_harm(stored: Path, tmp_path: Path) -> None:
    done = run("plot", stored, "memory", "-o", tmp_path / "x.png", MPLBACKEND="nonsense")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


SLOW_PLUGIN = """
import sys, time
import oco

class Sleeper(oco.Learner):
    def start(self, problem):
        self.state = {"point": problem.domain.start}

    def update(self, gradient):
        pass

print("loading", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("sweep", "stopped; every finished run is kept, and the same command goes on from there"),
        ("plan", "stopped"),
    ],
)
def test_ctrl_c_during_start_up_says_what_is_kept(command: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "slow_plugin.py").write_text(SLOW_PLUGIN)
    (tmp_path / "tiny.yaml").write_text(TINY)
    line = [sys.executable, "-m", "regret_experiments", command, "tiny.yaml", "--plugin", "slow_plugin"]
    heed = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(line, cwd=tmp_path, preexec_fn=heed, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "loading\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=60)
    assert (process.returncode, complaints.strip()) == (130, sentence)


LEARNERS = """
import oco

class TwoArguments(oco.Learner):
    def start(self, problem):
        self.state = {"point": problem.domain.start}

    def update(self, gradient, loss):
        pass

class Divides(oco.Learner):
    def start(self, problem):
        self.state = {"point": problem.domain.start}

    def update(self, gradient):
        1 / 0

class NotMade(oco.Learner):
    def __init__(self):
        raise RuntimeError("no luck")

    def start(self, problem): ...
    def update(self, gradient): ...
"""


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        (
            "TwoArguments",
            1,
            "methods: update must take the gradient and nothing else, update(gradient), got update(gra",
        ),
        ("Divides", 1, "ZeroDivisionError in update ("),
        ("NotMade", 2, "Error: NotMade cannot be made: RuntimeError: no luck\n"),
        ("Divides --set a=1", 2, "Error: Divides cannot be made: TypeError: Divides() takes no arguments\n"),
        ("Divides --set a=" + "[" * 5000, 2, "nested 40 levels deep at most\n"),
    ],
)
def test_learners_of_one_s_own_that_raise(
    oco: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int, expected: str
) -> None:
    (tmp_path / "rough_learners.py").write_text(LEARNERS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    kind, *more = name.split()
    said = oco("check-learner", f"rough_learners:{kind}", *more)
    assert said.code == code
    assert expected in said.out + said.err


@pytest.mark.parametrize(("text", "error"), [("1 / 0", "ZeroDivisionError"), ("raise SystemExit(0)", "SystemExit")])
def test_a_module_that_raises_is_one_sentence(
    oco: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, error: str
) -> None:
    (tmp_path / f"raises_{error.lower()}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    said = oco("check-learner", f"raises_{error.lower()}:Any")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"Error: module 'raises_{error.lower()}' cannot be imported: {error}: ")
    assert said.err.count("\n") == 1
