"""Expected regret of learners that draw: its mean and its band, in table, figure and page, by hand and by play."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from known_runs import frame, rows
from scipy import stats
from small_sweeps import play

import oco as library
from oco.errors import OcoError
from regret_experiments.cli import oco
from regret_experiments.figures.common import styles_of
from regret_experiments.figures.curves import curve_data
from regret_experiments.figures.drawing import draw
from regret_experiments.figures.lines import over_orders
from regret_experiments.report.payload import build_payload
from regret_experiments.store.results import Results, load
from regret_experiments.tables import rank_table, table_text
from regret_experiments.tables.bands import one_each

DRAWS = [3.0, 8.0, 4.0, 9.0]


def repeated(learner: str, regrets: dict[int, list[float]]) -> pd.DataFrame:
    """Runs with the given regrets, by order, a repetition each."""
    return frame(
        [
            row | {"order": order, "repetition": i, "id": f"{row['id']}-{order}-{i}"}
            for order, values in regrets.items()
            for i, row in enumerate(rows("a", learner, None, values))
        ]
    )


def test_on_one_order_it_is_the_mean_over_the_draws() -> None:
    table = rank_table(repeated("exp3", {0: DRAWS}))
    (row,) = table.to_dict("records")
    error = stats.sem(DRAWS)
    assert (row["orders"], row["orders_planned"], row["draws"]) == (1, 1, 4)
    assert row["expected_regret"] == 6.0
    assert row["expected_regret_se"] == pytest.approx(error, rel=1e-12)
    assert row["expected_regret_ci_high"] == pytest.approx(6.0 + stats.t.ppf(0.975, 3) * error, rel=1e-12)
    assert "expected regret" in table_text(table)
    assert f"6 ± {stats.t.ppf(0.975, 3) * error:.2g} (4 runs)" in table_text(table)


def test_on_several_orders_only_orders_are_independent() -> None:
    (row,) = rank_table(repeated("exp3", {0: [3.0, 5.0], 1: [8.0, 8.0], 2: [4.0, 10.0]})).to_dict("records")
    assert (row["orders"], row["draws"], row["expected_regret"]) == (3, 6, pytest.approx(19.0 / 3.0))
    assert row["expected_regret_se"] == pytest.approx(stats.sem([4.0, 8.0, 7.0]), rel=1e-12)


def test_a_learner_that_draws_nothing_has_none() -> None:
    table = rank_table(repeated("ogd", {0: [3.0, 3.0]}))
    (row,) = table.to_dict("records")
    assert np.isnan(row["expected_regret"])
    assert np.isnan(row["regret_best_se"])  # equal repetitions are one value
    assert "expected regret" not in table_text(table)


@pytest.mark.parametrize("band", ["se", "ci"])
def test_curves_do_not_take_repetitions_for_orders(band: str) -> None:
    """Three orders, once and with every run repeated: the same curve."""
    generator = np.random.default_rng(0)
    middles = {order: generator.uniform(size=2) for order in range(3)}

    def columns(copies: int) -> pd.DataFrame:
        runs = [(order, values) for order, values in middles.items() for _ in range(copies)]
        regrets = np.concatenate([values for _, values in runs])
        orders = np.repeat([order for order, _ in runs], 2)
        return pd.DataFrame(
            {"round": [1, 9] * len(runs), "order": orders, "regret_lower": regrets - 0.1, "regret_upper": regrets + 0.1}
        )

    for copies in (1, 3):
        curve = curve_data(columns(copies), band=band)
        for i in range(2):
            values = [middles[order][i] for order in middles]
            reach = stats.sem(values) * (1.0 if band == "se" else stats.t.ppf(0.975, 2))
            assert curve.middle[i] == pytest.approx(np.mean(values), rel=1e-12)
            assert curve.high[i] - curve.middle[i] == pytest.approx(reach, rel=1e-9)
        made = columns(copies)
        line = over_orders(made["regret_upper"], made["round"], band, made["order"])
        assert line["high"].iloc[1] - line["mean"].iloc[1] == pytest.approx(reach, rel=1e-9)


def test_one_each_keeps_draws_of_one_order_only() -> None:
    assert one_each(pd.Series([1.0, 2.0]), [7, 7]).tolist() == [1.0, 2.0]
    assert one_each(pd.Series([1.0, 1.0]), [7, 7]).tolist() == [1.0]
    assert one_each(pd.Series([1.0, 3.0, 5.0]), [7, 7, 8]).tolist() == [2.0, 5.0]
    assert one_each(pd.Series([1.0, np.nan, 5.0]), [7, 7, 8]).tolist() == [1.0, 5.0]


CONFIG = """
name: draws
orders: 1
repetitions: 60
checkpoints: [1]
environments:
  - {kind: expert_advice, dimension: 8, horizon: 1}
learners:
  - {kind: exp3}
  - {kind: hedge}
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return load(play(CONFIG, tmp_path_factory.mktemp("draws")))


def test_the_mean_of_played_games_is_the_expectation(drawn: Results) -> None:
    """In one round EXP3 draws one of eight arms, each as likely: its expected loss is their mean."""
    seeds = drawn.stored[drawn.runs["id"].iloc[0]].metadata["seeds"]
    loss = library.environments.ExpertAdvice(8, 1).fresh(seeds["order"]).reveal(np.full(8, 0.125))
    losses = np.array([loss.value(vertex) for vertex in np.eye(8)])
    table = rank_table(drawn.runs).set_index("learner")
    found = table.loc["exp3"]
    exact = losses.mean() - losses.min()
    assert exact > 0.0
    assert found["draws"] == 60
    assert abs(found["expected_regret"] - exact) < 4.0 * found["expected_regret_se"]
    assert 0.0 < found["expected_regret_se"] < 0.2 * np.ptp(losses)
    assert table.loc["hedge", "regret_best"] == pytest.approx(exact)  # plays the mean itself, whatever is drawn
    assert np.isnan(table.loc["hedge", "expected_regret"])


def test_table_figure_and_page_say_expected_regret(drawn: Results) -> None:
    printed = CliRunner().invoke(oco, ["table", str(drawn.path)])
    assert printed.exit_code == 0
    assert "expected regret" in printed.output
    assert "(60 runs)" in printed.output
    with matplotlib.rc_context({"backend": "agg"}):
        figure = draw(drawn, "curves", band="ci", scale="linear")
    (axes,) = figure.axes
    assert "expected regret of EXP3-IX" in axes.get_ylabel()
    row = rank_table(drawn.runs).set_index("learner").loc["exp3"]
    mean, high = row["expected_regret"], row["expected_regret_ci_high"]
    groups = {payload["learner"]: payload for payload in build_payload(drawn)["games"][0]["groups"]}
    names = list(dict.fromkeys(drawn.runs["learner"]))
    assert groups[names.index("exp3")]["best"]["expected"] == pytest.approx([mean, high - mean, 60], rel=1e-3)
    assert "expected" not in groups[names.index("hedge")]["best"]


def test_labels_say_the_feedback_where_it_differs(drawn: Results) -> None:
    labels = {name: style.label for name, style in styles_of(drawn.runs).items()}
    assert labels == {"exp3": "EXP3-IX (one value)", "hedge": "Hedge"}
    alone = styles_of(drawn.runs[drawn.runs["learner"] == "exp3"])
    assert alone["exp3"].label == "EXP3-IX"


def test_a_learner_that_says_so_draws_and_one_that_does_not_plays_the_same() -> None:
    vertex = library.environments.ExpertAdvice(4, 30)
    ball = library.environments.SpectrumLinear(4, 30, domain=library.Ball(radius=1.0))
    compared = set()
    for kind, learner in library.learners.LEARNERS.items():
        if learner.decision in ("any", "vector", "simplex") and "exp-concavity" not in " ".join(learner.needs):
            game = vertex if learner.decision == "simplex" else ball
            keywords = learner.examples[0]
            try:
                played = [
                    library.play(game, learner(**keywords), learner_seed=seed, comparator=False) for seed in (1, 2)
                ]
            except OcoError:
                continue  # needs a game of another kind
            same = played[0].curves["cumulative_loss"].tolist() == played[1].curves["cumulative_loss"].tolist()
            assert same != learner.draws, kind
            compared.add(kind)
    assert compared >= {"exp3", "two_point_bandit", "one_point_bandit", "barrier_bandit", "ogd", "fd_adagrad", "hedge"}
