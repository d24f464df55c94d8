"""The numbers behind each kind of figure, from frames and without drawing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import LinearConstraint, minimize

from oco.errors import ConfigError
from oco.sketching import FrequentDirections
from regret_experiments.figures.against_rank import rank_data, tightness_data
from regret_experiments.figures.bounds import bound_data
from regret_experiments.figures.dynamic import dynamic_data
from regret_experiments.figures.lines import over_orders
from regret_experiments.figures.masses import escaped_data, escaped_trace, tail_data
from regret_experiments.figures.memory import memory_data
from regret_experiments.figures.selection import escaped_frame, select_runs, time_table
from regret_experiments.figures.sensitivity import _by_value, sensitivity_data
from regret_experiments.figures.spread import spread
from regret_experiments.figures.timing import time_data
from regret_experiments.store.results import Results
from regret_experiments.tables import rank_table
from regret_experiments.tables.bands import half_width


@pytest.fixture
def runs(results: Results) -> pd.DataFrame:
    return results.runs[results.runs["environment"] == "power_law"]


@pytest.fixture
def table(runs: pd.DataFrame) -> pd.DataFrame:
    return rank_table(runs)


def best_runs_of(runs: pd.DataFrame, learner: str, rank: int | None) -> pd.DataFrame:
    """Runs at the point with the least mean regret, found by looking at each point."""
    mine = runs[(runs["learner"] == learner) & (runs["rank"].isna() if rank is None else runs["rank"] == rank)]
    parts = [rows for _, rows in mine.groupby("point")]
    return min(parts, key=lambda rows: float(rows["regret_upper"].mean()))


@pytest.mark.parametrize("band", ["range", "se", "ci"])
def test_rank_and_memory_share_means_and_bands_over_orders(runs: pd.DataFrame, table: pd.DataFrame, band: Any) -> None:
    by_rank, by_memory = rank_data(table, band=band), memory_data(table, band=band)
    assert list(by_rank) == list(by_memory) == list(dict.fromkeys(runs["learner"]))
    assert by_rank["fd_adagrad"].ranks == (1, 2, 4, 7)
    assert list(by_rank["fd_adagrad"].x) == [1, 2, 4, 7]
    assert by_rank["ogd"].ranks == ()
    assert np.isnan(by_rank["ogd"].x).all()
    for learner, line in by_memory.items():
        for i, rank in enumerate(line.ranks or (None,)):
            mine = best_runs_of(runs, learner, rank)
            upper = mine["regret_upper"].to_numpy(float)
            low, high = {
                "range": (mine["regret_lower"].min(), upper.max()),
                "se": (upper.mean() - stats.sem(upper), upper.mean() + stats.sem(upper)),
                "ci": stats.t.interval(0.95, len(upper) - 1, upper.mean(), stats.sem(upper)),
            }[band]
            assert line.x[i] == mine["peak_state_floats"].max()
            for found, expected in zip((line.middle, line.low, line.high), (upper.mean(), low, high), strict=True):
                assert found[i] == pytest.approx(expected, rel=1e-9)
            assert by_rank[learner].middle[i] == line.middle[i]


@pytest.mark.parametrize("band", ["se", "ci"])
def test_repetitions_on_one_order_are_no_further_orders(runs: pd.DataFrame, band: Any) -> None:
    again = pd.concat([runs, runs.assign(repetition=1, id=runs["id"] + "b")], ignore_index=True)
    once, twice = (memory_data(rank_table(rows), band=band) for rows in (runs, again))
    for learner, line in once.items():
        np.testing.assert_allclose(twice[learner].regrets, line.regrets, rtol=1e-12)
    played = [rows[rows["learner"] == "ogd"].assign(value=rows["point"]) for rows in (runs, again)]
    for ends in zip(*(_by_value(rows, band).to_numpy().T for rows in played), strict=True):
        np.testing.assert_allclose(*ends, rtol=1e-12)


def test_a_band_of_a_table_without_standard_errors_is_refused(table: pd.DataFrame) -> None:
    older = table.drop(columns="regret_best_se")
    with pytest.raises(ConfigError, match="has no column regret_best_se, which the band 'ci' needs"):
        memory_data(older, band="ci")
    assert np.isfinite(memory_data(older)["ogd"].high).all()


def test_one_order_has_no_standard_error() -> None:
    one = over_orders(pd.Series([3.0]), pd.Series([1]), "ci")
    assert one["mean"].iloc[0] == 3.0
    assert one[["low", "high"]].isna().all(axis=None)
    assert np.isnan(half_width(1.0, 1, "ci"))


def test_tightness_divides_regret_by_bound_and_knows_doubt() -> None:
    frame = pd.DataFrame(
        {"learner": ["fd"] * 3 + ["ogd", "none"], "rank": pd.array([4, 1, 2, None, None], dtype="Int64"),
         "bound": [40.0, 10.0, 20.0, 8.0, np.nan], "regret_theorem": [4.0, 20.0, -1.0, 2.0, 3.0],
         "verdict": ["holds", "broken", "holds", "assumption violated", "no bound"]}
    )  # fmt: skip
    found = tightness_data(frame)
    assert list(found) == ["fd", "ogd"]
    assert found["fd"].ranks == (1, 2, 4)
    assert found["fd"].ratio == pytest.approx([2.0, np.nan, 0.1], nan_ok=True)
    assert list(found["fd"].doubtful) == [True, False, False]
    assert list(found["ogd"].ratio) == [0.25]
    assert list(found["ogd"].doubtful) == [True]


def test_bound_and_regret_are_at_the_theorem_s_rate(runs: pd.DataFrame, table: pd.DataFrame) -> None:
    found = bound_data(table)["fd_adagrad"]
    for i, rank in enumerate(found.ranks):
        mine = runs[(runs["learner"] == "fd_adagrad") & (runs["rank"] == rank) & (runs["point"] == "theorem")]
        assert found.bound[i] == pytest.approx(mine["bound"].astype(float).mean())
        assert found.regret[i] == pytest.approx(mine["regret_upper"].mean())
    assert (found.regret <= found.bound).all()


def test_the_escaped_trace_is_what_the_sketch_lacks_and_at_least_the_tail_mass() -> None:
    rows = np.random.default_rng(3).standard_normal((60, 8)) * 0.7 ** np.arange(8)
    parts = []
    for rank in (1, 3, 6):
        sketch = FrequentDirections(8, rank)
        for row in rows:
            sketch.update(row[None, :])
        lost = float(np.sum(rows**2) - np.trace(sketch.covariance()))
        assert escaped_trace(rank, sketch.escaped_mass) == pytest.approx(lost)
        tail = float(np.sort(np.linalg.eigvalsh(rows.T @ rows))[: 8 - rank].sum())
        parts.append({"rank": rank, "tail_mass": tail, "escaped_mass": sketch.escaped_mass})
    frame = pd.DataFrame(parts[::-1]).assign(learner="fd", state_floats=[70, 40, 20])
    found = tail_data(frame)["fd"]
    assert found.ranks == (1, 3, 6)
    assert list(found.floats) == [20, 40, 70]
    assert (found.escaped >= found.tail).all()


def test_escaped_mass_and_its_bound_are_those_of_the_last_round(results: Results, runs: pd.DataFrame) -> None:
    chosen = select_runs(runs)
    escaped, omega = escaped_data(escaped_frame(results, chosen))["fd_adagrad"]
    assert escaped.ranks == omega.ranks == (1, 2, 4, 7)
    for i, rank in enumerate(escaped.ranks):
        mine = chosen[(chosen["learner"] == "fd_adagrad") & (chosen["rank"] == rank)]
        bounds = []
        for run in mine.to_dict("records"):
            arrays = results.arrays(run["id"])
            top, trace = arrays["spectra"][-1], arrays["gradient_squares"][-1]
            bounds.append(min((trace - top[:j].sum()) / (rank + 1 - j) for j in range(rank + 1)))
        assert escaped.middle[i] == pytest.approx(mine["escaped_mass"].astype(float).mean())
        assert omega.middle[i] == pytest.approx(np.mean(bounds))
        assert (omega.low[i], omega.high[i]) == pytest.approx((min(bounds), max(bounds)))
    assert escaped_data(pd.DataFrame()) == {}


def test_sensitivity_takes_the_best_of_the_other_parameters_and_knows_the_edge() -> None:
    """Two rates with two values of beta: the least mean over orders at each rate; then beta across, rates as lines."""
    frame = pd.DataFrame(
        [
            {
                "learning_rate": rate,
                "beta": beta,
                "point": f"{rate}, {beta}",
                "order": order,
                "regret_upper": base + order,
            }
            for (rate, beta), base in {(0.1, 1): 9.0, (0.1, 2): 5.0, (1.0, 1): 3.0, (1.0, 2): 4.0}.items()
            for order in (0.0, 2.0)
        ]
    ).assign(learner="fd", kind="fd_adagrad", rank=pd.array([None] * 8, dtype="Int64"), status="finished")
    frame["regret_lower"] = frame["regret_upper"] - 0.5
    measure, found = sensitivity_data(frame)
    assert measure == "regret"
    assert list(found["fd"].line.x) == [0.1, 1.0]
    assert list(found["fd"].line.middle) == [6.0, 4.0]
    assert (list(found["fd"].line.low), list(found["fd"].line.high)) == ([4.5, 2.5], [7.0, 5.0])
    assert (found["fd"].best, found["fd"].edge, found["fd"].rank) == (1, True, None)
    assert np.isnan(found["fd"].unset)
    _, errors = sensitivity_data(frame, band="se")
    assert list(errors["fd"].line.high - errors["fd"].line.middle) == pytest.approx([1.0, 1.0])
    _, lines = sensitivity_data(frame, "beta", group="learning_rate")
    assert {name: list(each.line.middle) for name, each in lines.items()} == {
        "fd, learning_rate = 0.1": [10.0, 6.0],
        "fd, learning_rate = 1.0": [4.0, 5.0],
    }
    with pytest.raises(ConfigError, match="there is no hyper-parameter 'gamma' in these runs"):
        sensitivity_data(frame, "gamma")
    with pytest.raises(ConfigError, match="on the axis across must be a number, and kind is not"):
        sensitivity_data(frame, "kind")


def test_compared_values_of_a_parameter_are_one_line_and_learners_without_it_level() -> None:
    names = ["fd buffer=0", "fd buffer=8", "ogd"]
    frame = pd.DataFrame(
        {"learner": names, "kind": ["fd_adagrad", "fd_adagrad", "ogd"], "rank": pd.array([4, 4, None], dtype="Int64"),
         "status": "finished", "buffer": [0, 8, None], "point": "1", "regret_upper": [3.0, 2.0, 7.0],
         "regret_lower": [3.0, 2.0, 7.0]}
    )  # fmt: skip
    _, found = sensitivity_data(frame, "buffer")
    assert list(found) == ["fd", "ogd"]
    assert (list(found["fd"].line.x), list(found["fd"].line.middle)) == ([0.0, 8.0], [3.0, 2.0])
    assert (found["ogd"].line.x.size, found["ogd"].unset, found["ogd"].best) == (0, 7.0, None)


def test_the_theorem_s_rate_can_be_the_best(runs: pd.DataFrame) -> None:
    _, found = sensitivity_data(runs, rank=2)
    mine = runs[(runs["learner"] == "fd_adagrad") & (runs["rank"] == 2)]
    means = mine.groupby("point")["regret_upper"].mean()
    assert found["fd_adagrad"].rank == 2
    assert found["fd_adagrad"].unset == pytest.approx(means["theorem"])
    assert means.idxmin() == "theorem"
    assert found["fd_adagrad"].best is None


def test_time_is_the_median_between_quartiles(runs: pd.DataFrame) -> None:
    found = time_data(time_table(runs))
    mine = runs[(runs["learner"] == "fd_adagrad") & (runs["rank"] == 4)]
    each = 1e6 * mine["seconds_play"] / mine["rounds"]
    place = found["fd_adagrad"].ranks.index(4)
    quartiles = np.quantile(each, [0.25, 0.5, 0.75])
    line = found["fd_adagrad"]
    assert [line.low[place], line.middle[place], line.high[place]] == pytest.approx(list(quartiles))
    assert line.x[place] == mine["peak_state_floats"].max()


def test_dynamic_regret_is_a_mean_over_orders() -> None:
    frame = pd.DataFrame({"learner": "ogd", "round": [10, 20] * 2, "dynamic_regret": [1.0, 2.0, 3.0, 6.0]})
    line = dynamic_data(frame)["ogd"]
    assert list(line.x) == [10.0, 20.0]
    assert (list(line.middle), list(line.low), list(line.high)) == ([2.0, 4.0], [1.0, 2.0], [3.0, 6.0])
    assert list(dynamic_data(frame, "se")["ogd"].high) == [3.0, 6.0]


def test_labels_are_spread_by_least_squares() -> None:
    """Against a general solver of the same problem: boxes in order, within limits, nearest to their centers."""
    generator = np.random.default_rng(5)
    for count in (1, 2, 5, 9):
        centers = np.sort(generator.uniform(0.0, 100.0, count))
        heights = generator.uniform(2.0, 9.0, count)
        bottoms = np.array(spread(centers, heights, 0.0, 100.0))
        assert (np.diff(bottoms) >= heights[:-1] - 1e-9).all()
        assert bottoms[0] >= -1e-9
        assert bottoms[-1] + heights[-1] <= 100.0 + 1e-9
        middles = centers - heights / 2
        apart = np.eye(count, k=1)[:-1] - np.eye(count)[:-1]
        inside = np.vstack([apart, np.eye(count)[:1], -np.eye(count)[-1:]])
        least = np.concatenate([heights[:-1], [0.0, heights[-1] - 100.0]])
        limits = LinearConstraint(inside, least, np.inf)
        best = minimize(lambda b, to=middles: float(np.sum((b - to) ** 2)), bottoms, method="SLSQP", constraints=limits)
        assert np.sum((bottoms - middles) ** 2) <= best.fun + 1e-6
    crowded = spread([50.0] * 4, [40.0] * 4, 0.0, 100.0)
    assert crowded == [-30.0, 10.0, 50.0, 90.0]
    assert spread([], [], 0.0, 1.0) == []
