"""What `oco` offers by name is what its registries have and a short list, and every class is in its registry."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import oco
import oco.domains
import oco.learners
import oco.losses
from oco.domains import DOMAINS, Domain
from oco.learners import LEARNERS, Learner
from oco.losses import SCALAR_LOSSES, ScalarLoss
from oco.plugins import Registry


@pytest.mark.parametrize(
    ("package", "registry", "base"),
    [(oco.learners, LEARNERS, Learner), (oco.domains, DOMAINS, Domain), (oco.losses, SCALAR_LOSSES, ScalarLoss)],
    ids=["learners", "domains", "losses"],
)
def test_every_public_class_of_a_kind_is_registered_and_a_name_of_the_library(
    package: object, registry: Registry[object], base: type
) -> None:
    found = set()
    for module in pkgutil.iter_modules(package.__path__):  # type: ignore[attr-defined]
        if not module.name.startswith("_"):
            members = vars(importlib.import_module(f"{package.__name__}.{module.name}"))  # type: ignore[attr-defined]
            found |= {kind for kind in members.values() if inspect.isclass(kind) and issubclass(kind, base)}
    public = {kind for kind in found if not kind.__name__.startswith("_") and not inspect.isabstract(kind)} - {base}
    assert public == set(registry.built_in.values())
    for kind in public:
        assert kind.__name__ in oco.__all__
        assert kind.__name__ in package.__all__  # type: ignore[attr-defined]
        assert getattr(oco, kind.__name__) is getattr(package, kind.__name__) is kind


def test_every_public_name_is_there_once() -> None:
    assert len(oco.__all__) == len(set(oco.__all__))
    assert set(oco.__all__) <= set(dir(oco))
    for name in oco.__all__:
        assert getattr(oco, name) is not None
    star: dict[str, object] = {}
    exec("from oco import *", star)
    assert set(oco.__all__) <= set(star)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'oco' has no attribute 'NoSuchLearner'"):
        _ = oco.NoSuchLearner


def test_importing_the_library_imports_none_of_its_parts() -> None:
    code = "import sys, oco; print([name for name in sys.modules if name.startswith('oco.') or name == 'numpy'])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "['oco._version']"


def test_the_entries_of_the_last_release_warn_and_say_the_same() -> None:
    with pytest.warns(DeprecationWarning, match=r"LEARNERS\.built_in"):
        entries = oco.learners.ENTRIES
    assert {name: entry.learner for name, entry in entries.items()} == LEARNERS.built_in
    assert entries["hedge"].decision == "simplex"
    assert entries["fd_adagrad"].examples[0] == {"rank": 2}
    assert entries["online_newton_step"].needs == oco.OnlineNewtonStep.needs
