"""The tracker's observers: what one of them kept can be put into another, which goes on as the first would have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import oco
from oco.snapshot import SnapshotError
from oco.tracking import Tracker
from oco.tracking.tracker import Columns
from oco.types import Array

SHAPE, ROUNDS = (3, 2), 40
CHECKPOINTS = np.array([5, 20, 25, 40])


class Tilt:
    """``<slope, x>``."""

    def __init__(self, slope: Array) -> None:
        self.slope = slope

    def value(self, point: Array) -> float:
        return float(np.vdot(self.slope, point))


class Game:
    horizon = ROUNDS
    domain = oco.FrobeniusBall(1.0, shape=SHAPE)


SLOPES = np.random.default_rng(0).standard_normal((ROUNDS, *SHAPE))


def started(**options: Any) -> tuple[oco.Learner, Tracker]:
    problem = oco.Problem(Game.domain, ROUNDS, gradient_bound=10.0)
    learner = oco.SketchedShampoo(rank=1)
    learner.start(problem)
    return learner, Tracker(Game(), learner, problem, CHECKPOINTS, spectrum=True, **options)


def played(learner: oco.Learner, tracker: Tracker, start: int, stop: int) -> None:
    for index in range(start, stop):
        loss = Tilt(SLOPES[index])
        tracker.observe_round(loss, loss.value(learner.prediction), loss.slope)
        learner.update(loss.slope)
        if index + 1 in CHECKPOINTS:
            tracker.checkpoint(index + 1)


def test_columns_keep_their_order_and_are_nan_where_a_checkpoint_has_none() -> None:
    """In the order in which they came first, whatever the hashes of their names."""
    columns = Columns()
    names = [f"column {index}" for index in range(40)]
    columns.add({"round": 1.0})
    columns.add({"round": 2.0} | dict.fromkeys(names, 5.0))
    columns.add({"round": 3.0})
    assert list(columns.rows) == ["round", *names]
    np.testing.assert_array_equal(columns.rows["column 7"], [np.nan, 5.0, np.nan])


def test_a_tracker_goes_on_from_another_s_snapshot_bit_for_bit() -> None:
    """In the middle of a game of matrices, whose bound needs the sums ``G G'`` and ``G' G`` of every round."""
    options: dict[str, Any] = {"comparator": False}
    learner, whole = started(**options)
    played(learner, whole, 0, ROUNDS)
    expected = whole.record(environment={}, seed=0)
    before, interrupted = started(**options)
    played(before, interrupted, 0, 23)
    after, resumed = started(**options)
    assert resumed.restore(interrupted.snapshot()) == 2
    after.state = before.state
    played(after, resumed, 23, ROUNDS)
    found = resumed.record(environment={}, seed=0)
    assert expected.bound is not None
    assert np.isfinite(expected.bound.value)
    assert set(found.curves) == set(expected.curves)
    for name, curve in expected.curves.items():
        assert curve.tobytes() == found.curves[name].tobytes(), name
    assert found.spectra.tobytes() == expected.spectra.tobytes()
    assert repr(found.scalars) == repr(expected.scalars)


def test_losses_that_are_recorded_for_a_solver_are_in_no_snapshot() -> None:
    learner, tracker = started(comparator=True)
    played(learner, tracker, 0, 3)
    with pytest.raises(SnapshotError, match="arbitrary Python objects"):
        tracker.snapshot()


@pytest.mark.parametrize("spectrum", [True, False])
def test_the_columns_of_a_linear_game_are_its_sums(spectrum: bool) -> None:
    """``sum <g, x>``, ``sum |g|^2`` and the trace of ``G^(1/2)``, each from its definition."""
    problem = oco.Problem(Game.domain, ROUNDS, gradient_bound=10.0)
    learner = oco.OGD(learning_rate=0.1)
    learner.start(problem)
    tracker = Tracker(Game(), learner, problem, CHECKPOINTS, spectrum=spectrum, comparator=False)
    total = 0.0
    for index in range(ROUNDS):
        total += float(np.vdot(SLOPES[index], learner.prediction))
        played(learner, tracker, index, index + 1)
    record = tracker.record(environment={}, seed=0)
    assert record.curves["round"].tolist() == CHECKPOINTS.tolist()
    assert record.cumulative_loss == pytest.approx(total, rel=1e-12)
    flat = SLOPES.reshape(ROUNDS, -1)
    for t, squares, root in zip(
        CHECKPOINTS, record.curves["gradient_squares"], record.curves["trace_root_lower"], strict=True
    ):
        assert squares == pytest.approx((flat[:t] ** 2).sum(), rel=1e-12)
        wanted = np.linalg.svd(flat[:t], compute_uv=False).sum() if spectrum else np.nan
        assert root == pytest.approx(wanted, rel=1e-6, nan_ok=True)
    assert np.isnan(record.curves["mistakes"]).all()
    assert record.scalars["state_floats"] == record.scalars["memory_floats"]
