"""Every environment keeps every promise that it makes, and is known to configs."""

import doctest
import importlib
import json
import pkgutil

import pytest
from environment_examples import EXAMPLES

import oco.environments
from oco.checks import environment_checks
from oco.environments import ENVIRONMENTS, Environment
from oco.environments.wrapper import innermost
from oco.errors import ConfigError, ProtocolError

CHECKS = [
    pytest.param(check, id=f"{example}-{name}")
    for example, environment in EXAMPLES.items()
    for name, check in environment_checks(environment)
]


@pytest.mark.parametrize("check", CHECKS)
def test_environment_keeps_its_promises(check):
    check()


def test_every_registered_environment_has_an_example():
    shown = {type(environment) for environment in EXAMPLES.values()}
    assert set(ENVIRONMENTS.values()) == shown
    assert all(name == environment.name for name, environment in ENVIRONMENTS.items())


@pytest.mark.parametrize("example", EXAMPLES)
def test_descriptions_are_plain_and_complete(example):
    description = EXAMPLES[example].describe()
    assert description["kind"] in ENVIRONMENTS
    assert json.loads(json.dumps(description)) == json.loads(json.dumps(EXAMPLES[example].fresh(3).describe()))


@pytest.mark.parametrize("example", [name for name, game in EXAMPLES.items() if not hasattr(game, "n_rows")])
def test_a_game_is_over_after_its_horizon(example):
    stream = EXAMPLES[example].fresh(0)
    if hasattr(innermost(stream), "_next"):
        innermost(stream)._next = stream.horizon
    with pytest.raises(ProtocolError, match=f"has {stream.horizon} rounds and all of them were played"):
        stream.reveal(stream.domain.start)


def test_configs_with_unknown_keys_are_refused_with_the_nearest_name():
    with pytest.raises(
        ConfigError, match=r"environment against_rank takes dimension, .*got 'rnak'; did you mean 'rank'"
    ):
        ENVIRONMENTS["against_rank"].from_config(rnak=3)
    with pytest.raises(ConfigError, match="environment expert_advice takes .* got 'domain'"):
        ENVIRONMENTS["expert_advice"].from_config(domain={"kind": "ball"})


@pytest.mark.parametrize("module", [module.name for module in pkgutil.iter_modules(oco.environments.__path__)])
def test_examples_in_docstrings_run(module):
    outcome = doctest.testmod(importlib.import_module(f"oco.environments.{module}"))
    assert outcome.failed == 0


def test_public_environments_have_examples_in_their_docstrings():
    named = ("LeastSquares", "AbsoluteRegression", "SupportVector", "LinearLosses", "LogisticRegression")
    for environment in ENVIRONMENTS.values():
        assert issubclass(environment, Environment)
        assert ">>>" in environment.__doc__ or environment.__name__ in named
