"""One spelling of every registered thing: plain values and back, and a ``repr`` that can be evaluated."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from environment_examples import EXAMPLES
from scipy import sparse

import oco
from oco.domains import DOMAINS
from oco.environments import ENVIRONMENTS, drift, leading_space, spectra
from oco.errors import ConfigError
from oco.keywords import keywords, parameters
from oco.learners import LEARNERS
from oco.losses import SCALAR_LOSSES
from oco.spec import from_spec, spec

DOMAIN_EXAMPLES = {
    "ball": oco.Ball(radius=2.0),
    "ball of a size": oco.Ball(radius=2.0, dimension=3),
    "ball with a center": oco.Ball(1.5, center=[1.0, -2.0]),
    "ball of matrices": oco.Ball(radius=2.0).with_shape((2, 3)),
    "box": oco.Box(),
    "box with sides": oco.Box([0.0, -np.inf], 1.0),
    "box of matrices": oco.Box(0.0, np.inf).with_shape((2, 3)),
    "simplex": oco.Simplex(scale=2.0, dimension=4),
    "l1 ball": oco.L1Ball(3.0).with_shape((4,)),
    "half-space": oco.HalfSpace([1.0, 2.0], bound=0.5),
    "slab": oco.Slab([1.0, 2.0], bound=0.5),
    "affine slice": oco.AffineSlice([[1.0, 2.0, 0.0]], [0.5]),
    "Frobenius ball": oco.FrobeniusBall(2.0, shape=(2, 3)),
    "Frobenius ball with a center": oco.FrobeniusBall(2.0, center=[[1.0, 0.0]]),
    "spectral ball": oco.SpectralBall(2.0, shape=(2, 3)),
    "ball and box": oco.domains.BallBox(2.0, lower=0.0, upper=[1.0, 2.0]),
    "unbounded": oco.Unbounded(),
    "unbounded matrices": oco.Unbounded((2, 3)),
}
LOSS_EXAMPLES = {name: family() for name, family in SCALAR_LOSSES.items()} | {
    "huber of another size": oco.losses.Huber(0.5),
    "quantile of another level": oco.losses.Quantile(0.9),
}
LEARNER_EXAMPLES = {
    f"{name} {i}": entry(**example) for name, entry in LEARNERS.items() for i, example in enumerate(entry.examples)
}
_rows = np.random.default_rng(0).uniform(0.5, 2.0, (8, 3))
_classes = [1.0, -1.0] * 4
ROW_EXAMPLES = {
    "logistic": oco.environments.LogisticRegression(_rows, _classes, domain=oco.Ball(2.0), passes=3),
    "squared": oco.environments.LeastSquares(_rows, _rows[:, 1], order="file", horizon=5),
    "absolute": oco.environments.AbsoluteRegression(_rows, _rows[:, 1]),
    "hinge": oco.environments.SupportVector(_rows, _classes, description={"data": "drawn"}),
    "linear": oco.environments.LinearLosses(_rows),
    "sparse": oco.environments.LinearLosses(sparse.csr_array(_rows)),
    "huber": oco.environments.GeneralizedLinear(_rows, _rows[:, 1], loss=oco.losses.Huber(0.5)),
    "classes": oco.environments.MultinomialRegression(_rows, [1, 2, 3, 1, 2, 3, 1, 2], passes=2),
    "prices": oco.environments.PortfolioSelection(_rows, horizon=4),
}
"""Games on rows, with few enough numbers for a representation that gives them all."""
GAMES = ROW_EXAMPLES | {name: game for name, game in EXAMPLES.items() if not hasattr(game, "_rows")}
THINGS: dict[str, Any] = {
    f"{kind}: {name}": thing
    for kind, examples in (
        ("learner", LEARNER_EXAMPLES),
        ("domain", DOMAIN_EXAMPLES),
        ("loss", LOSS_EXAMPLES),
        ("game", GAMES),
    )
    for name, thing in examples.items()
}

NAMES = {
    name: getattr(module, name)
    for module in (oco.losses, oco.domains, oco.learners, oco.environments, spectra, leading_space, drift)
    for name in dir(module)
}


@pytest.mark.parametrize("example", THINGS)
def test_a_spec_makes_an_equal_thing(example: str) -> None:
    thing = THINGS[example]
    plain = spec(thing)
    assert json.loads(json.dumps(plain)) == plain
    again = from_spec(json.loads(json.dumps(plain)))
    assert type(again) is type(thing)
    assert spec(again) == plain


@pytest.mark.parametrize("example", THINGS)
def test_the_representation_is_the_call_that_makes_it(example: str) -> None:
    thing = THINGS[example]
    again = eval(repr(thing), dict(NAMES))
    assert type(again) is type(thing)
    assert spec(again) == spec(thing)
    assert repr(again) == repr(thing)


@pytest.mark.parametrize("example", THINGS)
def test_a_spec_has_every_keyword_of_the_constructor(example: str) -> None:
    # The exponent of a spectrum is short for the spectrum that the game keeps.
    assert set(parameters(type(THINGS[example]))) - set(spec(THINGS[example])) <= {"exponent"}


def test_every_registered_thing_is_an_example() -> None:
    shown = {type(thing) for thing in THINGS.values()}
    for registry in (LEARNERS, DOMAINS, SCALAR_LOSSES, ENVIRONMENTS):
        assert set(registry.built_in.values()) <= shown


def test_no_name_is_in_two_registries() -> None:
    names = [name for registry in (LEARNERS, DOMAINS, SCALAR_LOSSES, ENVIRONMENTS) for name in registry.built_in]
    assert len(set(names)) == len(names)


def test_domains_keep_their_geometry() -> None:
    directions = np.random.default_rng(0).standard_normal((5, 6))
    for domain in DOMAIN_EXAMPLES.values():
        if domain._shape is None:
            continue
        again = from_spec(spec(domain))
        assert again.shape == domain.shape
        for direction in directions[:, : domain.dimension].reshape(5, *domain.shape):
            assert again.support(direction) == domain.support(direction)
            assert np.array_equal(again.project(9.0 * direction), domain.project(9.0 * direction))


def test_environments_keep_their_losses() -> None:
    for game in GAMES.values():
        first, second = game.fresh(5), from_spec(spec(game)).fresh(5)
        assert second.horizon == game.horizon
        for _ in range(3):
            point = first.domain.start
            assert second.reveal(point).gradient(point).tolist() == first.reveal(point).gradient(point).tolist()


def test_a_game_on_named_data_is_spelled_by_the_name() -> None:
    game = oco.environments.LogisticRegression.load("breast_cancer", domain=oco.Ball(radius=5.0), passes=2)
    assert spec(game)["data"] == "breast_cancer"
    assert not {"rows", "targets"} & set(spec(game))
    assert spec(game.fresh(3)) == spec(game)
    again = eval(repr(game), dict(NAMES))
    assert spec(again) == spec(from_spec(spec(game))) == spec(game)
    assert again.describe() == game.describe()
    several = oco.environments.MultinomialRegression.load("digits", order="file")
    assert spec(eval(repr(several), dict(NAMES))) == spec(from_spec(spec(several))) == spec(several)


def test_a_part_of_named_data_is_not_the_whole() -> None:
    train, _ = oco.environments.LogisticRegression.load("breast_cancer").split()
    assert np.shape(spec(train)["rows"]) == (455, 30)


def test_a_large_array_is_not_written_out() -> None:
    game = oco.environments.LinearLosses(np.ones((100, 20)))
    assert repr(game).startswith("LinearLosses(rows=<100 x 20 numbers>")
    assert repr(oco.environments.LinearLosses(sparse.csr_array(np.ones((100, 20))))).count("<100 x 20 numbers>") == 1


def test_a_state_is_not_part_of_a_spec() -> None:
    learner = oco.FDAdaGrad(rank=2)
    before = spec(learner)
    learner.start(oco.Problem(oco.Ball(dimension=4), 10))
    learner.update(np.ones(4))
    assert spec(learner) == before == {"kind": "fd_adagrad"} | learner.hyperparameters()


def test_nested_things_are_specs() -> None:
    game = oco.environments.NoisyRegression(4, 50, loss=oco.losses.Huber(0.5))
    assert spec(game)["loss"] == {"kind": "huber", "delta": 0.5}
    assert spec(game)["domain"] == {"kind": "ball", "radius": 2.0, "center": None, "dimension": 4}


def test_what_is_not_known_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="got 'fd_adagra'; did you mean 'fd_adagrad'"):
        from_spec({"kind": "fd_adagra"})
    with pytest.raises(ConfigError, match="got None"):
        from_spec({"rank": 2})
    with pytest.raises(ConfigError, match=r"learner fd_adagrad takes .*got 'rnak'; did you mean 'rank'"):
        from_spec({"kind": "fd_adagrad", "rnak": 2})
    with pytest.raises(ConfigError, match=r"domain ball takes .*got 'radus'; did you mean 'radius'"):
        from_spec({"kind": "noisy_regression", "domain": {"kind": "ball", "radus": 2}})
    with pytest.raises(ConfigError, match=r"loss kind must be one of .*; did you mean 'huber'"):
        from_spec({"kind": "noisy_regression", "loss": {"kind": "hubert"}})


class Passing(oco.Learner):
    """Passes keywords on, and keeps one under another name."""

    def __init__(self, first: int, **rest: Any) -> None:
        self._first = first
        self.second = rest.get("second", 2)

    def first(self) -> int:
        return self._first

    def start(self, problem: oco.Problem) -> None:
        self.state = {"point": problem.domain.start}

    def update(self, gradient: Any) -> None:
        pass


class Told(oco.environments.GeneralizedLinear):
    """Reads its rows itself, as docs/extending.md advises."""

    default_loss = oco.losses.Squared()

    def __init__(self, path: str, scale: float = 1.0) -> None:
        self.path, self.scale = path, scale
        super().__init__(scale * np.eye(3), [1.0, 2.0, 3.0], description={"path": path})


class Everywhere(oco.Unbounded):
    name = "everywhere"


def test_an_environment_of_somebody_else_says_what_its_constructor_takes() -> None:
    game = Told("here.csv", scale=2.0)
    assert spec(game) == {"kind": "told", "path": "here.csv", "scale": 2.0}
    assert repr(game) == "Told(path='here.csv', scale=2.0)"
    assert {"path": "here.csv", "order": "shuffle", "rows": 3, "loss": "squared"}.items() <= game.describe().items()
    domain = Everywhere(3)
    assert repr(domain) == "Everywhere(dimension=3)"
    assert domain.describe() == {"name": "everywhere", "shape": [3]}


def test_classes_of_others_are_spelled_the_same_way() -> None:
    assert keywords(Passing(3)) == {"first": 3}
    assert spec(Passing(3)) == {"kind": "passing", "first": 3}
    assert repr(Passing(3)) == "Passing(first=3)"
