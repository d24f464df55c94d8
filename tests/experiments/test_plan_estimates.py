"""What `oco plan` says about time: the estimator on stored numbers, none of them from this machine's clock."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_sweeps import play

from regret_experiments.config import load_config
from regret_experiments.plan import make_plan
from regret_experiments.plan.estimates import SECONDS_TO_START, Estimate, estimate, plan_text
from regret_experiments.plan.run_times import RunTimes, Size, Timed
from regret_experiments.store import Store, StoredRun

SMALL = Size("small", 2000, 32, 28)
LARGE = Size("large", 5000, 150, 28)
DIGITS = Size("digits", 1797, 64, 28)
RECORDED: list[tuple[Size, str, int | None, int, float, float]] = [
    (SMALL, "diagonal_adagrad", None, 66, 0.0182, 0.0393),
    (SMALL, "fd_adagrad", 2, 187, 0.0206, 0.0455),
    (SMALL, "fd_adagrad", 8, 473, 0.0297, 0.0495),
    (SMALL, "fd_adagrad", 24, 1557, 0.0480, 0.0733),
    (SMALL, "full_matrix_adagrad", None, 1058, 0.0535, 0.0469),
    (SMALL, "ogd", None, 35, 0.0073, 0.0413),
    (LARGE, "diagonal_adagrad", None, 302, 0.1284, 0.1102),
    (LARGE, "fd_adagrad", 2, 777, 0.0995, 0.1381),
    (LARGE, "fd_adagrad", 8, 1767, 0.0880, 0.1076),
    (LARGE, "fd_adagrad", 24, 4763, 0.2059, 0.2080),
    (LARGE, "full_matrix_adagrad", None, 22652, 2.9696, 0.1338),
    (LARGE, "ogd", None, 153, 0.0532, 0.1204),
    (DIGITS, "diagonal_adagrad", None, 130, 0.0184, 0.0536),
    (DIGITS, "fd_adagrad", 2, 347, 0.0235, 0.0674),
    (DIGITS, "fd_adagrad", 8, 825, 0.0200, 0.0712),
    (DIGITS, "fd_adagrad", 24, 2389, 0.0675, 0.0699),
    (DIGITS, "full_matrix_adagrad", None, 4226, 0.1749, 0.0473),
    (DIGITS, "ogd", None, 67, 0.0033, 0.0398),
]
"""Recorded once on a loaded machine: size, kind, rank, state floats, median seconds of playing and of the rest."""


def ten_runs(entry: tuple[Size, str, int | None, int, float, float], seed: int = 0) -> list[Timed]:
    """Ten runs of these seconds, give or take a fifth, the first of which compiled kernels for half a minute."""
    size, kind, rank, floats, playing, rest = entry
    noise = np.random.default_rng(seed).uniform(0.8, 1.2, (10, 2))
    noise[0, 0] += 30.0 / playing
    rates = np.geomspace(0.01, 1.0, 10)
    return [
        Timed(size, kind, {"rank": rank, "learning_rate": rate}, floats, a * playing, b * rest)
        for rate, (a, b) in zip(rates, noise, strict=True)
    ]


def guessed(times: RunTimes, entry: tuple[Size, str, int | None, int, float, float]) -> float:
    size, kind, rank, floats, _, _ = entry
    seconds, known = times.seconds(size, kind, {"rank": rank, "learning_rate": 7.0}, floats)
    assert known
    return seconds


@pytest.mark.parametrize("entry", RECORDED, ids=lambda entry: f"{entry[1]}-{entry[2]}-{entry[0].stream}")
def test_after_ten_runs_another_is_known_within_a_factor_of_two(entry: Any) -> None:
    """At another rate or order; one of the ten took half a minute longer than it will ever again."""
    times = RunTimes(ten_runs(entry), [])
    assert 0.5 <= guessed(times, entry) / (entry[4] + entry[5]) <= 2.0


@pytest.mark.parametrize("known", [SMALL, DIGITS], ids=lambda size: size.stream)
def test_ten_runs_of_every_kind_on_one_game_tell_the_time_of_all_on_another(known: Size) -> None:
    """At ranks that were not played there, in dimensions two to five times as large, summed as a plan does."""
    seen = [entry for entry in RECORDED if entry[0] == known and entry[2] != 24]
    times = RunTimes(itertools.chain.from_iterable(map(ten_runs, seen)), [])
    rest = [entry for entry in RECORDED if entry[0] != known or entry[2] == 24]
    actual = sum(entry[4] + entry[5] for entry in rest)
    assert 0.5 <= sum(guessed(times, entry) for entry in rest) / actual <= 2.0


def test_other_ranks_lie_on_the_line_through_those_that_were_timed() -> None:
    """Seconds a round that are exactly ``2 us + 10 ns`` a float, at ranks 2 and 8, give those at rank 24."""
    runs = [
        Timed(SMALL, "fd_adagrad", {"rank": rank}, floats, 2000 * (2e-6 + 1e-8 * floats), 0.05)
        for rank, floats in ((2, 187), (8, 473))
        for _ in range(5)
    ]
    seconds, _ = RunTimes(runs, []).seconds(SMALL, "fd_adagrad", {"rank": 24}, 1557)
    assert seconds == pytest.approx(2000 * (2e-6 + 1e-8 * 1557) + 0.05, rel=1e-6)


def test_the_most_similar_runs_decide() -> None:
    """The same learner before its other ranks, these before other games, and these before other kinds."""

    def timed(size: Size, kind: str, rank: int, playing: float) -> list[Timed]:
        return [Timed(size, kind, {"rank": rank}, 100, playing, 1.0) for _ in range(3)]

    runs = timed(SMALL, "mine", 1, 4.0)
    same_stream = [*runs, *timed(SMALL, "other", 1, 900.0), *timed(DIGITS, "mine", 1, 900.0)]
    assert RunTimes(same_stream, []).seconds(SMALL, "mine", {"rank": 1}, 100)[0] == pytest.approx(5.0)
    assert RunTimes(same_stream, []).seconds(SMALL, "mine", {"rank": 2}, 100)[0] == pytest.approx(5.0)
    assert RunTimes(runs, []).seconds(SMALL, "unknown", {}, 100) == (pytest.approx(5.0), False)


def test_best_fixed_points_of_a_known_stream_take_as_long_as_before() -> None:
    """And those of another game as long as its size says, at this machine's speed."""
    games = [(SMALL, 3.0), (SMALL, 5.0), (SMALL, 400.0), (DIGITS, 0.25)]
    assert RunTimes([], games[:3]).solving(SMALL) == pytest.approx(4.0)
    assert RunTimes([], games).solving(DIGITS) == pytest.approx(0.25)
    twice = Size("twice", 2 * SMALL.rounds, SMALL.dimension, SMALL.checkpoints)
    ratio = RunTimes([], games[:3]).solving(twice) / 4.0
    assert 1.0 < ratio <= 2.0


def test_nothing_known_gives_a_positive_guess_that_grows_with_the_size() -> None:
    nothing = RunTimes([], [])
    small, large = (nothing.seconds(size, "ogd", {}, size.dimension)[0] for size in (SMALL, LARGE))
    assert 0.0 < small < large
    assert 0.0 < nothing.solving(SMALL) < nothing.solving(LARGE)


@pytest.mark.parametrize("seconds", [0.0, 5e-324, 1e300])
def test_odd_stored_times_do_no_harm(seconds: float) -> None:
    runs = [Timed(SMALL, "ogd", {}, floats, seconds, seconds) for floats in (1, 1, 40, 40)]
    assert np.isfinite(RunTimes(runs, [(SMALL, seconds)]).seconds(LARGE, "ogd", {}, 70)[0])


CONFIG = """
name: timed
orders: 4
checkpoints: 5
environments:
  - {name: a, kind: spectrum_linear, dimension: 6, horizon: 100}
  - {name: b, kind: spectrum_linear, dimension: 12, horizon: 200}
learners:
  - {kind: ogd, learning_rate: [0.1, 1.0, 10.0]}
  - {kind: fd_adagrad, rank: [1, 3], learning_rate: [0.1, 1.0]}
"""
PLAYING = {"ogd": 1.0, "fd_adagrad": 7.0}


def timed_sweep(directory: Path) -> Store:
    """Two of the four orders, played and stored with made-up times: playing, 2 s of tracking, 30 s for comparators."""
    store = Store(play(CONFIG.replace("orders: 4", "orders: 2"), directory))
    for stored in [*store.runs(), *store.games()]:
        metadata = {key: value for key, value in stored.metadata.items() if key != "arrays"}
        if stored.type == "run":
            seconds = PLAYING[metadata["content"]["learner"]["kind"]]
            metadata |= {"seconds": seconds + 2.0, "timings": {"play": seconds}}
        else:
            metadata["seconds"] = 30.0
        store.write("runs" if stored.type == "run" else "games", metadata, stored.arrays)
    return store


def guess_of(directory: Path, store: Store, jobs: int = 1, settings: tuple[str, ...] = ()) -> Estimate:
    path = directory / "full.yaml"
    path.write_text(CONFIG)
    return estimate(make_plan(load_config(path, settings)), store, jobs)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Store]:
    directory = tmp_path_factory.mktemp("timed")
    return directory, timed_sweep(directory)


def test_the_rest_of_a_sweep_takes_what_its_like_took(stored: tuple[Path, Store]) -> None:
    """Two orders of two games are left: 12 runs of ogd at 3 s, 16 of fd_adagrad at 9 s, four games at 30 s."""
    guess = guess_of(*stored)
    assert guess.solving == pytest.approx(4 * 30.0)
    assert guess.seconds == pytest.approx(12 * 3.0 + 16 * 9.0 + 120.0 + SECONDS_TO_START)
    assert guess.measured == 1.0


def test_jobs_share_the_time_but_not_a_task(stored: tuple[Path, Store]) -> None:
    assert guess_of(*stored, jobs=2).seconds == pytest.approx(90.0 + 60.0 + SECONDS_TO_START)
    assert guess_of(*stored, jobs=1000).seconds == pytest.approx(9.0 + 30.0 + SECONDS_TO_START)


def test_without_a_comparator_none_is_counted(stored: tuple[Path, Store]) -> None:
    assert guess_of(*stored, settings=("comparator=false",)).solving == 0.0


def test_what_is_done_takes_no_time_and_the_text_says_what_is_left(stored: tuple[Path, Store]) -> None:
    directory, store = stored
    path = directory / "full.yaml"
    path.write_text(CONFIG)
    plan = make_plan(load_config(path, ("orders=2",)))
    guess = estimate(plan, store, 1)
    assert (guess.seconds, guess.solving) == (0.0, 0.0)
    assert plan_text(plan, store, guess, every=False).endswith(
        "28 done, 0 failed, 0 left; about 0 s and 0 MB of data and state"
    )
    whole = make_plan(load_config(path, ()))
    text = plan_text(whole, store, estimate(whole, store, 1), every=False)
    assert "56 runs: 28 done, 0 failed, 28 left; about 5 min, 2 min of it for best fixed points, and" in text


def test_a_damaged_comparator_counts_as_missing(tmp_path: Path) -> None:
    store = timed_sweep(tmp_path)
    game: StoredRun = next(iter(store.games()))
    next((store.path / "games").glob(f"??/{game.id}.json")).write_text("{")
    assert guess_of(tmp_path, store, settings=("orders=2",)).seconds == 0.0
    assert guess_of(tmp_path, store).solving == pytest.approx(4 * 30.0)
