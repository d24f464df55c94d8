"""What a registry finds in other packages, and how it refuses what it cannot use."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from outside_packages import LAZY, install

import oco
from oco.errors import ConfigError
from oco.learners import LEARNERS
from oco.plugins import Registry, registered_name


def registry() -> Registry[oco.Learner]:
    built_in = dict(LEARNERS.built_in)
    return Registry("learner", "oco.learners", oco.Learner, built_in)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of packages on the path."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_package_is_imported_when_its_learner_is_asked_for(site: Path) -> None:
    install(site, "lazy-one", {"lazy_one": LAZY}, "[oco.learners]\nlazy_one = lazy_one:LazyDescent\n")
    found = registry()
    assert "lazy_one" in found
    assert list(found)[-1] == "lazy_one"
    assert len(found) == len(LEARNERS.built_in) + 1
    origin = found.origin("lazy_one")
    assert origin is not None
    assert str(origin) == "lazy-one 1.2 (lazy_one:LazyDescent)"
    assert "lazy_one" not in sys.modules
    assert found["lazy_one"](learning_rate=2.0).hyperparameters() == {"learning_rate": 2.0}
    assert "lazy_one" in sys.modules
    origin = found.origin("lazy_one")
    assert origin is not None
    assert len(origin.sha256 or "") == 12


def test_a_name_that_is_built_in_is_refused_with_both(site: Path) -> None:
    install(site, "evil", {"evil": LAZY}, "[oco.learners]\nogd = evil:LazyDescent\n")
    with pytest.raises(
        ConfigError, match=r"'ogd' is offered by both the built-in oco.learners.ogd:OGD and package evil"
    ):
        registry()["ogd"]
    assert registry()["adam"] is oco.Adam
    assert "evil" not in sys.modules


def test_a_name_that_two_packages_offer_is_refused_with_both(site: Path) -> None:
    for name in ("twin_a", "twin_b"):
        install(site, name, {name: LAZY}, f"[oco.learners]\ntwin = {name}:LazyDescent\n")
    with pytest.raises(ConfigError, match=r"offered by both package twin_. 1.2 .* and package twin_. 1.2"):
        registry()["twin"]


@pytest.mark.parametrize(
    ("text", "entry", "sentence"),
    [
        ("1 / 0", "broken:Mine", "'mine' of broken 1.2 .broken:Mine. cannot be loaded: ZeroDivisionError: division"),
        ("def", "broken:Mine", "cannot be loaded: SyntaxError"),
        ("raise SystemExit('no license')", "broken:Mine", "cannot be loaded: SystemExit: no license"),
        ("x = 1", "broken:Mine", "cannot be loaded: AttributeError"),
        ("x = 1", "no_such_module:Mine", "cannot be loaded: ModuleNotFoundError"),
        ("class Mine: pass", "broken:Mine", "is not a subclass of oco.learners.base:Learner"),
        ("Mine = 3", "broken:Mine", "is not a subclass of oco.learners.base:Learner"),
    ],
)
def test_a_broken_package_is_one_sentence(
    text: str, entry: str, sentence: str, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "broken", raising=False)
    install(site, "broken", {"broken": text}, f"[oco.learners]\nmine = {entry}\n")
    with pytest.raises(ConfigError, match=sentence) as caught:
        registry()["mine"]
    assert "\n" not in str(caught.value)
    assert registry()["adam"] is oco.Adam


def test_a_class_of_ones_own_is_added_under_its_name() -> None:
    class ThreePointSGD(oco.OGD):
        pass

    found = registry()
    found.add(registered_name(ThreePointSGD), ThreePointSGD)
    assert found["three_point_sgd"] is ThreePointSGD
    with pytest.raises(ConfigError, match="offered by both the built-in"):
        found.add("adam", ThreePointSGD)
    with pytest.raises(ConfigError, match="given twice"):
        found.add("three_point_sgd", type("Another", (ThreePointSGD,), {}))
    assert found["adam"] is oco.Adam
