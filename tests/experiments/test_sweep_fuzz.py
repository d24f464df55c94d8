"""Whatever a config holds, it is planned or refused in one sentence."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from fuzz_configs import case, planned_or_refused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oco.errors import ConfigError
from regret_experiments.config.document import parse, read_document
from regret_experiments.config.loading import validate
from regret_experiments.config.overrides import override
from regret_experiments.plan import make_plan

VALID: dict[str, Any] = {
    "name": "valid",
    "orders": 1,
    "checkpoints": 3,
    "environments": [
        {
            "kind": "spectrum_linear",
            "dimension": 4,
            "horizon": 9,
            "exponent": 1.0,
            "domain": {"kind": "ball", "radius": 1},
        },
        {"kind": "ill_conditioned_regression", "name": "ill", "dimension": 3, "horizon": 9, "draws": "signs"},
    ],
    "learners": [
        {"kind": "ogd", "learning_rate": ["theorem", {"log_grid": {"low": 0.1, "high": 1, "points": 2}}]},
        {"kind": "fd_adagrad", "rank": "doubling", "zip": {"learning_rate": [0.1, 0.2], "delta": [0.0, 1.0]}},
    ],
    "stages": [
        {"name": "tune", "environments": ["ill"]},
        {"name": "test", "best_of": {"stage": "tune"}, "environments": {"ill": "spectrum_linear"}},
    ],
}
WORDS = [
    "name",
    "kind",
    "ogd",
    "fd_adagrad",
    "rank",
    "doubling",
    "theorem",
    "log_grid",
    "ball",
    "ill",
    "tune",
    "data",
    "zip",
]
# Sizes are small, or so large that no array of them can be: what lies between would only be slow.
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 40),
    st.sampled_from([10**13, 10**17, -(10**17)]),
    st.floats(),
    st.sampled_from(WORDS),
    st.text(max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Locations of everything in a config."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at] * bool(at) + [place for key, item in items for place in places(item, (*at, key))]


@st.composite
def mutations(draw: st.DrawFn) -> Any:
    """A valid config with a few things replaced, deleted, renamed or added."""
    config = copy.deepcopy(VALID)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places(config)))
        at: Any = config
        for key in place[:-1]:
            at = at[key]
        how = draw(st.sampled_from(["replace", "delete", "rename", "add"]))
        if how == "delete" or (how == "rename" and isinstance(at, dict)):
            value = at.pop(place[-1])
            if how == "rename":
                at[draw(st.sampled_from(WORDS) | st.text(max_size=5))] = value
        elif how == "add" and isinstance(at, dict):
            at[draw(st.sampled_from(WORDS) | st.text(max_size=5))] = draw(VALUES)
        else:
            at[place[-1]] = draw(VALUES)
        if not places(config):
            break
    return config


def refused_or_planned(text: str) -> str | None:
    """The sentence, or None where the config is planned; anything else than `ConfigError` fails the test."""
    try:
        make_plan(validate(parse(text, "fuzz")))
    except ConfigError as error:
        sentence = str(error)
        assert sentence.startswith("fuzz")
        assert "\n" not in sentence
        return sentence
    return None


def test_the_start_is_valid() -> None:
    assert refused_or_planned(yaml.safe_dump(VALID)) is None


@pytest.mark.parametrize("letter", ["\n", "\r", "\x1b", "\u2028"])
@pytest.mark.parametrize("place", [(), ("environments", 0), ("learners", 0), ("learners", 0, "learning_rate", 1)])
def test_a_key_that_ends_a_line_is_told_in_one_line(place: tuple[Any, ...], letter: str) -> None:
    config = copy.deepcopy(VALID)
    at: Any = config
    for step in place:
        at = at[step]
    at[f"a{letter}b"] = 1
    sentence = refused_or_planned(yaml.safe_dump(config))
    assert sentence is not None
    assert sentence.isprintable()


@given(mutations())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_configs(config: Any) -> None:
    refused_or_planned(yaml.safe_dump(config, allow_unicode=True))


@given(VALUES)
@settings(max_examples=100, deadline=None)
def test_values_that_are_no_config(value: Any) -> None:
    assert refused_or_planned(yaml.safe_dump(value, allow_unicode=True))


@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!%|>'\"#,?\n\t 01.e~<=@`"), max_size=40))
@settings(max_examples=400, deadline=None)
def test_text_that_looks_like_yaml(text: str) -> None:
    assert refused_or_planned(text)


@given(data=st.binary(max_size=60))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fuzz.yaml"
    path.write_bytes(data)
    with pytest.raises(ConfigError) as error:
        validate(read_document(path))
    assert "\n" not in str(error.value)


@given(st.text(alphabet="abnmelrs.=[]01 -", max_size=20) | st.text(max_size=10))
@settings(max_examples=300, deadline=None)
def test_settings(setting: str) -> None:
    document = parse(yaml.safe_dump(VALID), "fuzz")
    try:
        validate(override(document, [setting]))
    except ConfigError as error:
        sentence = str(error)
    else:
        sentence = ""
    assert "\n" not in sentence.replace(setting, "")


@pytest.mark.parametrize(("first", "count"), [(0, 200), pytest.param(200, 1000, marks=pytest.mark.slow)])
def test_recorded_seeds(first: int, count: int, tmp_path: Path) -> None:
    """A part of what ``python tests/experiments/fuzz_configs.py`` tries: anything but an `OcoError` fails here."""
    sentences = [planned_or_refused(*case(seed), tmp_path) for seed in range(first, first + count)]
    assert 0 < sentences.count("") < count, "some are planned and some refused, or little is tried"
