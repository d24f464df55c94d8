"""A long game that was interrupted goes on in the middle, bit for bit."""

from __future__ import annotations

import copy
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import oco
from oco.environments import LinearLosses, LogisticRegression
from oco.exchange import only_gradients
from oco.learners import LEARNERS
from oco.needs import CONSTRAINT
from oco.snapshot import FORMAT, SnapshotError, capture, restore
from regret_experiments.execution.snapshots import SnapshotFile


class Stop(Exception):
    """The power went off."""


class Until(SnapshotFile):
    """Snapshots after every block; the power goes off after some."""

    def __init__(self, path: Path, saves: int) -> None:
        super().__init__(path, every=0.0)
        self.saves = saves

    def save(self, snapshot: dict[str, Any]) -> None:
        if self.saves == 0:
            raise Stop
        self.saves -= 1
        super().save(snapshot)


def game(rows: int) -> Any:
    generator = np.random.default_rng(0)
    features = generator.standard_normal((rows, 7)) * np.geomspace(1, 0.1, 7)
    targets = np.where(features @ generator.standard_normal(7) + generator.standard_normal(rows) > 0, 1.0, -1.0)
    return LogisticRegression(features, targets, domain=oco.Ball(radius=3.0))


OF_GRADIENTS = [
    kind for kind, one in sorted(LEARNERS.items()) if only_gradients(None, one) and CONSTRAINT not in one.needs
]


@pytest.mark.parametrize("kind", OF_GRADIENTS)
@pytest.mark.parametrize("saves", [1, 2, 4, 7])
def test_a_game_goes_on_bit_for_bit(kind: str, saves: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oco.game.BLOCK_ROUNDS", 50)
    given = {"rank": 3, "window": 30, "error": 1.0}
    known = inspect.signature(LEARNERS[kind]).parameters
    learner: Any = LEARNERS[kind](**{key: value for key, value in given.items() if key in known})
    environment = game(400)
    try:
        learner.fresh().start(problem(environment))
    except oco.errors.ConfigError as error:  # type: ignore[attr-defined]
        pytest.skip(f"does not play this game: {error}")
    settings: dict[str, Any] = {"seed": 3, "checkpoints": [1, 30, 130, 130, 270]}
    whole = oco.play(environment, learner, **settings)
    path = tmp_path / "run.snapshot"
    with pytest.raises(Stop):
        oco.play(environment, learner, **settings, snapshots=Until(path, saves))
    assert path.is_file()
    other_process = SnapshotFile(path, every=float("inf"))
    assert other_process.load() is not None
    resumed = oco.play(game(400), learner, **settings, snapshots=other_process)
    assert list(resumed.curves) == list(whole.curves)
    for name, curve in whole.curves.items():
        assert curve.tobytes() == resumed.curves[name].tobytes(), name
    assert resumed.spectra.tobytes() == whole.spectra.tobytes()
    assert repr(resumed.scalars) == repr(whole.scalars)
    assert resumed.violations == whole.violations


def problem(environment: Any) -> Any:
    return oco.Problem(
        domain=environment.domain, horizon=environment.horizon, gradient_bound=environment.gradient_bound
    )


class InMemory:
    """Keeps the newest snapshot, and gives one back that may be changed first."""

    def __init__(self, given: dict[str, Any] | None = None) -> None:
        self.given, self.newest = given, given

    def load(self) -> dict[str, Any] | None:
        return self.given

    def due(self) -> bool:
        return True

    def save(self, snapshot: dict[str, Any]) -> None:
        self.newest = snapshot


def test_a_snapshot_of_another_format_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of this format is gone on from, in the last block; one of the format before is not looked at."""
    monkeypatch.setattr("oco.game.BLOCK_ROUNDS", 50)
    kept = InMemory()
    whole = oco.play(game(400), oco.OGD(), snapshots=kept, shortest_interval=200)
    assert kept.newest is not None
    older = {"rounds": 1, "learner": None, "tracker": {"_cumulative_loss": 1e9}}
    for given in (kept.newest, older, older | {"format": FORMAT - 1}):
        again = oco.play(game(400), oco.OGD(), snapshots=InMemory(given), shortest_interval=200)
        assert again.cumulative_loss == whole.cumulative_loss
        assert again.intervals == whole.intervals
    doubled = copy.deepcopy(kept.newest)
    doubled["tracker"]["observers"][0]["cumulative"] += 1e9
    assert (
        oco.play(
            game(400), oco.OGD(), snapshots=InMemory(doubled), comparator=False, shortest_interval=200
        ).cumulative_loss
        >= 1e9
    )


class Loss:
    """Not plain."""


@dataclass
class Part:
    values: np.ndarray
    count: int = 0


@dataclass
class State:
    point: np.ndarray
    part: Part
    notes: dict[Any, Any]
    pair: tuple[float, None]
    coins: np.random.Generator


def state(seed: int) -> State:
    generator = np.random.default_rng(seed)
    notes = {"a": [1, 2.5, "x"], 7: generator.random(2)}
    return State(generator.random(3), Part(generator.random((2, 2)), seed), notes, (float(seed), None), generator)


def test_a_plain_record_is_put_back(tmp_path: Path) -> None:
    first, second = state(1), state(2)
    file = SnapshotFile(tmp_path / "s.snapshot", every=0.0)
    file.save(capture(first))
    restored = restore(second, file.load())
    assert restored is second
    assert repr(capture(second)) == repr(capture(first))
    assert second.coins.random() == first.coins.random()
    assert isinstance(second.pair, tuple)
    file.remove()
    assert file.load() is None


@pytest.mark.parametrize("value", [object(), {"a": {1, 2}}, np.array([object()]), {(1, 2): 3}, {"#a": 1}])
def test_what_is_not_plain_is_refused(value: Any) -> None:
    with pytest.raises(SnapshotError):
        capture(value)


def test_a_damaged_snapshot_is_none(tmp_path: Path) -> None:
    path = tmp_path / "s.snapshot"
    SnapshotFile(path, every=0.0).save({"x": np.arange(300.0)})
    whole = path.read_bytes()
    for broken in (b"", whole[:50], whole[:-30], whole[:400] + b"\0" * 40 + whole[440:]):
        path.write_bytes(broken)
        assert SnapshotFile(path, every=0.0).load() is None


def test_every_bit_of_a_snapshot_counts(tmp_path: Path) -> None:
    path = tmp_path / "s.snapshot"
    SnapshotFile(path, every=0.0).save({"x": np.arange(3.0)})
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        assert SnapshotFile(path, every=0.0).load() is None, place


def test_a_run_does_not_go_on_from_another_run_or_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = tmp_path / "a.snapshot", tmp_path / "b.snapshot"
    SnapshotFile(mine, every=0.0).save({"x": 1})
    other.write_bytes(mine.read_bytes())
    assert SnapshotFile(other, every=0.0).load() is None
    assert SnapshotFile(mine, every=0.0).load() == {"x": 1}
    monkeypatch.setattr("oco.__version__", "0.0.1")
    assert SnapshotFile(mine, every=0.0).load() is None


def test_a_learner_that_keeps_odd_things_is_played_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oco.game.BLOCK_ROUNDS", 10)

    class Odd(oco.Learner):
        def start(self, problem: Any) -> None:
            self.state = {"point": problem.domain.start, "odd": Loss()}

        def update(self, gradient: Any) -> None:
            pass

    file = SnapshotFile(tmp_path / "s.snapshot", every=0.0)
    stream = LinearLosses(np.ones((40, 2)), domain=oco.Ball(radius=1.0))
    record = oco.play(stream, Odd(), snapshots=file)
    assert record.scalars["rounds"] == 40
    assert file.load() is None


def test_a_sweep_leaves_no_snapshots_of_finished_runs(small: Path, tmp_path: Path, oco: Any) -> None:
    said = oco(
        "sweep", small, "--results", tmp_path / "r", "-j", 1, "--no-figures", "--snapshot-every", 0, "--set", "orders=1"
    )
    assert said.code == 0
    assert not list((tmp_path / "r" / "unfinished").glob("*"))
