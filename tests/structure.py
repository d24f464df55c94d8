"""Measure the structure of a checkout, for docs/architecture.md: ``python tests/structure.py [CHECKOUT] [-v]``.

Reads source only, so that it can measure an older commit beside this one.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from inheritance import Classes

PACKAGES = ("oco", "regret_experiments")
LONGEST_FILE, LONGEST_FUNCTION, MOST_ARGUMENTS = 300, 60, 8
KERNELS = {"kernel", "part_of_kernel", "fast_kernel", "allocating_kernel", "view_kernel", "separate_kernel"}


class Structure:
    """The source files of both packages of one checkout, as syntax trees."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]

    @cached_property
    def trees(self) -> dict[Path, ast.Module]:
        """Syntax trees by path."""
        return {path: ast.parse(path.read_text()) for path in self.files}

    def name(self, path: Path) -> str:
        """``oco/learners/ogd.py``."""
        return str(path.relative_to(self.root))

    def module(self, path: Path) -> str:
        """``oco.learners.ogd``."""
        return self.name(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def lines(self, package: str) -> int:
        """Lines of a package's Python."""
        return sum(
            len(path.read_text().splitlines()) for path in self.files if self.name(path).startswith(package + "/")
        )

    def long_files(self) -> list[str]:
        """Files of more than 300 lines."""
        counted = {self.name(path): len(path.read_text().splitlines()) for path in self.files}
        return [f"{name}: {lines}" for name, lines in counted.items() if lines > LONGEST_FILE]

    def functions(self) -> Iterator[tuple[str, ast.FunctionDef]]:
        """Every function with its file and name."""
        for path, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef):
                    yield f"{self.name(path)} {node.name}", node

    def long_functions(self) -> list[str]:
        """Functions of more than 60 lines, docstring, comments and blank lines not counted."""
        found = []
        for place, node in self.functions():
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            rows: set[int] = set()
            for statement in body:
                for part in ast.walk(statement):
                    if isinstance(part, (ast.stmt, ast.expr)):
                        rows.update({part.lineno, part.end_lineno or part.lineno})
            if len(rows) > LONGEST_FUNCTION:
                found.append(f"{place}: {len(rows)}")
        return found

    def wide_kernels(self) -> list[str]:
        """Kernels of more than 8 arguments."""
        found = []
        for place, node in self.functions():
            decorators = [d.func if isinstance(d, ast.Call) else d for d in node.decorator_list]
            if any(isinstance(d, ast.Name) and d.id in KERNELS for d in decorators):
                arguments = len(node.args.args) + len(node.args.posonlyargs)
                if arguments > MOST_ARGUMENTS:
                    found.append(f"{place}: {arguments}")
        return found

    def classes_of(self, *parts: str) -> set[str]:
        """Names of the public classes that are defined under ``parts`` (paths)."""
        names = set()
        for path, tree in self.trees.items():
            if self.name(path).startswith(parts):
                names |= {node.name for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_"}
        return names

    def type_tests(self) -> list[str]:
        """``isinstance`` tests on metrics and domains outside their packages."""
        homes = ("oco/domains/", "oco/metrics/")
        sought = self.classes_of(*homes)
        found = []
        for path, tree in self.trees.items():
            if self.name(path).startswith(homes):
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
                    tested = {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
                    tested |= {name.attr for name in ast.walk(node.args[1]) if isinstance(name, ast.Attribute)}
                    if tested & sought:
                        found.append(f"{self.name(path)}: {ast.unparse(node)}")
        return found

    def imports(self, path: Path) -> set[str]:
        """Modules of both packages that a file imports anywhere, inside functions too, but not for types only."""
        known = {self.module(other) for other in self.files}
        found: set[str] = set()
        pending: list[ast.AST] = list(self.trees[path].body)
        while pending:
            node = pending.pop()
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                pending.extend(node.orelse)
                continue
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                found |= {name if name in known else node.module for name in inner}
            pending.extend(ast.iter_child_nodes(node))
        return found & known - {self.module(path)}

    def circles(self) -> list[str]:
        """Groups of modules that import each other in a circle (strongly connected components)."""
        graph = {self.module(path): self.imports(path) for path in self.files}
        reach = {start: self._reachable(graph, start) for start in graph}
        groups = {frozenset(n for n in reach[m] if m in reach[n]) for m in graph if m in reach[m]}
        return [" <-> ".join(sorted(group)) for group in sorted(groups, key=sorted)]

    def thresholds(self) -> list[str]:
        """Very small and very large float constants of modules that no docstring explains."""
        found = []
        for path, tree in self.trees.items():
            if "numerics" in path.stem or "numerics" in (ast.get_docstring(tree) or "").lower():
                continue
            for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
                documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                if not documented and isinstance(node, (ast.Assign, ast.AnnAssign)) and _is_threshold(node.value):
                    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                    found.append(f"{self.name(path)} {ast.unparse(target)}")
        return found

    @cached_property
    def classes(self) -> Classes:
        """The classes of both packages."""
        return Classes({self.module(path): tree for path, tree in self.trees.items()})

    @staticmethod
    def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
        seen: set[str] = set()
        pending = list(graph[start])
        while pending:
            name = pending.pop()
            if name not in seen:
                seen.add(name)
                pending.extend(graph[name])
        return seen


def _is_threshold(value: ast.expr | None) -> bool:
    """Whether ``value`` is written as a float below 1e-3 or above 1e6."""
    if isinstance(value, ast.UnaryOp):
        return _is_threshold(value.operand)
    written = value.value if isinstance(value, ast.Constant) else None
    return isinstance(written, float) and (0.0 < written < 1e-3 or written > 1e6)


def table(root: Path) -> dict[str, int]:
    """The numbers of docs/architecture.md."""
    structure = Structure(root)
    return {
        "lines of oco": structure.lines("oco"),
        "lines of regret_experiments": structure.lines("regret_experiments"),
        f"files over {LONGEST_FILE} lines": len(structure.long_files()),
        f"functions over {LONGEST_FUNCTION} lines": len(structure.long_functions()),
        f"kernels with over {MOST_ARGUMENTS} arguments": len(structure.wide_kernels()),
        "isinstance tests on metrics and domains elsewhere": len(structure.type_tests()),
        "import circles": len(structure.circles()),
        "concrete classes that inherit from concrete ones": len(structure.classes.concrete_parents()),
        "concrete methods that are overridden": len(structure.classes.overridden_methods()),
        "thresholds without a word of explanation": len(structure.thresholds()),
    }


if __name__ == "__main__":
    checkout = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    for title, number in table(checkout).items():
        print(f"{title:52s} {number:7,d}")
    if "-v" in sys.argv:
        measured = Structure(checkout)
        for kind in (
            measured.long_files,
            measured.long_functions,
            measured.wide_kernels,
            measured.type_tests,
            measured.circles,
            measured.classes.concrete_parents,
            measured.classes.overridden_methods,
            measured.thresholds,
        ):
            print(f"\n{kind.__doc__}")
            print("\n".join(f"  {line}" for line in kind()))
