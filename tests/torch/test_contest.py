"""The contest of optimizers: its search, its store, its statistics, and the command."""

from __future__ import annotations

import copy
import itertools
import json
import math
from pathlib import Path

import pytest
import torch

from benchmarks.contest import __main__ as command
from benchmarks.contest.cells import Cell, cells
from benchmarks.contest.collect import duel, front, rows
from benchmarks.contest.page import PLACES, loss_text, write_outputs
from benchmarks.contest.playing import play
from benchmarks.contest.search import Point, best_point, hyperparameters, inside, next_point
from regret_experiments.training.data import load_images
from regret_experiments.training.runs import _network, check_options

START = Point(0, 1, 0)


def searched(loss, trials=40, values=4):
    losses = {}
    while (point := next_point(losses, START, values, trials)) is not None:
        assert point not in losses
        losses[point] = loss(point)
    return losses


@pytest.mark.parametrize("best", list(itertools.product((-7, 0, 1, 8), (0, 3), (-2, 0, 1))))
def test_the_search_finds_the_least_of_a_separable_convex_loss(best):
    losses = searched(lambda point: sum((a - b) ** 2 for a, b in zip(point, best, strict=True)))
    assert best_point(losses) == best
    assert inside(losses)


def test_the_search_widens_the_rate_first_and_stops_at_the_number_of_trials():
    losses = searched(lambda point: -point.rate, trials=5)
    assert list(losses) == [Point(rate, 1, 0) for rate in (0, 2, 4, 6, 8)]
    assert not inside(losses)


def test_a_run_that_diverged_is_never_the_best():
    losses = searched(lambda point: math.inf if point.rate > 0 else 1.0 + abs(point.rate + 2))
    assert best_point(losses).rate == -2


def test_a_point_is_a_rate_an_option_and_a_factor():
    optimizer = {
        "rate": 0.01,
        "factor": 2.0,
        "options": {"rank": 4},
        "second": {"option": "momentum", "values": [0.8, 0.9]},
        "rest": {"adamw": True},
    }
    found = hyperparameters(optimizer, Point(3, 1, -1))
    assert found["learning_rate"] == pytest.approx(0.01 * 2**1.5)
    assert found["options"] == {"rank": 4, "momentum": 0.9}
    assert found["rest"] == {"adamw": True, "factor": 0.5}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quick contest."""
    folder = tmp_path_factory.mktemp("contest")
    settings = command.read_settings(True)
    play(settings, list(settings["tasks"]), list(settings["optimizers"]), folder, 1)
    return folder


def all_cells(folder: Path, settings=None) -> list[Cell]:
    settings = settings or command.read_settings(True)
    return list(cells(settings, list(settings["tasks"]), list(settings["optimizers"]), folder))


def test_every_optimizer_has_the_same_number_of_runs_and_each_is_stored_once(played):
    settings = command.read_settings(True)
    runs = settings["trials"] * len(settings["tuning_seeds"]) + len(settings["seeds"])
    for cell in all_cells(played):
        lines = [json.loads(line) for line in cell.path.read_text().splitlines()]
        assert len(lines) == len({line["id"] for line in lines}) == runs
        assert {line["seed"] for line in lines} == {*settings["tuning_seeds"], *settings["seeds"]}
        assert all(line["versions"].startswith(f"torch {torch.__version__}") for line in lines)
        assert cell.missing() == []


def test_a_cell_that_was_stopped_goes_on_to_the_same_result(played, tmp_path):
    settings = command.read_settings(True)
    (whole, *_) = all_cells(played)
    part = Cell(settings, whole.task, whole.name, tmp_path)
    for _ in range(2):
        part.perform(*part.missing()[0])
    again = Cell(settings, whole.task, whole.name, tmp_path)
    assert len(again.stored) == 2
    again.complete()
    assert again.result() == whole.result()
    assert [path.name for path in again.path.parent.iterdir()] == [again.path.name]
    longer = copy.deepcopy(settings)
    longer["seeds"].append(3)
    assert [seed for _, seed in Cell(longer, whole.task, whole.name, tmp_path).missing()] == [3]


def test_the_state_is_counted_from_the_optimizer(played):
    floats = {(row["task"], row["optimizer"]): (row["state_floats"], row["parameters"]) for row in rows(
        command.read_settings(True), played
    )}  # fmt: skip
    state, parameters = floats["classifier", "AdamW"]
    assert state == 2 * parameters + 4  # and a count of steps for each of four tensors
    hidden = 64 * 16
    assert floats["classifier", "Muon"][0] == hidden + 2 * (parameters - hidden) + 3


def test_the_page_gets_the_tables_between_its_markers_and_the_figure(played, tmp_path):
    (tmp_path / "figures").mkdir()
    page = tmp_path / "shampoo.md"
    page.write_text(f"before\n{PLACES[0]}old\n{PLACES[1]}\nafter\n")
    text = write_outputs(command.read_settings(True), played, tmp_path)
    assert page.read_text() == f"before\n{PLACES[0]}\n{text}\n\n{PLACES[1]}\nafter\n"
    assert (tmp_path / "figures" / "optimizers_floats.png").stat().st_size > 10_000
    assert "6 of 6 cells are complete" in text
    assert all(f"| {name} |" in text for name in command.read_settings(True)["optimizers"])


def test_a_duel_counts_means_and_paired_tests():
    def row(task, name, losses):
        return {"task": task, "optimizer": name, "losses": losses}

    found = [
        row("a", "x", [1.0, 2.0, 3.0]), row("a", "y", [1.1, 2.1, 3.11]),  # every pair differs by a tenth
        row("b", "x", [1.0, 2.0, 3.0]), row("b", "y", [3.0, 2.0, 1.3]),
        row("c", "x", [2.0, 2.0, 2.1]), row("c", "y", [1.0, 1.0, 1.0]),
        row("d", "x", [2.0, 2.0, 2.1]),
    ]  # fmt: skip
    assert duel(found, "x", "y") == {
        "tasks": 3, "lower": 2, "surely_lower": 1, "higher": 1, "surely_higher": 1,
    }  # fmt: skip


def test_the_front_is_what_nothing_beats_in_both():
    assert front([(2.0, 1.0), (1.0, 3.0), (3.0, 2.0), (4.0, 0.5), (1.5, 3.0)]) == [(1.0, 3.0), (2.0, 1.0), (4.0, 0.5)]


@pytest.mark.parametrize(
    ("mean", "error", "text"),
    [(2.34567, 0.0123, "2.346 ± 0.012"), (115.73, 1.9, "115.7 ± 1.9"), (0.5, 0.0, "0.5000 ± 0.0000")],
)
def test_a_loss_is_shown_to_two_digits_of_its_error(mean, error, text):
    assert loss_text({"mean": mean, "error": error}, 0.0) == text
    assert loss_text({"mean": mean, "error": error}, mean) == f"**{text}**"
    assert loss_text({"mean": math.inf, "error": math.inf}, 0.0) == "diverged"


def test_the_contest_is_fair_and_every_optimizer_can_be_made():
    settings = command.read_settings(False)
    assert not set(settings["seeds"]) & set(settings["tuning_seeds"])
    assert len(settings["tasks"]) >= 6
    assert {*settings["members"], *settings["rivals"]} <= set(settings["optimizers"])
    for task in settings["tasks"].values():
        made = []
        for optimizer in settings["optimizers"].values():
            for second in range(len(optimizer["second"]["values"])):
                given = hyperparameters(optimizer, Point(0, second, 0))
                made.append((optimizer["kind"], given["options"], given["rest"]))
        check_options(task["task"], "digits", task["sizes"], made)


def test_a_second_command_in_the_folder_is_refused(tmp_path):
    import fcntl

    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SystemExit, match="another process is at work"):
            play(command.read_settings(True), ["vision"], ["AdamW"], tmp_path, 1)


def test_the_command_names_what_there_is(capsys):
    with pytest.raises(SystemExit):
        command.main(["--quick", "--optimizers", "Adm"])
    assert "unknown optimizers Adm; there are AdamW, Muon, SOAP" in capsys.readouterr().err


def test_data_that_is_not_there_is_an_error_of_one_line(capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("OCO_DATA_DIR", raising=False)
    _network.cache_clear()
    load_images.cache_clear()
    assert command.main(["--tasks", "vision", "--optimizers", "AdamW", "--results", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: data: mnist needs")


def test_the_quick_command_prints_table_and_duels(capsys):
    assert command.main(["--quick", "--tasks", "classifier", "--optimizers", "AdamW", "SOAP"]) == 0
    shown = capsys.readouterr().out
    assert "classifier, SOAP: 6 runs" in shown
    assert "| SOAP | 0 of 1" in shown or "| SOAP | 1 of 1" in shown


def test_times_are_measured_for_every_optimizer(played):
    from benchmarks.contest.times import measure

    settings = command.read_settings(True)
    measure(settings, ["classifier"], ["AdamW", "SOAP"], played)
    found = {row["optimizer"]: row["ms"] for row in rows(settings, played) if row["task"] == "classifier"}
    assert found["AdamW"] > 0.0
    assert found["SOAP"] > 0.0
    assert found["Muon"] is None
    (played / "times.json").unlink()
