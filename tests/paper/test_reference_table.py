"""The claim of the first page, held to the committed table of configs/rank_sweep.yaml and to games played again."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import oco
from oco.environments import NaturalImages
from regret_experiments.config import load_config
from regret_experiments.plan import make_plan

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs" / "rank_sweep.yaml"
REFERENCE = ROOT / "results" / "reference" / "rank_sweep"
TABLE = pd.read_csv(REFERENCE / "table.csv", dtype={"rank": "Int64"})
ORDERS = pd.read_csv(REFERENCE / "orders.csv", dtype={"rank": "Int64"})
ENVIRONMENTS = ("natural_images", "ill_conditioned", "against_rank", "no gain on breast cancer")


def chosen(frame: pd.DataFrame, environment: str, learner: str, rank: int | None = None) -> pd.DataFrame:
    rows = frame[(frame["environment"] == environment) & (frame["learner"] == learner)]
    return rows if rank is None else rows[rows["rank"] == rank]


def row(environment: str, learner: str, rank: int | None = None) -> pd.Series[Any]:
    (index,) = chosen(TABLE, environment, learner, rank).index
    return TABLE.loc[index]


def regrets(environment: str, learner: str, rank: int | None = None) -> np.ndarray:
    """Regret at the best rate, by order."""
    return chosen(ORDERS, environment, learner, rank).sort_values("order")["regret_upper"].to_numpy()


def test_the_table_is_that_of_the_config() -> None:
    plan = make_plan(load_config(CONFIG))
    planned = {(run.environment, run.learner, run.rank) for stage in plan.stages for run in stage.runs}
    found = {(each.environment, each.learner, None if each.rank is pd.NA else each.rank) for each in TABLE.itertuples()}
    assert found == planned
    assert tuple(dict.fromkeys(TABLE["environment"])) == ENVIRONMENTS
    assert ORDERS.groupby(["environment", "learner", "rank"], dropna=False).size().eq(5).all()
    assert len(ORDERS) == 5 * len(TABLE)
    for name in ("table", "orders"):
        (source,) = json.loads((REFERENCE / f"{name}.json").read_text())["sweeps"].values()
        assert source["config_sha256"] == hashlib.sha256(CONFIG.read_bytes()).hexdigest()
        assert all(len(set(source["seeds"][environment].values())) == 5 for environment in ENVIRONMENTS)


def test_every_best_rate_is_inside_its_grid_and_every_bound_holds() -> None:
    assert not TABLE["at_edge"].any()
    assert TABLE["bound_holds"].all()
    assert TABLE["verdict"].eq("holds").all()


def test_means_over_orders_are_those_of_the_orders() -> None:
    for each in TABLE.itertuples():
        by_order = regrets(each.environment, each.learner, None if each.rank is pd.NA else each.rank)
        # The table has the middle of the certified interval, which is narrower than a thousandth of the regret.
        assert by_order.mean() == pytest.approx(each.regret_best, rel=1e-3)


def test_sixteen_directions_of_natural_images_halve_the_regret_for_a_fifth_of_the_memory() -> None:
    """At most 55 % of OGD's regret and 20 % of the floats of full-matrix AdaGrad, over five orders in pairs.

    With five pairs the least two-sided p of Wilcoxon's test, and of the sign test, is 2 / 2^5.
    """
    sketch, ogd = regrets("natural_images", "fd_adagrad", 16), regrets("natural_images", "ogd")
    matrix = row("natural_images", "full_matrix_adagrad")
    assert row("natural_images", "fd_adagrad", 16)["state_floats"] <= 0.20 * matrix["state_floats"]
    assert sketch.mean() <= 0.55 * ogd.mean()
    assert (sketch < ogd).all()
    assert stats.wilcoxon(sketch, ogd).pvalue == pytest.approx(2.0 / 2**5)
    assert stats.ttest_rel(sketch, ogd).pvalue < 1e-4
    assert stats.ttest_rel(sketch, 0.55 * ogd, alternative="less").pvalue < 0.01
    found = stats.bootstrap((sketch - 0.55 * ogd,), np.mean, rng=0, method="percentile").confidence_interval
    assert found.high < 0.0


def test_more_memory_never_costs_regret_on_natural_images() -> None:
    ranked = chosen(TABLE, "natural_images", "fd_adagrad").sort_values("rank")
    assert ranked["regret_best"].is_monotonic_decreasing
    plain = min(row("natural_images", name)["regret_best"] for name in ("ogd", "adagrad_norm", "diagonal_adagrad"))
    assert ranked["regret_best"].iloc[0] < plain
    assert ranked["regret_best"].iloc[-1] > row("natural_images", "full_matrix_adagrad")["regret_best"]


@pytest.mark.parametrize("environment", ENVIRONMENTS[1:])
def test_a_sketch_of_all_directions_is_full_matrix_adagrad(environment: str) -> None:
    """At rank d nothing escapes. On natural images the largest rank is 32 of 120."""
    whole = chosen(TABLE, environment, "fd_adagrad").sort_values("rank").iloc[-1]
    assert whole["rank"] == whole["dimension"]
    for column in ("regret_best", "regret_theorem", "state_floats"):
        assert whole[column] == pytest.approx(row(environment, "full_matrix_adagrad")[column], rel=1e-6)
    assert whole["escaped_mass"] == 0.0


def test_the_cliff_is_past_the_rank_that_the_game_is_built_against() -> None:
    """Nine large directions: a sketch of eight gains nothing (less than a tenth), one of sixteen nearly everything."""
    ogd, full = (row("against_rank", name)["regret_best"] for name in ("ogd", "full_matrix_adagrad"))
    by_rank = chosen(TABLE, "against_rank", "fd_adagrad").set_index("rank")["regret_best"]
    assert (by_rank[by_rank.index <= 8] > ogd - 0.1 * (ogd - full)).all()
    assert by_rank[16] < full + 0.1 * (ogd - full)


def test_on_ill_conditioned_regression_a_quarter_of_the_directions_is_too_few() -> None:
    ogd, full = (row("ill_conditioned", name)["regret_best"] for name in ("ogd", "full_matrix_adagrad"))
    by_rank = chosen(TABLE, "ill_conditioned", "fd_adagrad").set_index("rank")["regret_best"]
    assert by_rank[8] > ogd - 0.1 * (ogd - full)
    assert by_rank[16] > ogd - 0.4 * (ogd - full)


def test_on_breast_cancer_no_memory_buys_regret() -> None:
    """The honest negative: the full matrix has more regret than OGD on every order, and so have large sketches."""
    name = ENVIRONMENTS[3]
    ogd, full = regrets(name, "ogd"), regrets(name, "full_matrix_adagrad")
    assert (full > ogd).all()
    assert stats.ttest_rel(full, ogd).pvalue < 0.01
    by_rank = chosen(TABLE, name, "fd_adagrad").sort_values("rank")["regret_best"]
    assert by_rank.is_monotonic_increasing
    assert by_rank.iloc[0] > ogd.mean()


@pytest.mark.parametrize(("learner", "rank"), [("ogd", None), ("fd_adagrad", 16), ("full_matrix_adagrad", None)])
def test_a_committed_game_is_played_again(learner: str, rank: int | None) -> None:
    """Order 0, at the committed rate. Losses are summed over 6,000 rounds, and differ by rounding between machines."""
    committed = chosen(ORDERS, "natural_images", learner, rank).query("order == 0").iloc[0]
    seed = json.loads((REFERENCE / "orders.json").read_text())["sweeps"]["rank_sweep"]["seeds"]["natural_images"]["0"]
    keywords = {} if rank is None else {"rank": rank, "buffer": 0}
    player = oco.learners.LEARNERS[learner](learning_rate=committed["learning_rate"], **keywords)
    game = NaturalImages(11, 6000, domain=oco.Ball(radius=3.0))
    record = oco.play(game, player, seed=seed, comparator=False, spectrum=False, checkpoints=1)
    assert record.cumulative_loss == pytest.approx(committed["cumulative_loss"], rel=1e-6)


def test_the_page_on_environments_has_the_paired_difference() -> None:
    page = " ".join((ROOT / "docs" / "environments.md").read_text().split())
    found = re.search(r"k = 16 has (\d+) % of OGD's regret .* by ([\d.]+), .* t from ([\d.]+) to ([\d.]+):", page)
    assert found is not None
    share, mean, low, high = map(float, found.groups())
    ogd, sketch = regrets("natural_images", "ogd"), regrets("natural_images", "fd_adagrad", 16)
    interval = stats.t.interval(0.95, 4, np.mean(ogd - sketch), stats.sem(ogd - sketch))
    assert share == pytest.approx(100.0 * sketch.mean() / ogd.mean(), abs=0.5)
    assert (mean, low, high) == pytest.approx((np.mean(ogd - sketch), *interval), abs=0.051)


def test_the_first_page_has_the_numbers_of_the_table() -> None:
    """Rows of the README such as ``| FD-AdaGrad, k = 16 | 2,185 | 42.5 |``, and what its words say about them."""
    page = (ROOT / "README.md").read_text()
    learners = {"OGD": "ogd", "diagonal AdaGrad": "diagonal_adagrad", "full-matrix AdaGrad": "full_matrix_adagrad"}
    told = re.findall(r"^\| ([^|]+?) \| ([\d,]+) \| ([\d.]+) \|$", page, flags=re.MULTILINE)
    assert len(told) >= 5
    for name, floats, regret in told:
        rank = re.fullmatch(r"FD-AdaGrad, k = (\d+)", name)
        found = row("natural_images", "fd_adagrad", int(rank[1])) if rank else row("natural_images", learners[name])
        assert int(floats.replace(",", "")) == found["state_floats"]
        assert float(regret) == pytest.approx(found["regret_best"], abs=0.051)
    memory, gain = map(int, re.search(r"(\d+) % of the memory and (\d+) % of the gain", page).groups())
    ogd, sketch, full = (
        row("natural_images", *which) for which in (("ogd",), ("fd_adagrad", 16), ("full_matrix_adagrad",))
    )
    assert memory == pytest.approx(100.0 * sketch["state_floats"] / full["state_floats"], abs=0.5)
    part = (ogd["regret_best"] - sketch["regret_best"]) / (ogd["regret_best"] - full["regret_best"])
    assert gain == pytest.approx(100.0 * part, abs=0.5)
