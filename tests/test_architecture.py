"""Arrows go one way: what each part of the two packages may import is written down here, and checked."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = [
    {"_version", "types", "errors"},
    {"snapshot", "plugins", "memory", "numbers", "kernel_cache"},
    {"compile", "lanes"},
    {"datasets", "losses", "domains", "sketching"},
    {"regret"},
    {"comparators", "learners"},
    {"environments"},
    {"record"},
    {"tracking"},
    {"game"},
    {"checks"},
]
"""Parts of `oco` from the ground up: a part may import from lower layers and from itself, never sideways or up."""

HEIGHT = {part: height for height, layer in enumerate(LAYERS) for part in layer}


def imported_modules(path: Path) -> Iterator[tuple[str, int]]:
    """Dotted names that a file imports while it is being imported (not inside functions, not for types only)."""
    pending: list[ast.AST] = list(ast.parse(path.read_text()).body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending.extend(node.orelse)
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            pending.extend(ast.iter_child_nodes(node))


def part_of(module: str) -> str | None:
    pieces = module.split(".")
    return pieces[1] if pieces[0] == "oco" and len(pieces) > 1 else None


OCO_FILES = sorted((ROOT / "oco").rglob("*.py"))


@pytest.mark.parametrize("path", OCO_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_of_the_library_go_down(path: Path) -> None:
    here = path.relative_to(ROOT / "oco").parts[0].removesuffix(".py")
    if here == "__init__":
        return
    for module, line in imported_modules(path):
        assert not module.startswith("regret_experiments"), f"{path}:{line} oco must not know regret_experiments"
        there = part_of(module)
        if there is None or there == here or there not in HEIGHT:
            continue
        if here == "torch":
            assert there in {"types", "errors", "_version"}, f"{path}:{line} oco.torch stands alone, imports {module}"
        else:
            assert HEIGHT[there] < HEIGHT[here], f"{path}:{line} {here} must not import {module}"


def test_every_part_has_a_layer() -> None:
    parts = {path.name.removesuffix(".py") for path in (ROOT / "oco").iterdir() if not path.name.startswith("__")}
    assert parts - {"torch", "py.typed"} == set(HEIGHT)


@pytest.mark.parametrize("path", sorted((ROOT / "regret_experiments").rglob("*.py")), ids=lambda path: path.name)
def test_experiments_use_the_public_face_of_the_library(path: Path) -> None:
    for module, line in imported_modules(path):
        private = [piece for piece in module.split(".") if piece.startswith("_") and piece != "__future__"]
        if module.startswith("oco."):
            assert not [piece for piece in private if piece != "_version"], f"{path}:{line} reaches into {module}"
