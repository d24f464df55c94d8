"""The examples in the docstrings of the learners."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import oco.learners

MODULES = [module.name for module in pkgutil.iter_modules(oco.learners.__path__, "oco.learners.")]


@pytest.mark.parametrize("module", MODULES)
def test_examples(module: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)
    assert failed == 0
