"""Each kind of figure shows the numbers of its frame, says what its axes are, and returns its Axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from oco.errors import ConfigError
from regret_experiments.figures import (
    bound_tightness,
    bound_vs_memory,
    decision_path,
    dynamic_regret,
    escaped_mass,
    learning_rate_sensitivity,
    ranking_table,
    regret_curves,
    regret_vs_memory,
    regret_vs_rank,
    signature_figure,
    sketch_ellipses,
    spectrum,
    tail_mass_vs_memory,
    time_vs_memory,
)
from regret_experiments.figures.curves import fitted_slope
from regret_experiments.figures.kinds import KINDS, panels, together
from regret_experiments.figures.selection import escaped_frame, select_runs, selected_curves, spectrum_frame, time_table
from regret_experiments.figures.style import learner_style
from regret_experiments.plan.runs import Run
from regret_experiments.store.results import Results
from regret_experiments.tables import rank_table

FD = learner_style("fd_adagrad")


@pytest.fixture
def table(results: Results) -> pd.DataFrame:
    whole = rank_table(results.runs)
    return whole[whole["environment"] == "power_law"]


@pytest.fixture
def runs(results: Results) -> pd.DataFrame:
    return results.runs[results.runs["environment"] == "power_law"]


def lines_of(axes: Any, color: str) -> list[Any]:
    """Lines of one colour with more than one point."""
    return [line for line in axes.lines if line.get_color() == color and len(line.get_xdata()) > 1]


def is_drawn(axes: Any, color: str, x: Any, y: Any) -> bool:
    """Whether some line of that colour goes through exactly these points."""
    return any(
        np.allclose(np.asarray(line.get_xdata(), float), np.asarray(x, float))
        and np.allclose(np.asarray(line.get_ydata(), float), np.asarray(y, float))
        for line in lines_of(axes, color)
        if len(line.get_xdata()) == len(x)
    )


def test_regret_vs_memory_goes_through_the_table(table: pd.DataFrame, axes: Any) -> None:
    assert regret_vs_memory(table, axes) is axes
    rows = table[table["learner"] == "fd_adagrad"].sort_values("rank")
    assert is_drawn(axes, FD.color, rows["state_floats"], rows["regret_best"])
    assert is_drawn(axes, FD.color, rows["state_floats"], rows["regret_theorem"])
    assert axes.get_xscale() == "log"
    assert "k = directions kept" in axes.get_xlabel()
    (shaded,) = [drawn for drawn in axes.collections if drawn.get_alpha() == 0.18]
    band = shaded.get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(float(rows["regret_best_high"].max()))
    assert band.min() == pytest.approx(float(rows["regret_best_low"].min()))


def test_bound_and_tail_mass_go_through_the_table(table: pd.DataFrame, axes: Any) -> None:
    bound_vs_memory(table, axes)
    rows = table[table["learner"] == "fd_adagrad"].sort_values("rank")
    assert is_drawn(axes, FD.color, rows["state_floats"], rows["bound"])
    other = Figure().subplots()
    tail_mass_vs_memory(table, other)
    assert is_drawn(other, FD.color, rows["state_floats"], rows["tail_mass"])
    assert is_drawn(other, FD.color, rows["state_floats"], (rows["rank"] + 1) * rows["escaped_mass"])


def test_the_signature_figure_has_a_column_for_each_environment(results: Results) -> None:
    whole = rank_table(results.runs)
    figure = signature_figure({str(name): rows for name, rows in whole.groupby("environment", sort=False)})
    assert len(figure.axes) == 2
    assert [axes.get_title() for axes in figure.axes] == ["power law  (d = 10)", "ill  (d = 8)"]


@pytest.mark.parametrize("against", ["u_t", "u_T"])
@pytest.mark.parametrize("scale", ["linear", "sqrt", "log"])
def test_curves_are_means_over_orders(results: Results, axes: Any, scale: Any, against: Any) -> None:
    curves = selected_curves(results)
    curves = curves[curves["environment"] == "power_law"]
    assert regret_curves(curves, axes, scale=scale, against=against) is axes
    mine = curves[(curves["learner"] == "fd_adagrad") & (curves["rank"] == 4)]
    middle = (mine["regret_lower"] + mine["regret_upper"]) / 2 if against == "u_t" else mine["regret_final"]
    expected = middle.groupby(mine["round"]).mean()
    if scale == "sqrt":
        expected = expected / np.sqrt(expected.index)
    shown = [line for line in lines_of(axes, FD.color) if len(line.get_xdata()) == len(expected)]
    wanted = expected.where(expected > 0.0) if scale == "log" else expected
    assert any(np.allclose(line.get_ydata(), wanted, equal_nan=True) for line in shown)
    assert ("u_t" in axes.get_ylabel(), "u_T" in axes.get_ylabel()) == (against == "u_t", against == "u_T")
    assert ("sqrt" in axes.get_ylabel()) == (scale == "sqrt")
    assert axes.get_yscale() == ("log" if scale == "log" else "linear")
    dotted = [line for line in axes.lines if line.get_linestyle() == ":"]
    assert bool(dotted) == (against == "u_t" and scale == "log")


def test_linearised_and_dynamic_regret_are_drawn_under_their_own_names(results: Results, axes: Any) -> None:
    curves = selected_curves(results)
    curves = curves[curves["environment"] == "power_law"]
    regret_curves(curves, axes, scale="linear", against="linearised")
    assert "linearised regret" in axes.get_ylabel()
    mine = curves[(curves["learner"] == "fd_adagrad") & (curves["rank"] == 4)]
    expected = mine["regret_linearised"].groupby(mine["round"]).mean()
    assert any(
        np.allclose(line.get_ydata(), expected) for line in lines_of(axes, FD.color) if len(line.get_xdata()) > 2
    )
    with pytest.raises(ConfigError, match="there is no dynamic regret in these runs"):
        regret_curves(curves, axes, against="path")


def test_a_violated_assumption_is_crossed_from_the_round_at_which_it_was_seen(results: Results, axes: Any) -> None:
    curves = selected_curves(results)
    curves = curves[curves["environment"] == "power_law"]
    regret_curves(curves, axes)
    crosses = [line for line in axes.lines if line.get_marker() == "x"]
    assert not any(np.isfinite(line.get_ydata()).any() for line in crosses)
    assert "crosses" not in axes.get_ylabel()
    late = np.sort(curves["round"].unique())[6]
    axes.clear()
    regret_curves(curves.assign(bound_holds=np.where(curves["round"] >= late, 0.0, 1.0)), axes)
    crosses = [line for line in axes.lines if line.get_marker() == "x" and np.isfinite(line.get_ydata()).any()]
    assert crosses
    for line in crosses:
        shown = np.asarray(line.get_xdata(), dtype=float)[np.isfinite(line.get_ydata())]
        assert shown.min() == late
    assert "crosses: assumption violated" in axes.get_ylabel()


def test_hyper_parameters_are_known_by_name(results: Results) -> None:
    assert results.hyperparameters == results.tuned == ("learning_rate",)
    assert set(results.runs["point"]) == {"theorem", "0.1", "1", "10"}


def test_the_fitted_slope_is_the_exponent() -> None:
    rounds = np.geomspace(1, 1e4, 30)
    assert fitted_slope(rounds, 3.0 * rounds**0.5) == pytest.approx(0.5)
    assert fitted_slope(rounds, 3.0 * rounds**0.9) == pytest.approx(0.9)
    assert np.isnan(fitted_slope(rounds, -rounds))
    assert np.isnan(fitted_slope(rounds[:0], rounds[:0]))


def test_regret_vs_rank_goes_through_the_table(table: pd.DataFrame, axes: Any) -> None:
    assert regret_vs_rank(table, axes) is axes
    rows = table[table["learner"] == "fd_adagrad"].sort_values("rank")
    assert is_drawn(axes, FD.color, rows["rank"], rows["regret_best"])
    level = float(table.loc[table["learner"] == "ogd", "regret_best"].iloc[0])
    assert is_drawn(axes, learner_style("ogd").color, [0, 1], [level, level])
    assert [int(tick) for tick in axes.get_xticks()] == [1, 2, 4, 7]


def test_sensitivity_shows_the_whole_grid_and_rings_the_best(runs: pd.DataFrame, axes: Any) -> None:
    assert learning_rate_sensitivity(runs, axes, rank=2) is axes
    mine = runs[(runs["learner"] == "fd_adagrad") & (runs["rank"] == 2) & runs["learning_rate"].notna()]
    mean = mine.groupby("learning_rate")["regret_upper"].mean()
    assert list(mean.index) == pytest.approx([0.1, 1.0, 10.0])
    assert is_drawn(axes, FD.color, mean.index, mean)
    rings = [line for line in axes.lines if line.get_markerfacecolor() == "none"]
    theorem = runs[(runs["learner"] == "fd_adagrad") & (runs["rank"] == 2) & runs["learning_rate"].isna()]
    assert theorem["regret_upper"].mean() < mean.min()
    heights = [float(line.get_ydata()[0]) for line in rings if line.get_gid() == "theorem"]
    assert pytest.approx(theorem["regret_upper"].mean()) in heights
    assert any("k = 2" in text for text in _names(axes))
    # Where the grid alone was played its best is ringed.
    alone = Figure().subplots()
    learning_rate_sensitivity(mine, alone, rank=2)
    (ring,) = [line for line in alone.lines if line.get_markerfacecolor() == "none"]
    assert (float(ring.get_xdata()[0]), float(ring.get_ydata()[0])) == pytest.approx((mean.idxmin(), mean.min()))


def test_sensitivity_warns_of_a_best_rate_at_the_edge_and_only_then(axes: Any) -> None:
    rates = np.array([0.1, 1.0, 10.0])
    frame = pd.DataFrame(
        {"learner": "ogd", "kind": "ogd", "rank": pd.array([None] * 3, dtype="Int64"), "status": "finished",
         "learning_rate": rates, "regret_lower": [3.0, 2.0, 1.0], "regret_upper": [3.0, 2.0, 1.0]}
    )  # fmt: skip
    learning_rate_sensitivity(frame, axes)
    assert "edge of the grid" in axes.get_xlabel()
    assert [line.get_xdata()[0] for line in axes.lines if line.get_gid() == "edge"] == [10.0]
    inside = Figure().subplots()
    learning_rate_sensitivity(frame.assign(regret_upper=[3.0, 1.0, 2.0]), inside)
    assert "edge" not in inside.get_xlabel()


def test_the_spectrum_is_the_stored_one_and_ranks_are_marked(results: Results, axes: Any) -> None:
    identifier = select_runs(results.runs)["id"].iloc[0]
    frame = spectrum_frame(results, identifier)
    assert spectrum(frame, axes, ranks=[1, 4]) is axes
    spectra = results.arrays(identifier)["spectra"]
    last = spectra[-1][spectra[-1] > 1e-12 * spectra.max()]
    assert any(len(line.get_ydata()) == len(last) and np.allclose(line.get_ydata(), last) for line in axes.lines)
    marks = sorted(line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--")
    assert marks == [1.5, 4.5]
    assert len(_names(axes)) == len(spectra)


def test_escaped_mass_lies_below_its_bound(results: Results, runs: pd.DataFrame, axes: Any) -> None:
    frame = escaped_frame(results, select_runs(runs))
    assert (frame["escaped_mass"] <= frame["omega"] * (1 + 1e-9) + 1e-9).all()
    assert escaped_mass(frame, axes) is axes
    final = frame[frame["round"] == frame["round"].max()]
    for column in ("escaped_mass", "omega"):
        assert is_drawn(axes, FD.color, sorted(final["rank"].unique()), final.groupby("rank")[column].mean())


def test_time_per_round_is_the_median(runs: pd.DataFrame, axes: Any) -> None:
    times = time_table(runs)
    assert time_vs_memory(times, axes) is axes
    mine = runs[(runs["learner"] == "ogd")]
    expected = (1e6 * mine["seconds_play"] / mine["rounds"]).median()
    assert float(times.loc[times["learner"] == "ogd", "microseconds"].iloc[0]) == pytest.approx(expected)
    rows = times[times["learner"] == "fd_adagrad"].sort_values("rank")
    assert is_drawn(axes, FD.color, rows["state_floats"], rows["microseconds"])


def test_tightness_is_regret_over_bound(table: pd.DataFrame, axes: Any) -> None:
    assert bound_tightness(table, axes) is axes
    rows = table[table["learner"] == "fd_adagrad"].sort_values("rank")
    ratio = rows["regret_theorem"] / rows["bound"]
    assert (ratio <= 1.0).all()
    assert is_drawn(axes, FD.color, rows["rank"], ratio)
    assert axes.get_ylim()[1] >= 1.0


def test_the_ranking_is_sorted_and_complete(table: pd.DataFrame, axes: Any) -> None:
    broken = table.assign(verdict="broken")
    assert ranking_table(broken, axes) is axes
    texts = [text.get_text() for text in axes.texts]
    rows = broken.sort_values("regret_best")
    ranking = [text for text in texts if text in {learner_style(kind).label for kind in rows["kind"]}]
    assert ranking == [learner_style(kind).label for kind in rows["kind"]]
    assert any(text.get_color() == "#CC0000" for text in axes.texts)
    assert len([bar for bar in axes.patches if bar.get_width() > 0]) == len(rows)


def test_dynamic_regret_marks_the_switches(axes: Any) -> None:
    frame = pd.DataFrame(
        {"learner": "ogd", "kind": "ogd", "round": [10, 20, 30] * 2, "dynamic_regret": [1.0, 2.0, 4.0, 3.0, 4.0, 6.0]}
    )
    assert dynamic_regret(frame, axes, switches=[15, 25]) is axes
    assert [line.get_xdata()[0] for line in axes.lines if line.get_gid() == "switch"] == [15, 25]
    assert is_drawn(axes, learner_style("ogd").color, [10, 20, 30], [2.0, 3.0, 5.0])
    assert "switches" in axes.get_xlabel()


def test_a_path_starts_and_ends_where_the_decisions_do(axes: Any) -> None:
    frame = pd.DataFrame({"learner": "ogd", "kind": "ogd", "round": [1, 2, 3], "x": [0, 0.5, 1], "y": [0, 0.1, 0.7]})
    assert decision_path(frame, axes, best=(0.9, 0.8), radius=2.0) is axes
    ends = {(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines}
    assert {(0, 0), (1, 0.7), (0.9, 0.8)} <= ends
    assert axes.get_aspect() == 1.0
    assert len(axes.collections[0].get_segments()) == 2


def test_ellipses_have_the_axes_of_their_matrices(axes: Any) -> None:
    covariance, sketch = np.diag([9.0, 4.0]), np.diag([5.0, 0.0])
    assert sketch_ellipses(covariance, sketch, 4.0, axes) is axes
    extents = {line.get_gid(): (np.max(line.get_xdata()), np.max(line.get_ydata())) for line in axes.lines}
    assert extents["G"] == pytest.approx((3.0, 2.0))
    assert extents["sketch Gbar"] == pytest.approx((np.sqrt(5.0), 0.0))
    assert extents["Gbar + rho I"] == pytest.approx((3.0, 2.0))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_a_panel(kind: str, results: Results, plane: Results, held_out: Results, axes: Any) -> None:
    source = (
        plane
        if kind in ("dynamic", "path", "sketch", "budgets", "intervals")
        else held_out
        if kind == "held_out"
        else results
    )
    shown = together(panels(source)) if KINDS[kind].over_environments else panels(source)
    panel = next(iter(shown.values()))
    assert KINDS[kind].draw(panel, axes) is axes
    axes.figure.draw_without_rendering()
    assert axes.lines or axes.collections or axes.texts


def test_dynamic_regret_of_a_run_is_loss_less_that_of_the_moving_comparator(plane: Results) -> None:
    from regret_experiments.figures.replay import decisions
    from regret_experiments.figures.selection import dynamic_frame

    curves = selected_curves(plane, "theorem")
    frame, switches = dynamic_frame(plane, curves)
    assert switches == [40, 80]
    # Without noise the moving comparator loses nothing, so dynamic regret is the loss.
    assert np.allclose(frame["dynamic_regret"], frame["cumulative_loss"])
    played = decisions(plane, select_runs(plane.runs, "theorem"))
    assert len(played) == 240
    assert (np.hypot(played["x"], played["y"]) <= 1.0 + 1e-9).all()


def test_regret_by_budget_is_what_play_records(plane: Results, axes: Any) -> None:
    import oco
    from regret_experiments.figures.budgets import budgets_frame, intervals_frame, regret_against_budget

    frame = budgets_frame(plane, select_runs(plane.runs, "theorem"))
    run = plane.runs[(plane.runs["kind"] == "adagrad_norm")].iloc[0]
    stored = frame[frame["id"] == run["id"]]
    motion = {"name": "switches", "period": 40}
    game = oco.environments.DriftingRegression(2, 120, motion=motion, domain=oco.Ball(radius=1.0))
    seed = Run.from_content(plane.content(run["id"])).seeds["order"]
    record = oco.play(
        game, oco.AdaGradNorm(), seed=seed, checkpoints=8, path_budgets=[0, 1, 4, np.inf], shortest_interval=30
    )
    assert list(stored["budget"]) == [0.0, 1.0, 4.0, np.inf]
    assert list(stored["upper"]) == [one.regret.upper for one in record.path_regret]
    assert run["path_regret_upper_4"] == record.path_regret[2].regret.upper
    assert stored["lower"].iloc[0] == run["regret_lower"]
    intervals = intervals_frame(plane, plane.runs[plane.runs["id"] == run["id"]])
    assert list(intervals["length"]) == [32.0, 64.0]
    assert intervals["upper"].max() == run["interval_regret_upper"] == max(one.regret.upper for one in record.intervals)
    regret_against_budget(frame, axes)
    level = [line for line in axes.lines if line.get_gid() == "minima"]
    assert len(level) == frame["learner"].nunique()


def test_regret_by_budget_and_on_intervals_needs_to_have_been_recorded(results: Results) -> None:
    from regret_experiments.figures.budgets import budgets_frame, intervals_frame

    with pytest.raises(ConfigError, match="the config has no key path_budgets"):
        budgets_frame(results, results.runs)
    with pytest.raises(ConfigError, match="the config has no key shortest_interval"):
        intervals_frame(results, results.runs)


def _names(axes: Any) -> list[str]:
    from regret_experiments.figures.labels import DirectLabels

    return [text for child in axes.get_children() if isinstance(child, DirectLabels) for text in child.texts]
