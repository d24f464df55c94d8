"""A game in two parts is the game played at once, bit for bit, from memory and from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import oco
from oco.environments import Delayed, Hinted, LeastSquares, LinearLosses, WithConstraint
from oco.errors import ConfigError
from oco.exchange import only_gradients
from oco.learners import LEARNERS
from oco.needs import CONSTRAINT, HINT, PROMPT
from oco.record import Record
from oco.types import Array

GENERATOR = np.random.default_rng(3)
ROWS = GENERATOR.standard_normal((300, 5)) * np.geomspace(1.0, 0.1, 5)
TARGETS = ROWS @ GENERATOR.standard_normal(5) + GENERATOR.standard_normal(300)
CHECKPOINTS = [1, 20, 100, 130, 210, 300]


def game(rows: Array = ROWS) -> LeastSquares:
    return LeastSquares(rows, TARGETS, domain=oco.Ball(radius=2.0))


def assert_same(continued: Record, whole: Record) -> None:
    assert list(continued.curves) == list(whole.curves)
    for name, curve in whole.curves.items():
        assert curve.tobytes() == continued.curves[name].tobytes(), name
    assert repr(continued.scalars) == repr(whole.scalars)
    assert (continued.violations, repr(continued.bound)) == (whole.violations, repr(whole.bound))
    assert (continued.intervals, continued.regret) == (whole.intervals, whole.regret)
    for name in ("last_point", "averaged_point", "best_point", "iterates"):
        assert repr(getattr(continued, name)) == repr(getattr(whole, name)), name


OF_GRADIENTS = sorted(
    kind for kind, learner in LEARNERS.items() if only_gradients(game(), learner) and CONSTRAINT not in learner.needs
)
"""Learners whose games are not played through the exchange."""
OTHERS = sorted(set(LEARNERS) - set(OF_GRADIENTS))


def other_game(kind: str) -> Any:
    """A game that shows a learner what it needs, late where it allows that."""
    needs = LEARNERS[kind].needs
    domains = {"simplex": oco.Simplex(), "unbounded": oco.Unbounded()}
    played: Any = LeastSquares(ROWS, TARGETS, domain=domains.get(LEARNERS[kind].decision, oco.Ball(radius=2.0)))
    if CONSTRAINT in needs:
        played = WithConstraint(played, LinearLosses(ROWS), limit=0.05)
    if HINT in needs:
        played = Hinted(played, "future+noise", noise=0.1)
    return played if PROMPT in needs else Delayed(played, "geometric", mean=7.0)


@pytest.mark.parametrize("kind", OTHERS)
def test_a_game_of_other_feedback_in_two_parts_is_one_game(kind: str, tmp_path: Path) -> None:
    learner = LEARNERS[kind](**LEARNERS[kind].examples[0])
    options: dict[str, Any] = {"checkpoints": CHECKPOINTS, "seed": 2, "learner_seed": 5}
    try:
        whole = oco.play(other_game(kind), learner, **options)
    except ConfigError as error:
        pytest.skip(f"does not play this game: {error}")
    first = oco.play(other_game(kind), learner, until=130, **options)
    first.save(tmp_path / "first.npz")
    for start in (first, Record.load(tmp_path / "first.npz")):
        assert_same(oco.play(other_game(kind), learner, start=start, **options), whole)


@pytest.mark.parametrize(
    "played",
    [
        Delayed(game(), delay=[3, 0, 40, 1]),
        Hinted(Delayed(game(), "geometric")),
        WithConstraint(Delayed(game(), 9), LinearLosses(ROWS), limit=0.1),
        Delayed(oco.environments.DriftingQuadratic(5, 300), 4),
    ],
    ids=str,
)
@pytest.mark.parametrize("until", [1, 57])
def test_gradients_on_their_way_arrive_in_the_next_part(played: Any, until: int) -> None:
    options: dict[str, Any] = {"checkpoints": [1, 57, 300], "switching_cost": True}
    for learner in (oco.OGD(), oco.learners.DelayedOGD()):
        first = oco.play(played, learner, until=until, **options)
        assert_same(oco.play(played, learner, start=first, **options), oco.play(played, learner, **options))


def test_a_killed_game_of_other_feedback_goes_on_from_its_snapshot() -> None:
    """In the middle between two checkpoints, after a round that no part ended with."""

    class Kept:
        newest: Any = None
        rounds = 0

        def load(self) -> Any:
            return self.newest

        def due(self) -> bool:
            self.rounds += 1
            return self.rounds == 77

        def save(self, snapshot: Any) -> None:
            self.newest = snapshot

    played, learner = Delayed(game(), "geometric"), oco.learners.DelayedAdaGrad()
    snapshots = Kept()
    whole = oco.play(played, learner, snapshots=snapshots, checkpoints=CHECKPOINTS)
    assert snapshots.newest["rounds"] == 77
    assert_same(oco.play(played, learner, snapshots=snapshots, checkpoints=CHECKPOINTS), whole)


def test_a_constraint_that_depends_on_the_points_played_cannot_be_continued() -> None:
    adversary = oco.environments.AdaptiveBallLowerBound(5, 300)
    first = oco.play(WithConstraint(game(), adversary), oco.OGD(), until=60)
    with pytest.raises(ConfigError, match="depends on the points played"):
        oco.play(WithConstraint(game(), adversary), oco.OGD(), start=first)


@pytest.mark.parametrize("kind", OF_GRADIENTS)
def test_two_parts_are_one_game(kind: str, tmp_path: Path) -> None:
    learner = LEARNERS[kind](**LEARNERS[kind].examples[0])
    matrix, simplex = (LEARNERS[kind].decision == what for what in ("matrix", "simplex"))
    played: Any = game()
    if matrix:
        played = oco.environments.MatrixRegression((3, 2), 300, domain=oco.FrobeniusBall(radius=1.0))
    elif simplex:
        played = LeastSquares(ROWS, TARGETS, domain=oco.Simplex())
    options: dict[str, Any] = {"checkpoints": CHECKPOINTS, "seed": 2}
    try:
        whole = oco.play(played, learner, **options)
    except ConfigError as error:
        pytest.skip(f"does not play this game: {error}")
    first = oco.play(played, learner, until=130, **options)
    assert (first.scalars["rounds"], first.scalars["horizon"]) == (130, 300)
    for name, curve in first.curves.items():
        if name != "regret_final":  # against the best point of the rounds played, here of fewer
            assert curve.tobytes() == whole.curves[name][:4].tobytes(), name
    first.save(tmp_path / "first.npz")
    for start in (first, Record.load(tmp_path / "first.npz")):
        assert_same(oco.play(played, learner, start=start, **options), whole)


def test_three_parts_with_the_mean_iterates_and_held_out_losses() -> None:
    held_out = LeastSquares(ROWS[:50], TARGETS[:50], domain=oco.Ball(radius=2.0))
    options: dict[str, Any] = {"checkpoints": CHECKPOINTS, "keep_iterates": True, "evaluate": held_out}
    options["shortest_interval"] = 64
    whole = oco.play(game(), oco.FDAdaGrad(rank=2), **options)
    part = oco.play(game(), oco.FDAdaGrad(rank=2), until=20, **options)
    part = oco.play(game(), oco.FDAdaGrad(rank=2), until=210, start=part, **options)
    for _ in range(2):  # a record is not used up
        assert_same(oco.play(game(), oco.FDAdaGrad(rank=2), start=part, **options), whole)


def test_a_round_that_is_no_checkpoint_becomes_one() -> None:
    """The points are the same; sums over other blocks may differ in the last bits."""
    whole = oco.play(game(), oco.AdaGradNorm(), checkpoints=[100])
    first = oco.play(game(), oco.AdaGradNorm(), checkpoints=[100], until=57)
    rest = oco.play(game(), oco.AdaGradNorm(), checkpoints=[100], start=first)
    assert rest.curves["round"].tolist() == [57, 100, 300]
    np.testing.assert_array_equal(rest.last_point, whole.last_point)
    np.testing.assert_allclose(rest.curves["regret_upper"][1:], whole.curves["regret_upper"], rtol=1e-12)


def test_seconds_are_those_of_both_parts() -> None:
    first = oco.play(game(), oco.AdaGradNorm(), until=150)
    assert oco.play(game(), oco.AdaGradNorm(), start=first).timings["play"] > first.timings["play"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"seed": 1}, "its seed is 0, here it is 1"),
        ({"learner_seed": 1}, "its learner_seed is 0, here it is 1"),
        ({"learner": oco.OGD(learning_rate=0.2)}, r'its learner is {"name": "ogd", "learning_rate": 0.1.*here it is'),
        ({"environment": game(2.0 * ROWS)}, "its first rows is"),
        ({"environment": LeastSquares(ROWS, TARGETS, domain=oco.Ball(radius=3.0))}, "its environment is"),
        ({"spectrum": False}, "its spectrum is true, here it is false"),
        ({"average": True}, "its average is false, here it is true"),
    ],
)
def test_another_game_is_refused(changed: dict[str, Any], reason: str) -> None:
    first = oco.play(game(), oco.OGD(learning_rate=0.1), until=100)
    given = {"environment": game(), "learner": oco.OGD(learning_rate=0.1)} | changed
    with pytest.raises(ConfigError, match=f"start is the record of another game: {reason}"):
        oco.play(start=first, **given)


def test_what_cannot_be_continued_is_refused_with_the_reason() -> None:
    done = oco.play(game(), oco.OGD())
    with pytest.raises(ConfigError, match="a finished game: all 300 rounds of it were played"):
        oco.play(game(), oco.OGD(), start=done)
    with pytest.raises(ConfigError, match="start takes the record of a game that was stopped with until, got dict"):
        oco.play(game(), oco.OGD(), start={})  # type: ignore[arg-type]
    adversary = oco.environments.AdaptiveBallLowerBound(4, 120)
    adapted = oco.play(adversary, oco.OGD(), until=60)
    with pytest.raises(ConfigError, match="its environment may have a state that depends on the points played"):
        oco.play(adversary, oco.OGD(), start=adapted)


@pytest.mark.parametrize("until", [0, 301, 2.5, True])
def test_until_is_a_round_of_the_game(until: Any) -> None:
    with pytest.raises(ConfigError, match=r"until must be a round in 1\.\.300"):
        oco.play(game(), oco.OGD(), until=until)


def test_a_curve_of_best_fixed_points_is_for_the_rounds_of_the_part() -> None:
    curve = oco.environments.comparator_curve(game(), 0, CHECKPOINTS)
    whole = oco.play(game(), oco.OGD(), checkpoints=CHECKPOINTS, comparator=curve)
    first = oco.play(game(), oco.OGD(), checkpoints=CHECKPOINTS, until=130, comparator=False)
    rest = oco.play(game(), oco.OGD(), checkpoints=CHECKPOINTS, start=first, comparator=curve)
    assert_same(rest, whole)
    with pytest.raises(
        ConfigError, match="comparator is a curve of 6 rounds up to 300, the game has other checkpoints: 4"
    ):
        oco.play(game(), oco.OGD(), checkpoints=CHECKPOINTS, until=130, comparator=curve)


def test_until_comes_after_what_was_played() -> None:
    first = oco.play(game(), oco.OGD(), until=100)
    with pytest.raises(ConfigError, match=r"until must be a round in 101\.\.300, got 100"):
        oco.play(game(), oco.OGD(), start=first, until=100)


def test_a_record_of_another_version_of_snapshots_is_refused() -> None:
    first = oco.play(game(), oco.OGD(), until=100)
    assert first.snapshot is not None
    first.snapshot["format"] = -1
    with pytest.raises(ConfigError, match="whose games this version cannot continue"):
        oco.play(game(), oco.OGD(), start=first)
