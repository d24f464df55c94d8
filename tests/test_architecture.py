"""The laws of the source: arrows go one way, files and functions are short, classes are abstract or final.

`offenders.py` lists by name what still breaks a law; what it lists must offend, so that the lists only shrink.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from inheritance import HOOKS, Classes
from layers import EXPERIMENTS, LAYERS
from offenders import OFFENDERS
from structure import Structure

ROOT = Path(__file__).parents[1]

STRUCTURE = Structure(ROOT)


def part_of(module: str) -> str:
    return (module.split(".") + [""])[1]


def parts(package: str) -> set[str]:
    entries = [path for path in (ROOT / package).iterdir() if path.suffix in {"", ".py"}]
    return {path.stem for path in entries if not path.name.startswith("__")}


@pytest.mark.parametrize(("package", "layers"), [("oco", LAYERS), ("regret_experiments", EXPERIMENTS)])
def test_arrows_go_down(package: str, layers: list[set[str]]) -> None:
    """Imports inside functions included; those for types only are free."""
    height = {part: level for level, layer in enumerate(layers) for part in layer}
    assert parts(package) - {"torch"} == set(height)
    height["torch"] = -1  # it is held to more below
    for path in STRUCTURE.files:
        module = STRUCTURE.module(path)
        here = part_of(module)
        if not STRUCTURE.name(path).startswith(f"{package}/") or here not in height:
            continue
        for imported in STRUCTURE.imports(path):
            there = part_of(imported)
            if imported.startswith(f"{package}.") and there != here and here != "torch":
                assert height[there] < height[here], f"{module} must not import {imported}"


def test_the_library_does_not_know_the_experiments_and_its_torch_part_stands_alone() -> None:
    for path in STRUCTURE.files:
        for imported in STRUCTURE.imports(path):
            name = STRUCTURE.name(path)
            assert name.startswith("regret_experiments/") or not imported.startswith("regret_experiments"), name
            if name.startswith("oco/torch/") and imported.startswith("oco."):
                assert part_of(imported) in {"torch", "types", "errors", "_version"}, f"{name} imports {imported}"


def test_experiments_use_the_public_face_of_the_library() -> None:
    for path in STRUCTURE.files:
        if STRUCTURE.name(path).startswith("regret_experiments/"):
            for imported in STRUCTURE.imports(path):
                private = [piece for piece in imported.split(".") if piece.startswith("_")]
                assert not imported.startswith("oco.") or private in ([], ["_version"]), f"{path} reaches {imported}"


def test_an_import_inside_a_function_counts_and_one_for_types_does_not(tmp_path: Path) -> None:
    for package in ("oco", "regret_experiments"):
        (tmp_path / package).mkdir()
    low, high = tmp_path / "oco" / "low.py", tmp_path / "oco" / "high.py"
    low.write_text("def late():\n    from oco import high\n    return high\n")
    high.write_text("from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import oco.low\n")
    planted = Structure(tmp_path)
    assert planted.imports(low) == {"oco.high"}
    assert planted.imports(high) == set()
    assert planted.circles() == []
    high.write_text("import oco.low\n")
    assert Structure(tmp_path).circles() == ["oco.high <-> oco.low"]


def test_there_is_no_circle() -> None:
    assert STRUCTURE.circles() == []


LAWS: dict[str, Callable[[], list[str]]] = {
    "files over 300 lines": STRUCTURE.long_files,
    "functions over 60 lines": STRUCTURE.long_functions,
    "kernels of over 8 arguments": STRUCTURE.wide_kernels,
    "isinstance tests on metrics and domains elsewhere": STRUCTURE.type_tests,
    "concrete classes that inherit from concrete ones": STRUCTURE.classes.concrete_parents,
    "concrete methods that are overridden": STRUCTURE.classes.overridden_methods,
    "thresholds that nothing explains": STRUCTURE.thresholds,
}


def names(found: list[str]) -> set[str]:
    """Offenders without the number that follows: a long file that grows is the same offender."""
    return {re.sub(r": \d+$", "", one) for one in found}


@pytest.mark.parametrize("law", LAWS)
def test_nothing_breaks_a_law_but_the_listed_offenders(law: str) -> None:
    assert sorted(names(LAWS[law]()) - OFFENDERS[law]) == []


@pytest.mark.parametrize("law", LAWS)
def test_every_listed_offender_still_offends(law: str) -> None:
    """What was mended is taken off the list of offenders.py, and stays mended."""
    assert sorted(OFFENDERS[law] - names(LAWS[law]())) == []


def test_every_list_of_offenders_is_of_a_law() -> None:
    assert set(OFFENDERS) == set(LAWS)


PLANTED = {
    "oco.base": """
from abc import ABC, abstractmethod
class Shape(ABC):
    @abstractmethod
    def area(self): ...
    def name(self): return "shape"
class Circle(Shape):
    def area(self): return 3.0
""",
    "oco": "from oco.base import Circle, Shape\n",
    "oco.more": """
from oco import Circle as Round, Shape
class Square(Shape):
    def area(self): return 1.0
class Named(Shape):
    def area(self): return 1.0
    def name(self): return "named"
class Disc(Round):
    def __init__(self): ...
class Missing(Exception): ...
class File(Missing):
    def text(self): ...
""",
}


def test_inheritance_is_read_through_packages_and_other_names() -> None:
    """A disc inherits from a circle, which is not abstract; ``Named.name`` overrides what is no contract's hook."""
    classes = Classes({module: ast.parse(source) for module, source in PLANTED.items()})
    assert classes.concrete_parents() == ["oco.more.Disc(Circle)"]
    assert classes.overridden_methods() == ["oco.more.Named.name"]


def test_private_hooks_are_documented() -> None:
    page = (ROOT / "docs/extending.md").read_text()
    assert [hook for hook in HOOKS if f"`{hook.rsplit('.', 1)[1]}`" not in page] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("SMALL = 1e-9\n", ["oco/thing.py SMALL"]),
        ("LARGE: float = -1e30\n", ["oco/thing.py LARGE"]),
        ('SMALL = 1e-9\n"""Below it squares vanish."""\n', []),
        ('"""Numerics of a thing."""\nSMALL = 1e-9\n', []),
        ("HALF = 0.5\nMANY = 10_000_000\n", []),
    ],
)
def test_thresholds_are_found(source: str, found: list[str], tmp_path: Path) -> None:
    for package in ("oco", "regret_experiments"):
        (tmp_path / package).mkdir()
    (tmp_path / "oco" / "thing.py").write_text(source)
    assert Structure(tmp_path).thresholds() == found


def test_long_and_wide_code_is_found(tmp_path: Path) -> None:
    for package in ("oco", "regret_experiments"):
        (tmp_path / package).mkdir()
    body = "\n".join(f"    x{i} = {i}" for i in range(61))
    arguments = ", ".join(f"a{i}" for i in range(9))
    source = f"@kernel\ndef wide({arguments}):\n    return a0\n\n\ndef long():\n{body}\n" + "\n" * 300
    (tmp_path / "oco" / "thing.py").write_text(source)
    planted = Structure(tmp_path)
    assert names(planted.long_files()) == {"oco/thing.py"}
    assert planted.long_functions() == ["oco/thing.py long: 61"]
    assert planted.wide_kernels() == ["oco/thing.py wide: 9"]
