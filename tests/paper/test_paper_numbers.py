"""Numbers of the paper's pieces: growth exponents, memory, NumPy variants, and committed rows that come out again."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import oco
from paper_figures.optimizer_memory import LARGE, METHODS, RANK, counted_convex
from paper_figures.stepping import SteppingAdaGrad
from paper_figures.table1 import slope, tuned_exactly
from regret_experiments.config import load_config
from regret_experiments.execution.games import Play
from regret_experiments.execution.work import perform
from regret_experiments.plan import make_plan

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results" / "reference" / "paper"


def test_observation_2_is_about_a_bound() -> None:
    """The terms that Observation 2 rests on grow like T^(3/4), FD-AdaGrad's bound and the regret of Ada-FD do not."""
    horizons = (500, 2000, 8000, 32_000)
    bounds = tuned_exactly(horizons=horizons).pivot(index="horizon", columns="learner", values="least_bound")
    assert slope(horizons, bounds["ada_fd_observation_2"]) == pytest.approx(0.75, abs=0.04)
    assert slope(horizons, bounds["fd_adagrad"]) == pytest.approx(0.5, abs=0.02)
    assert slope(horizons, bounds["adagrad_norm"]) == pytest.approx(0.5)
    assert (bounds["adagrad_norm"] <= bounds["full_matrix_adagrad"]).all()
    assert (bounds["full_matrix_adagrad"] <= bounds["fd_adagrad"]).all()


def test_exactly_tuned_bound_is_the_least_that_ada_fd_states() -> None:
    least = tuned_exactly(horizons=(500,)).set_index("learner").loc["ada_fd", "least_bound"]
    game = oco.environments.OrthonormalLosses(16, 500)
    stated = []
    for rate in np.geomspace(0.1, 100.0, 13):
        for ridge in np.geomspace(1.0, 1e4, 13):
            learner = oco.learners.AdaFD(rank=3, learning_rate=rate, ridge=ridge)
            record = oco.play(game, learner, seed=0, comparator=False, spectrum=False, checkpoints=1)
            assert record.bound is not None
            stated.append(record.bound.value)
    assert least * (1.0 - 1e-9) <= min(stated) <= 1.1 * least


def test_committed_regrets_and_bounds_of_table_1() -> None:
    """Every point of the grid of three learners on the shortest stream, played again."""
    learners = ("fd_adagrad", "full_matrix_adagrad", "adagrad_norm")
    plan = make_plan(load_config(ROOT / "configs" / "paper" / "table1.yaml"))
    found: dict[tuple[str, int], dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for planned in plan.stages[0].runs:
        if planned.environment == "orthonormal short" and planned.learner in learners:
            scalars = perform(Play(planned.run)).metadata["scalars"]
            point = found[planned.learner, planned.rank or 0][str(planned.point)]
            point.append((scalars["regret_upper"], scalars["bound"]))
    committed = pd.read_csv(REFERENCE / "table1.csv").fillna({"rank": 0})
    committed = committed[committed["environment"].eq("orthonormal short") & committed["learner"].isin(learners)]
    assert len(committed) == len(found) == 4
    for row in committed.itertuples():
        regrets, bounds = np.mean(list(found[row.learner, int(row.rank)].values()), axis=1).T
        assert regrets.min() == pytest.approx(row.least_regret, rel=1e-6)
        assert bounds.min() == pytest.approx(row.least_bound, rel=1e-6)


def test_numpy_variant_of_the_paper_is_the_compiled_learner() -> None:
    game = oco.environments.NoisyRegression(20, 300, loss="logistic", signal=5.0, domain=oco.Unbounded(20))
    settings = {"seed": 3, "comparator": False, "spectrum": False, "checkpoints": 1}
    mine = oco.play(game, SteppingAdaGrad(4, 0.5), **settings).cumulative_loss
    assert mine == pytest.approx(oco.play(game, oco.FDAdaGrad(4, 0.5), **settings).cumulative_loss, rel=1e-9)
    late = oco.play(game, SteppingAdaGrad(4, 0.5, sketch_first=False), **settings).cumulative_loss
    batched = oco.play(game, SteppingAdaGrad(4, 0.5, batch=8), **settings).cumulative_loss
    assert len({round(loss, 6) for loss in (mine, late, batched)}) == 3


def test_counted_memory_is_the_committed_one_and_near_the_formula() -> None:
    committed = pd.read_csv(REFERENCE / "optimizer_memory_counted.csv")
    formulas = {method.name: method for method in METHODS}
    for row in counted_convex((16, 12), 4):
        found = committed[(committed["implementation"] == row["implementation"]) & (committed["m"] == 16)]
        assert found["counted"].tolist() == [row["floats"]]
        assert (
            formulas[row["method"]].floats(16, 12, 4)
            <= row["floats"]
            <= 2.0 * formulas[row["method"]].floats(16, 12, 4)
        )


def test_rank_sweep_ends_at_full_matrix_adagrad_and_breaks_no_bound() -> None:
    table = pd.read_csv(REFERENCE / "rank_sweep.csv")
    a9a = table[table["environment"] == "a9a"]
    full, last = a9a[a9a["learner"] == "full_matrix_adagrad"].iloc[0], a9a[a9a["rank"] == 123].iloc[0]
    for column in ("regret_best", "regret_theorem", "bound"):
        assert last[column] == pytest.approx(full[column], rel=1e-6)
    assert table["bound_holds"].all()
    sketched = table[table["tail_mass"].notna()]
    assert len(sketched) == 24
    assert (sketched["escaped_mass"] <= sketched["tail_mass"] + 1e-6).all()


def test_s_shampoo_alone_is_below_adam_on_a_large_kernel() -> None:
    m, n = LARGE
    below = {method.name for method in METHODS if method.floats(m, n, RANK) < m * n}
    assert below == {"S-Shampoo", "factored diagonal (SM3, Adafactor)"}


def test_reference_tables_are_small_and_have_their_provenance() -> None:
    tables = sorted(REFERENCE.glob("*.csv"))
    assert len(tables) >= 8
    assert all(table.with_suffix(".json").is_file() for table in tables)
    assert sum(path.stat().st_size for path in (ROOT / "results" / "reference").rglob("*") if path.is_file()) < 5e6
