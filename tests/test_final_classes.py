"""Abstract or final, nothing between: no class that can be made inherits from another one that can be made."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from abc import ABC
from collections.abc import Iterator
from typing import Protocol

import pytest

PACKAGES = ("oco.metrics", "oco.domains", "oco.comparators", "oco.environments")


def classes(package: str) -> Iterator[type]:
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, f"{package}."):
        for value in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(value) and value.__module__ == module.name:
                yield value


def can_be_made(kind: type) -> bool:
    abstract = inspect.isabstract(kind) or {ABC, Protocol} & set(kind.__bases__)
    return kind.__module__.startswith("oco.") and not abstract


@pytest.mark.parametrize("package", PACKAGES)
def test_no_class_inherits_from_a_concrete_one(package: str) -> None:
    found = list(classes(package))
    assert any(can_be_made(kind) for kind in found)
    wrong = [(kind.__name__, base.__name__) for kind in found for base in kind.__bases__ if can_be_made(base)]
    assert wrong == []


def test_a_class_between_is_found() -> None:
    from oco.domains import Ball

    class Between(Ball):
        pass

    assert can_be_made(Between.__bases__[0])
