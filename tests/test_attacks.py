"""Attacks rediscover what theory says is worst, give the regret they state, and repeat bit for bit."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import oco
from oco.attacks import METHODS, attack, growth_exponent
from oco.attacks.arena import Arena
from oco.attacks.methods import BATCH
from oco.domains import Ball, Box, FrobeniusBall, Simplex, Unbounded
from oco.errors import ConfigError
from oco.losses import Linear, ScalarLoss


class Leader(oco.Learner):
    """Follow the leader: the best fixed point so far."""

    def start(self, problem: oco.Problem) -> None:
        self.domain = problem.domain
        self.state = {"point": problem.domain.start, "sum": np.zeros(problem.domain.shape)}

    def update(self, gradient: np.ndarray) -> None:
        self.state["sum"] = self.state["sum"] + gradient
        if np.any(self.state["sum"]):
            self.state["point"] = self.domain.maximizer(-self.state["sum"])


class WronglyProjected(oco.Learner):
    """Diagonal AdaGrad, with the Euclidean projection in place of that in its own norm."""

    def start(self, problem: oco.Problem) -> None:
        self.domain = problem.domain
        self.state = {"point": problem.domain.start, "squares": np.full(problem.domain.shape, 1e-12)}

    def update(self, gradient: np.ndarray) -> None:
        self.state["squares"] = self.state["squares"] + gradient**2
        step = np.sqrt(2.0) * gradient / np.sqrt(self.state["squares"])
        self.state["point"] = self.domain.project(self.state["point"] - step)


def regret_by_hand(learner: oco.Learner, domain: Any, rows: np.ndarray) -> float:
    """The definition, round by round."""
    game = oco.environments.LinearLosses(rows, domain=domain, order="file")
    player = learner.fresh()
    player.start(oco.Problem.of(game))
    lost = 0.0
    for row in rows:
        lost += float(row @ player.prediction)
        player.update(row)
    return lost + domain.support(-rows.sum(axis=0))


@pytest.mark.parametrize("rounds", [4, 7])
def test_the_worst_signs_on_a_line_are_found_as_by_brute_force(rounds: int) -> None:
    learner, domain = oco.OGD(0.5, schedule="constant"), Ball(1.0, dimension=1)
    signs = itertools.product((-1.0, 1.0), repeat=rounds)
    worst = max(regret_by_hand(learner, domain, np.array(each)[:, None]) for each in signs)
    found = attack(learner, domain, rounds, methods=["signs"], evaluations=400)
    assert found.regret.lower >= worst - 1e-9
    assert found.regret.lower == pytest.approx(regret_by_hand(learner, domain, found.rows), abs=1e-9)


def test_no_learner_does_better_than_the_minimax_regret() -> None:
    """On a ball in three dimensions or more no learner has less than ``R sqrt(T)`` (Abernethy et al. 2008), and
    gradient descent with the step ``R / sqrt(T)`` never more."""
    horizons, regrets = (16, 64, 256), []
    for rounds in horizons:
        learner = oco.OGD(1.0, schedule="constant")
        learner = oco.OGD(_rate(learner, rounds), schedule="constant")
        found = attack(learner, Ball(1.0, dimension=3), rounds, methods=["structured"], evaluations=120)
        regrets.append(found.regret.lower)
        assert 0.9 * np.sqrt(rounds) <= found.regret.lower <= np.sqrt(rounds) * (1.0 + 1e-9)
    assert growth_exponent(horizons, regrets) == pytest.approx(0.5, abs=0.03)


def _rate(learner: oco.OGD, rounds: int) -> float:
    """The ``learning_rate`` with which the constant step is ``1 / sqrt(rounds)``."""
    learner = learner.fresh()
    learner.start(oco.Problem(Ball(1.0, dimension=3), rounds, gradient_bound=1.0))
    learner.update(np.array([1.0, 0.0, 0.0]))
    return 1.0 / (np.sqrt(rounds) * float(np.linalg.norm(learner.prediction)))


def test_following_the_leader_fails_linearly() -> None:
    regrets = [
        attack(Leader(), Ball(1.0, dimension=2), rounds, methods=["structured"], evaluations=180).regret.lower
        for rounds in (20, 80)
    ]
    assert regrets[0] >= 0.8 * 20
    assert regrets[1] >= 0.8 * 80


def test_adam_fails_and_amsgrad_does_not() -> None:
    """Reddi, Kale and Kumar (2018): a large gradient every few rounds is forgotten between them."""
    domain = Box(-1.0, 1.0, dimension=1)
    adam = oco.learners.Adam(learning_rate=0.5, beta1=0.0, beta2=0.1)
    amsgrad = oco.learners.AMSGrad(learning_rate=0.5, beta1=0.0, beta2=0.1)
    ends = {}
    for learner in (adam, amsgrad):
        ends[type(learner).__name__] = [
            attack(learner, domain, rounds, methods=["structured"], evaluations=180, norm="linf").regret.lower
            for rounds in (100, 400)
        ]
    assert growth_exponent((100, 400), ends["Adam"]) >= 0.9
    assert growth_exponent((100, 400), ends["AMSGrad"]) <= 0.7
    assert ends["Adam"][1] > 2.0 * ends["AMSGrad"][1]


def test_the_wrong_projection_fails_linearly() -> None:
    domain = Ball(1.0, dimension=2)
    wrong, right = (
        [
            attack(learner, domain, rounds, methods=["structured"], evaluations=120).regret.lower
            for rounds in (200, 1000)
        ]
        for learner in (WronglyProjected(), oco.DiagonalAdaGrad())
    )
    assert growth_exponent((200, 1000), wrong) >= 0.85
    assert growth_exponent((200, 1000), right) <= 0.6
    assert wrong[1] > 2.0 * right[1]


def test_a_sketch_without_compensation_does_worse() -> None:
    domain, rounds = Ball(1.0, dimension=4), 150
    ends = {
        kind: attack(
            oco.FDAdaGrad(rank=1, compensation=kind, delta=1e-4),
            domain,
            rounds,
            methods=["structured"],
            evaluations=144,
        ).regret.lower
        for kind in ("full", "none")
    }
    assert ends["none"] > 1.5 * ends["full"]


@pytest.mark.parametrize("method", METHODS)
def test_equal_seeds_find_equal_streams_and_a_search_goes_on_where_it_stopped(method: str, tmp_path: Path) -> None:
    def search(**options: Any) -> Any:
        return attack(oco.AdaGradNorm(), Ball(1.0, dimension=2), 20, methods=[method], evaluations=8 * BATCH, **options)

    whole, again, other = search(), search(), search(seed=1)
    assert whole.rows.tobytes() == again.rows.tobytes()
    assert (whole.history == again.history).all()
    assert other.rows.tobytes() != whole.rows.tobytes()
    state = tmp_path / "state.npz"
    part = search(state=state, seconds=1e-9)
    assert part.evaluations < whole.evaluations
    rest = search(state=state)
    assert (rest.rows.tobytes(), rest.evaluations) == (whole.rows.tobytes(), whole.evaluations)
    assert (np.diff(whole.history[:, 1]) > 0.0).all()
    with pytest.raises(ConfigError, match="is the state of another search"):
        search(state=state, seed=1)


def test_every_method_has_its_share_of_the_time(tmp_path: Path) -> None:
    """A clock that has run out leaves a batch to each of them."""
    played = {}
    for methods in (["structured"], list(METHODS)):
        found = attack(
            oco.OGD(), Ball(1.0, dimension=2), 10, methods=methods, evaluations=10_000, seconds=1e-9,
            state=tmp_path / f"{len(methods)}.npz",
        )  # fmt: skip
        played[len(methods)] = found.evaluations
    assert played == {1: BATCH, 3: 3 * BATCH}


def test_workers_change_nothing() -> None:
    one, two = (
        attack(oco.OGD(), Ball(1.0, dimension=2), 10, methods=["signs"], evaluations=24, workers=workers)
        for workers in (1, 2)
    )
    assert one.rows.tobytes() == two.rows.tobytes()


@pytest.mark.parametrize("objective", ["regret", "ratio"])
def test_a_found_stream_is_an_environment_with_the_stated_regret(objective: Any, tmp_path: Path) -> None:
    learner = oco.FDAdaGrad(rank=1)
    found = attack(learner, Ball(1.5, dimension=3), 30, objective=objective, evaluations=72, seed=3)
    path = tmp_path / "found.npz"
    found.save(path)
    game = oco.environments.AttackFound(str(path))
    record = oco.play(game, learner, seed=5, checkpoints=[30])
    assert record.regret == found.regret
    assert record.bound is not None
    assert record.bound.value == found.bound
    assert found.regret.lower == pytest.approx(regret_by_hand(learner, game.domain, found.rows), abs=1e-6)
    assert game.found["regret"] == [found.regret.lower, found.regret.upper]
    assert game.found["seed"] == 3
    assert game.found["learner"]["rank"] == 1
    assert (np.linalg.norm(found.rows, axis=1) <= 1.0 + 1e-12).all()
    assert found.score == (found.ratio if objective == "ratio" else found.score)
    again = oco.spec.from_spec(oco.spec.spec(game))
    assert (again.block(0, 30).rows == found.rows).all()
    changed = attack(learner, Ball(1.5, dimension=3), 30, objective=objective, evaluations=72, seed=4)
    changed.save(path)
    assert oco.environments.AttackFound(str(path)).describe() != game.describe()


def test_other_losses_of_a_margin_are_attacked_too() -> None:
    found = attack(oco.OGD(), Ball(1.0, dimension=2), 12, loss="logistic", evaluations=36, methods=["ascent"])
    assert np.isfinite(found.regret.lower)
    assert found.regret.lower <= found.bound


class Concave(ScalarLoss):
    """``-p^2``."""

    name = "concave"
    takes_target = False

    def values_and_derivatives(self, margins: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return -(margins**2), -2.0 * margins


class Stateless(oco.Learner):
    """It plays the center and keeps nothing."""

    def start(self, problem: oco.Problem) -> None:
        self.problem = problem

    @property
    def prediction(self) -> np.ndarray:
        return self.problem.domain.start

    def update(self, gradient: np.ndarray) -> None:
        pass


class NoOracle(Simplex):
    """A domain whose author did not write the linear oracle."""

    def maximizer(self, direction: np.ndarray) -> np.ndarray:
        raise NotImplementedError


BALL = Ball(1.0, dimension=2)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((Stateless(), BALL, 5), {}, "no state to reset: start must set state"),
        ((oco.OGD(), NoOracle(dimension=2), 5), {}, "a bounded domain with a linear oracle"),
        ((oco.OGD(0.1), Unbounded(2), 5), {}, "a bounded domain with a linear oracle"),
        ((oco.OGD(), Ball(1.0), 5), {}, "a domain of vectors of a given dimension"),
        ((oco.OGD(), FrobeniusBall(1.0).with_shape((2, 2)), 5), {}, "a domain of vectors of a given dimension"),
        ((oco.OGD(), BALL, 5), {"loss": Concave()}, "needs a convex loss, and concave is not: between the margins"),
        ((oco.OGD, BALL, 5), {}, "an attack needs a learner of oco.Learner, got ABCMeta"),
        ((oco.OGD(), BALL, 0), {}, "horizon of an attack must be an integer of at least 1, got 0"),
        ((oco.OGD(), BALL, 5), {"methods": ["luck"]}, "methods must be some of structured, signs, ascent"),
        ((oco.OGD(), BALL, 5), {"norm": "l3"}, "norm must be l2 or linf and objective regret or ratio"),
        ((oco.OGD(), BALL, 5), {"evaluations": 0}, "evaluations and workers must be at least 1"),
        (
            (oco.learners.Adam(), BALL, 5),
            {"objective": "ratio", "evaluations": 12},
            "states no bound, or the bound's",
        ),
    ],
)
def test_bad_requests_are_refused_in_a_sentence(arguments: Any, options: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        attack(*arguments, **options)
    assert "\n" not in str(caught.value)


def test_a_bound_that_is_not_stated_is_not_searched_for() -> None:
    with pytest.raises(ConfigError, match="an attack on a bound needs one"):
        attack(oco.learners.Adam(), Ball(1.0, dimension=2), 10, objective="ratio")


def test_the_class_is_kept() -> None:
    arena = Arena(oco.OGD(), BALL, 3, Linear(), "l2", "regret", 0)
    rows = arena.inside(np.array([[3.0, 4.0], [0.1, 0.0], [0.0, 0.0]]))
    assert rows == pytest.approx(np.array([[0.6, 0.8], [0.1, 0.0], [0.0, 0.0]]))
    assert arena.inside(np.array([[0.5, 0.0], [0.0, 0.25], [0.0, 0.0]]))[0, 0] == 1.0


def test_the_command_writes_a_stream_and_a_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from regret_experiments.cli import oco as command

    monkeypatch.chdir(tmp_path)
    arguments = ["attack", "ogd", "-l", "learning_rate=1", "-T", "10", "--evaluations", "24", "-o", "found.npz"]
    result = CliRunner().invoke(command, [*arguments, "--figure", "found.png"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "regret" in result.output
    assert "sqrt(T)" in result.output
    assert (tmp_path / "found.npz").exists()
    assert (tmp_path / "found.png").stat().st_size > 1000
    result = CliRunner().invoke(
        command, ["attack", "ogd", "-T", "5", "-T", "10", "--evaluations", "12", "--method", "signs"]
    )
    assert "grows like T^" in result.output
    assert CliRunner().invoke(command, ["attack"]).exit_code == 2
