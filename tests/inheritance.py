"""Who inherits from whom in a package, read from its source: abstract or final, and which methods are overridden."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

CONTRACTS = {
    "oco.comparators.objective.Link",
    "oco.domains.base.Domain",
    "oco.environments.base.Environment",
    "oco.environments.row_stream.RowStream",
    "oco.environments.leading_space.LeadingSpace",
    "oco.environments.motion.Motion",
    "oco.environments.wrapper.Wrapper",
    "oco.learners.base.Learner",
    "oco.losses.margin.ScalarLoss",
    "oco.metrics.base.Metric",
    "oco.tracking.observer.Observer",
}
"""Base classes whose public methods with a default are documented hooks, which a subclass may override."""

HOOKS = {"oco.losses.margin.ScalarLoss._conjugate"}
"""Hooks that are not public, because others call them through a method; docs/extending.md names them."""


@dataclass(frozen=True)
class Class:
    """One class: its full name, and its methods, each with whether it is abstract."""

    name: str
    node: ast.ClassDef
    methods: dict[str, bool]


class Classes:
    """Every class of some modules, and their ancestors among them.

    Parameters
    ----------
    trees
        Syntax trees by the dotted name of the module.
    """

    def __init__(self, trees: dict[str, ast.Module]) -> None:
        self._names = {module: dict(_names(module, tree)) for module, tree in trees.items()}
        self._classes: dict[str, Class] = {}
        for module, tree in trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    self._classes[f"{module}.{node.name}"] = Class(f"{module}.{node.name}", node, _methods(node))

    def concrete_parents(self) -> list[str]:
        """Classes whose parent is a class that is used itself; errors, which are told apart by their class, aside."""
        return sorted(
            f"{one.name}({parent.name.rsplit('.', 1)[1]})"
            for one in self._classes.values()
            if not self._is_error(one)
            for parent in self._parents(one)
            if not self._is_abstract(parent)
        )

    def overridden_methods(self) -> list[str]:
        """Methods whose parent's version is not abstract, nor a hook of one of the contracts."""
        found = []
        for one in self._classes.values():
            for name in one.methods:
                if name.startswith("__") or self._is_error(one):
                    continue
                before = next((parent for parent in self._ancestors(one) if name in parent.methods), None)
                if before is None or before.methods[name]:
                    continue
                hook = before.name in CONTRACTS and not name.startswith("_")
                if not hook and f"{before.name}.{name}" not in HOOKS:
                    found.append(f"{one.name}.{name}")
        return sorted(found)

    def _parents(self, one: Class) -> Iterator[Class]:
        module = one.name.rsplit(".", 1)[0]
        for base in one.node.bases:
            written = ast.unparse(base.value if isinstance(base, ast.Subscript) else base)
            name = self._resolved(module, written)
            if name in self._classes:
                yield self._classes[name]

    def _ancestors(self, one: Class) -> Iterator[Class]:
        for parent in self._parents(one):
            yield parent
            yield from self._ancestors(parent)

    def _resolved(self, module: str, name: str) -> str:
        """The full name of what ``name`` is in ``module``, through packages that pass it on."""
        full = self._names[module].get(name, f"{module}.{name}")
        home, _, last = full.rpartition(".")
        if full in self._classes or home not in self._names or last not in self._names[home]:
            return full
        return self._resolved(home, last)

    def _is_abstract(self, one: Class) -> bool:
        if any(ast.unparse(base).split("[")[0] in {"ABC", "Protocol"} for base in one.node.bases):
            return True
        if not one.methods and {target.id for target in _attributes(one.node)} <= {"model_config"}:
            return True  # settings of a library, shared by models
        left: dict[str, bool] = {}
        for each in [one, *self._ancestors(one)]:
            for name, abstract in each.methods.items():
                left.setdefault(name, abstract)
        attributes = {target.id for target in _attributes(one.node)}
        return any(abstract for name, abstract in left.items() if name not in attributes)

    def _is_error(self, one: Class) -> bool:
        outside = {ast.unparse(base) for each in [one, *self._ancestors(one)] for base in each.node.bases}
        return any(name.endswith(("Error", "Exception", "Warning", "Exit")) for name in outside)


def _names(module: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name, alias.name) for alias in node.names)


def _methods(node: ast.ClassDef) -> dict[str, bool]:
    functions = [part for part in node.body if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return {
        function.name: any("abstract" in ast.unparse(decorator) for decorator in function.decorator_list)
        for function in functions
    }


def _attributes(node: ast.ClassDef) -> Iterator[ast.Name]:
    for part in node.body:
        targets = (
            part.targets if isinstance(part, ast.Assign) else [part.target] if isinstance(part, ast.AnnAssign) else []
        )
        yield from (target for target in targets if isinstance(target, ast.Name))
