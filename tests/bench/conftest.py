"""Learners from files are registered in this process while a module of tests plays them, and not afterwards."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from oco.learners import LEARNERS
from regret_experiments import plugins


@pytest.fixture(autouse=True, scope="module")
def learners_as_before() -> Iterator[None]:
    """Other tests walk the registry and expect the library's learners."""
    added, path, modules = dict(LEARNERS._added), list(sys.path), set(sys.modules)
    given = dict(plugins._GIVEN)
    yield
    for kind in LEARNERS._added.values():
        if kind.__module__ not in modules:
            sys.modules.pop(kind.__module__, None)
    LEARNERS._added.clear()
    LEARNERS._added.update(added)
    plugins._GIVEN.clear()
    plugins._GIVEN.update(given)
    sys.path[:] = path
