"""Examples in docstrings and in the documentation page run as written, and the table of defaults is true."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import oco.torch
from oco.torch import Compatibility, Graft, Preconditioner, RankBudget, SketchyShampoo
from oco.torch.kronecker import KroneckerOptimizer

PAGE = Path(__file__).parents[2] / "docs" / "shampoo.md"
MODULES = [f"oco.torch.{module.name}" for module in pkgutil.iter_modules(oco.torch.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("page", ["shampoo.md", "spectra.md", "update_regret.md"])
def test_the_pages_examples_run(page):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.with_name(page).read_text(), re.DOTALL)
    assert blocks
    namespace = {}
    for block in blocks:
        exec(block, namespace)


def test_the_page_s_table_of_defaults_is_the_signature():
    stated = dict(re.findall(r"^\| `([\w.]+)` \| `([^`]+)` \|", PAGE.read_text(), re.MULTILINE))
    actual = {
        name: parameter.default
        for kind in (KroneckerOptimizer, SketchyShampoo)
        for name, parameter in inspect.signature(kind).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }
    for record in (Graft, Preconditioner, RankBudget, Compatibility):
        for name, parameter in inspect.signature(record).parameters.items():
            if parameter.default is not inspect.Parameter.empty:
                actual[f"{record.__name__}.{name}"] = parameter.default
    assert stated == {name: repr(value).replace("'", '"') for name, value in actual.items()}
