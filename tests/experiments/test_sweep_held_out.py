"""Sweeps with held-out rows: which rows they are, what is recorded, and where it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_sweeps import play

from oco.environments.held_out import HeldOutLoss
from oco.errors import ConfigError
from regret_experiments.config import load_config
from regret_experiments.execution.games import environment_of
from regret_experiments.plan import Plan, make_plan
from regret_experiments.plan.building import BuiltEnvironment, build_environment
from regret_experiments.store.results import load
from regret_experiments.tables import rank_table

CONFIG = """
name: held out
orders: 2
checkpoints: 4
environments:
  - {name: cancer, kind: logistic_regression, data: breast_cancer, scaling: unit-rows, held_out: 0.25,
     domain: {kind: ball, radius: 5.0}}
learners:
  - {kind: ogd, learning_rate: [0.5, 2.0]}
  - {kind: fd_adagrad, rank: 2, learning_rate: 1.0}
"""


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of the sweep."""
    return play(CONFIG, tmp_path_factory.mktemp("held_out"))


def planned(text: str, directory: Path) -> Plan:
    path = directory / "config.yaml"
    path.write_text(text)
    return make_plan(load_config(path, ()))


def rows_of(game: Any) -> set[bytes]:
    block = game.block(0, game.horizon)
    return {row.tobytes() + target.tobytes() for row, target in zip(block.rows, block.targets, strict=True)}


def built(**keywords: Any) -> BuiltEnvironment:
    return build_environment("logistic_regression", {"data": "breast_cancer", "scaling": "unit-rows", **keywords})


@pytest.mark.parametrize("passes", [1, 2])
def test_every_row_is_either_played_or_held_out(passes: int) -> None:
    """No two rows of this data set are equal, so sets of rows can be compared."""
    whole, parts = built(), built(held_out=0.25, passes=passes)
    played, held_out = parts.environment, parts.held_out
    assert (played.n_rows, held_out.n_rows) == (427, 142)
    assert played.horizon == 427 * passes
    for seed in (0, 7):
        assert rows_of(played.fresh(seed)).isdisjoint(rows_of(held_out.fresh(seed)))
        assert rows_of(played.fresh(seed)) | rows_of(held_out.fresh(seed)) == rows_of(whole.environment)


def test_a_horizon_is_that_of_the_game_that_is_played() -> None:
    parts = built(held_out=0.25, horizon=100)
    assert (parts.environment.horizon, parts.held_out.horizon) == (100, 142)
    assert parts.environment.describe()["horizon"] == 100
    assert rows_of(parts.environment.fresh(3)).isdisjoint(rows_of(parts.held_out))


def test_results_hold_the_loss_of_both_points_on_the_rows_that_no_run_played(stored: Path) -> None:
    results = load(stored)
    assert set(results.runs["status"]) == {"finished"}
    import oco

    for _, run in results.runs.iterrows():
        content = results.content(run["id"])
        assert content["environment"]["keywords"]["held_out"] == 0.25
        curves = results.curves[results.curves["id"] == run["id"]]
        assert curves["held_out_average"].iloc[-1] == run["held_out_average"]
        assert curves["held_out_last"].iloc[-1] == run["held_out_last"]
    from regret_experiments.plan.runs import Run

    run = Run.from_content(content)
    environment = environment_of(run.game)
    record = oco.play(
        environment.environment, oco.FDAdaGrad(rank=2, learning_rate=1.0), seed=run.seeds["order"], average=True
    )
    loss = HeldOutLoss(environment.held_out, environment.environment.domain)
    last = results.runs.iloc[-1]
    assert last["held_out_average"] == pytest.approx(loss(record.averaged_point), rel=1e-12)
    assert last["held_out_last"] == pytest.approx(loss(record.last_point), rel=1e-12)


def test_tables_have_the_mean_over_orders_at_the_best_rate(stored: Path, oco: Any) -> None:
    runs = load(stored).runs
    table = rank_table(runs)
    for _, row in table.iterrows():
        mine = runs[(runs["learner"] == row["learner"]) & (runs["point"] == row["best_point"])]
        assert len(mine) == 2
        assert row["held_out_average"] == pytest.approx(mine["held_out_average"].mean())
        assert row["held_out_last"] == pytest.approx(mine["held_out_last"].mean())
    printed = oco("table", stored, "--csv")
    header = printed.out.splitlines()[0].split(",")
    assert {"held_out_average", "held_out_last"} <= set(header)


def test_a_sweep_without_held_out_rows_keeps_its_runs(tmp_path: Path) -> None:
    """The key is part of a run's content only where it is given."""
    plan = planned(CONFIG.replace("held_out: 0.25,", ""), tmp_path)
    assert all("held_out" not in each.run.content["environment"]["keywords"] for each in plan.stages[0].runs)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("0.25", "1.5", r"held_out: must be below 1, got 1.5"),
        ("0.25", "0", r"held_out: must be above 0, got 0"),
        ("0.25", "half", r"held_out: must be a number, got 'half'"),
        ("0.25", "0.0001", r"held_out: held_out must leave rows on both sides of 569, got 0.0001"),
        ("0.25", "0.25, horizon: 500", r"horizon: must be at most 427 with held_out: 0.25, got 500"),
        (
            "{name: cancer, kind: logistic_regression, data: breast_cancer, scaling: unit-rows, held_out: 0.25,",
            "{kind: spectrum_linear, dimension: 3, horizon: 20, held_out: 0.25,",
            r"held_out: needs the rows of a data set, which environment 'spectrum_linear' does not have",
        ),
    ],
)
def test_what_cannot_be_held_out_is_refused_in_one_sentence(old: str, new: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"config.yaml:\d+: environments\[0\]\.{sentence}$"):
        planned(CONFIG.replace(old, new), tmp_path)


def test_a_shorter_game_is_the_beginning_of_the_same_kind_of_game() -> None:
    game = built().environment
    assert np.unique(game.shortened(50).fresh(1).block(0, 50).rows, axis=0).shape[0] == 50
    with pytest.raises(ConfigError, match=r"horizon must be in 1\.\.569, got 570"):
        game.shortened(570)


def test_classes_of_several_are_split_too() -> None:
    """Both games keep all ten classes, and every row is in one of them."""
    built = build_environment("multinomial_regression", {"data": "digits", "held_out": 0.2, "horizon": 300})
    played, held_out, whole = (
        built.environment,
        built.held_out,
        build_environment("multinomial_regression", {"data": "digits"}).environment,
    )
    assert (played.horizon, held_out.horizon, whole.horizon) == (300, 359, 1797)
    assert played.domain.shape == held_out.domain.shape == (10, 64)

    def rows(game: Any) -> set[bytes]:
        block = game.block(0, game.horizon)
        return {row.tobytes() for row in block.rows}

    assert len(rows(held_out)) == 359
    assert rows(held_out).isdisjoint(rows(played.fresh(5)))
    assert rows(held_out) | rows(played) < rows(whole)
