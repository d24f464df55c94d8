"""`oco compare`: pairs of games that both learners played, average ranks, and the same games round by round."""

from __future__ import annotations

import math
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from known_runs import frame, rows
from matplotlib.figure import Figure
from small_sweeps import play

from oco.errors import ConfigError, StoreError
from regret_experiments.comparison import compare_learners, per_round_differences, rank_learners, rows_of
from regret_experiments.comparison.rounds import losses_by_round
from regret_experiments.comparison.text import comparison_text, ranks_text
from regret_experiments.figures.critical_difference import critical_difference_diagram
from regret_experiments.store.results import Results, load

HARD = 40.0 * np.arange(5.0)
"""What an order adds to the regrets of all learners."""
PAIRED = frame(
    rows("a", "ogd", None, HARD + [3.0, 4.0, 5.0, 6.0, 7.0]),
    rows("a", "fd_adagrad", 2, HARD + [2.0, 2.0, 2.0, 2.0, 2.0]),
    rows("a", "fd_adagrad", 4, HARD),
    rows("b", "ogd", None, [1.0, 2.0, 3.0, 4.0, 5.0]),
    rows("b", "fd_adagrad", 2, [1.0, 2.0, 3.0, 4.0, 5.0]),
    rows("c", "ogd", None, [1.0, 2.0, 3.0, 4.0, 5.0]),
)


def test_pairs_by_hand() -> None:
    """On a the differences are 1 to 5: mean 3, error sqrt(2.5 / 5), Wilcoxon 2 / 2^5; on b there are none."""
    found = compare_learners(PAIRED, "ogd", "fd_adagrad:2")
    first, second = found.frame.to_dict("records")
    assert (first["environment"], first["pairs"], first["difference"]) == ("a", 5, 3.0)
    assert first["se"] == pytest.approx(math.sqrt(0.5), rel=1e-12)
    assert first["ci_low"] == pytest.approx(3.0 - 2.7764451 * math.sqrt(0.5), rel=1e-7)
    assert (first["p_wilcoxon"], first["p_wilcoxon_holm"]) == (0.0625, 0.125)
    assert (second["environment"], second["difference"], second["p_wilcoxon"], second["p_t"]) == ("b", 0.0, 1.0, 1.0)
    assert second["ci_low"] == second["ci_high"] == second["bootstrap_low"] == 0.0
    assert second["p_wilcoxon_holm"] == 1.0
    assert found.left_out == ("c: fd_adagrad:2 does not play there",)


def test_the_text_says_what_few_pairs_cannot_show() -> None:
    text = comparison_text(compare_learners(PAIRED, "ogd", "fd_adagrad:2", environments=["a"]))
    assert "5 pairs were used; none was left out." in text
    assert "With 5 pairs the smallest two-sided p-value of Wilcoxon's test is 0.0625: it cannot reach 0.05" in text
    both = comparison_text(compare_learners(PAIRED, "ogd", "fd_adagrad:2"))
    assert "10 pairs were used; 1 left out." in both
    assert "  left out: c: fd_adagrad:2 does not play there" in both
    assert "is 0.0625, and 0.125 after Holm's correction: it cannot reach 0.05" in both
    assert "5 of 5 pairs do not differ" in both
    assert "best on these orders" in both
    many = frame(rows("a", "one", None, np.arange(12.0)), rows("a", "two", None, np.arange(12.0) ** 2))
    assert "cannot reach" not in comparison_text(compare_learners(many, "one", "two"))
    single = comparison_text(compare_learners(PAIRED[PAIRED["order"] == 0], "ogd", "fd_adagrad:2"))
    alone = PAIRED[PAIRED["order"] == 0]
    assert "1 pair was used; none was left out." in comparison_text(
        compare_learners(alone, "ogd", "fd_adagrad:2", environments=["a"])
    )
    assert "One pair says nothing of chance: there is no interval and no test." in single


def test_only_shared_orders_are_pairs_and_the_others_are_named() -> None:
    first = rows("a", "one", None, [1.0, 2.0, 3.0, 4.0])
    second = rows("a", "two", None, [0.0, 0.0, 0.0])
    first[1]["status"] = "failed"
    second[2]["regret_upper"] = math.nan
    found = compare_learners(frame(first, second), "one", "two")
    assert found.frame["pairs"].tolist() == [1]
    assert found.frame["difference"].tolist() == [1.0]
    assert found.left_out == (
        "a, order 1: no value of one (failed)",
        "a, order 2: no value of two (no value stored)",
        "a, order 3: no value of two (not planned)",
    )


def test_any_column_of_means_is_compared_and_no_other() -> None:
    found = compare_learners(PAIRED, "ogd", "fd_adagrad:2", column="held_out_loss")
    assert found.frame["difference"].tolist() == pytest.approx([0.3, 0.0], abs=1e-12)
    with pytest.raises(ConfigError, match="column 'bound' has no value for every order"):
        compare_learners(PAIRED, "ogd", "fd_adagrad:2", column="bound")
    with pytest.raises(ConfigError, match="share no game with a value of regret_theorem"):
        compare_learners(PAIRED, "ogd", "fd_adagrad:2", column="regret_theorem")


def test_learners_are_named_as_the_table_prints_them_or_by_their_kind() -> None:
    runs = PAIRED.assign(learner=PAIRED["learner"].map({"ogd": "baseline", "fd_adagrad": "sketch"}))
    assert list(rows_of(runs)) == ["baseline", "sketch:2", "sketch:4"]
    found = compare_learners(runs, "ogd", "fd_adagrad:4")
    assert (found.first.label, found.second.label) == ("baseline", "sketch:4")


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        ("ogd", "fd_adagrad", "learner 'fd_adagrad' is more than one row of the table; give one of fd_adagrad:2, fd_a"),
        ("ogd", "fd_adagard:2", "there is no learner 'fd_adagard:2' in these results; did you mean 'fd_adagrad:2'"),
        ("ogd", "fd_adagrad:3", "there is no learner 'fd_adagrad:3' in these results; did you mean"),
        ("zz", "ogd", "there is no learner 'zz' in these results; there are ogd, fd_adagrad:2, fd_adagrad:4"),
        ("ogd", "ogd", "'ogd' and 'ogd' are the same row of the table"),
    ],
)
def test_a_wrong_name_is_one_sentence(first: str, second: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as raised:
        compare_learners(PAIRED, first, second)
    assert str(raised.value).startswith(sentence)


RANKED = frame(
    *(
        rows(environment, learner, rank, [value, value + 1.0])
        for environment, values in {"a": (1.0, 2.0, 3.0), "b": (10.0, 30.0, 20.0), "c": (4.0, 5.0, 6.0)}.items()
        for (learner, rank), value in zip([("full", None), ("fd_adagrad", 2), ("ogd", None)], values, strict=True)
    ),
    rows("a", "extra", None, [0.0, 0.0]),
)


def test_average_ranks_by_hand() -> None:
    """Ranks 1, 1, 1 | 2, 3, 2 | 3, 2, 3; chi-square 36/12 (1 + 49/9 + 64/9 - 12) = 14/3 with two degrees of freedom."""
    found = rank_learners(RANKED)
    assert found.frame[["learner", "average_rank"]].to_numpy().tolist() == [
        ["full", 1.0], ["fd_adagrad", pytest.approx(7.0 / 3.0)], ["ogd", pytest.approx(8.0 / 3.0)]
    ]  # fmt: skip
    assert found.found.chi_square == pytest.approx(14.0 / 3.0, rel=1e-12)
    assert found.found.friedman == pytest.approx(math.exp(-7.0 / 3.0), rel=1e-12)
    assert found.left_out == ("extra: it has no value on some environment",)
    text = ranks_text(found)
    assert "average ranks of 3 learners over 3 environments" in text
    assert "With 3 environments the p-values are rough: both tests want more than 10." in text
    assert "not told apart: full, fd_adagrad:2, ogd" in text
    assert "left out: extra" in text


def test_what_cannot_be_ranked_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="here are 3 learners and 1 environments"):
        rank_learners(RANKED, ["full", "ogd", "fd_adagrad:2"], environments=["a"])
    with pytest.raises(ConfigError, match="here are 2 learners and 3 environments"):
        rank_learners(RANKED, ["full", "ogd", "full"])
    with pytest.raises(ConfigError, match="'tail_mass' is not one of which less is better"):
        rank_learners(RANKED, column="tail_mass")


def test_losses_are_ranked_where_no_regret_is_known() -> None:
    unknown = RANKED.assign(regret_lower=np.nan, regret_upper=np.nan)
    found = rank_learners(unknown, ["full", "ogd", "fd_adagrad:2"])
    assert found.measure == "loss"
    assert found.values.to_numpy()[1].tolist() == [110.5, 120.5, 130.5]
    assert found.found.ranks == pytest.approx((1.0, 8.0 / 3.0, 7.0 / 3.0))


def test_the_diagram_stands_at_the_average_ranks() -> None:
    ranks = rank_learners(RANKED)
    axes = critical_difference_diagram(ranks, Figure().subplots())
    drops = [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert sorted(float(line.get_xdata()[0]) for line in drops) == pytest.approx([1.0, 7.0 / 3.0, 8.0 / 3.0])
    texts = [text.get_text().strip() for text in axes.texts]
    assert "FD-AdaGrad, k = 2  2.33" in texts
    assert "2.67  OGD" in texts
    assert f"CD = {ranks.found.critical_difference:.2f}, 3 environments" in texts
    (bar,) = [line for line in axes.lines if line.get_linewidth() == 2.4]
    assert bar.get_xdata()[0] == pytest.approx(1.0, abs=0.05)
    assert bar.get_xdata()[1] == pytest.approx(8.0 / 3.0, abs=0.05)


SWEEP = """
name: pair
orders: 2
checkpoints: 4
environments:
  - {name: linear, kind: spectrum_linear, dimension: 4, horizon: 60, domain: {kind: ball, radius: 1.0}}
  - {name: against, kind: against_rank, dimension: 6, rank: 2, horizon: 40}
learners:
  - {kind: ogd, learning_rate: 0.3}
  - {kind: fd_adagrad, rank: 2, learning_rate: 0.5}
  - {kind: adagrad_norm, learning_rate: 0.5}
"""


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A tiny sweep."""
    return load(play(SWEEP, tmp_path_factory.mktemp("pair")))


def test_rounds_sum_to_the_difference_of_the_stored_losses(stored: Results) -> None:
    games = per_round_differences(stored, "fd_adagrad", "ogd", lag=0)
    sums = stored.runs.pivot_table(index=["environment", "order"], columns="learner", values="cumulative_loss")
    assert len(games) == 4
    for game in games:
        expected = sums.loc[(game.environment, game.order)]
        assert game.mean * game.rounds == pytest.approx(expected["fd_adagrad"] - expected["ogd"], rel=1e-9)
        assert game.hac_error == game.naive_error > 0.0


def test_the_losses_of_rounds_are_those_of_the_game(stored: Results) -> None:
    """Linear losses in the unit ball, of which every round's is the inner product of the row and the point."""
    import oco

    run = stored.runs[(stored.runs["learner"] == "ogd") & (stored.runs["environment"] == "linear")].iloc[0]
    content = stored.content(run["id"])
    game = oco.environments.SpectrumLinear(dimension=4, horizon=60, domain=oco.Ball(radius=1.0))
    from regret_experiments.plan.runs import Run

    seeds = Run.from_content(content).seeds
    stream = game.fresh(seeds["order"])
    learner = oco.OGD(learning_rate=0.3).fresh()
    learner.start(oco.learners.Problem.of(stream, 0))
    expected = []
    for _ in range(60):
        loss = stream.reveal(learner.prediction)
        expected.append(loss.value(learner.prediction))
        learner.update(loss.gradient(learner.prediction))
    assert losses_by_round(stored, run["id"]) == pytest.approx(np.array(expected), abs=1e-12)


def test_a_run_that_comes_out_differently_is_not_used(stored: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = stored.arrays
    monkeypatch.setattr(stored, "arrays", lambda name: dict(arrays(name)) | {"cumulative_loss": arrays(name)["round"]})
    with pytest.raises(StoreError, match="when it is played again"):
        per_round_differences(stored, "fd_adagrad", "ogd")


def test_the_command_compares_ranks_and_plays_again(stored: Results, oco: Any, tmp_path: Path) -> None:
    said = oco("compare", stored.path, "fd_adagrad", "ogd")
    assert said.code == 0, said.err
    assert said.out.startswith("regret, best rate: fd_adagrad:2 - ogd, by pairs of the same environment and order\n")
    assert "4 pairs were used" in said.out
    assert "With 2 pairs the smallest two-sided p-value of Wilcoxon's test is 0.5" in said.out
    csv = pd.read_csv(StringIO(oco("compare", stored.path, "fd_adagrad:2", "ogd", "--csv").out))
    pd.testing.assert_frame_equal(csv, compare_learners(stored.runs, "fd_adagrad:2", "ogd").frame)
    assert "average ranks of 3 learners over 2 environments" in oco("compare", stored.path).out
    again = oco("compare", stored.path, "fd_adagrad", "ogd", "--per-round", "-e", "linear")
    assert len([line for line in again.out.splitlines() if line.startswith("  linear ")]) == 2
    assert "Newey and West" in again.out
    assert oco("compare", stored.path, "ogd").code == 2
    assert oco("compare", stored.path, "--per-round").code == 2
    assert "--lag needs --per-round" in oco("compare", stored.path, "--lag", "3").err
    assert oco("compare", stored.path, "ogd", "adagrad").err.startswith("Error: there is no learner 'adagrad'")
    target = tmp_path / "cd.svg"
    assert oco("plot", stored.path, "critical-difference", "-o", target).code == 0
    assert "2 environments" in target.read_text()
