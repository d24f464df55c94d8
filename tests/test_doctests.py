"""The examples in the docstrings of both packages."""

from __future__ import annotations

import doctest
import importlib.util
import pkgutil
from collections.abc import Iterator

import pytest

import oco
import regret_experiments


def modules_with_examples() -> Iterator[str]:
    """Modules whose source holds an example; the others are not imported."""
    for package in (oco, regret_experiments):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            spec = importlib.util.find_spec(module.name)
            assert spec is not None
            if ">>> " in (spec.loader.get_source(module.name) or ""):  # type: ignore[union-attr]
                yield module.name


EXTRAS = {"torch": ("oco.torch", "regret_experiments.training"), "river": ("oco.estimators.river",)}
"""Parts that need the extra of this name."""


def needs(name: str) -> list[pytest.MarkDecorator]:
    """Marks that skip the module's examples if its extra is not installed."""
    extras = [extra for extra, parts in EXTRAS.items() if name.startswith(parts)]
    return [
        pytest.mark.skipif(not importlib.util.find_spec(extra), reason=f"needs the extra: {extra}") for extra in extras
    ]


MODULES = [pytest.param(name, marks=needs(name)) for name in modules_with_examples()]


@pytest.mark.parametrize("module", MODULES)
def test_examples(module: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)
    assert failed == 0
