"""The public names of the two packages: which they are, where each is documented, and which lack a docstring."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

MODULES = {
    "oco": "the game, and everything below by its short name",
    "oco.learners": "what plays",
    "oco.environments": "what is played against",
    "oco.losses": "what is paid",
    "oco.domains": "where decisions lie, and projections",
    "oco.metrics": "the norms that learners project in",
    "oco.comparators": "the best fixed point in hindsight, with a certificate",
    "oco.regret": "intervals, bounds, the spectrum of the gradient covariance",
    "oco.sketching": "Frequent Directions",
    "oco.datasets": "data by name and of one's own",
    "oco.attacks": "search for the stream on which a learner does worst",
    "oco.estimators": "learners as estimators of scikit-learn",
    "oco.estimators.river": "learners as models of river (the extra ``river``)",
    "oco.checks": "conformance checks for anyone's parts",
    "oco.plugins": "parts from other packages",
    "oco.spec": "parts as plain values, and back",
    "oco.errors": "what is raised",
    "oco.torch": "S-Shampoo for PyTorch (the extra ``torch``)",
    "regret_experiments": "sweeps from Python: configs, plans, results",
    "regret_experiments.tables": "tables of results, for a terminal or a paper",
    "regret_experiments.comparison": "learners compared over the games that they share",
    "regret_experiments.statistics": "the tests behind that, on plain arrays",
    "regret_experiments.figures": "figures of results",
    "regret_experiments.lessons.drawing": "figures of lessons in a few lines",
}
"""Public modules with a line about each, in the order of the reference."""


class PublicModule:
    """One public module and the names that are documented as its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.module: ModuleType = importlib.import_module(name)

    @cached_property
    def names(self) -> list[str]:
        """Public names: ``__all__`` where there is one, else the classes and functions that the module defines."""
        listed = getattr(self.module, "__all__", None)
        if listed is not None:
            return [name for name in listed if not name.startswith("__")]
        defined = vars(self.module).items()
        return [name for name, value in defined if getattr(value, "__module__", "") == self.name and name[0] != "_"]

    def members(self) -> Iterator[tuple[str, Any]]:
        """Names with what they stand for, modules left out."""
        for name in self.names:
            value = getattr(self.module, name)
            if not isinstance(value, ModuleType):
                yield name, value


def public_modules() -> list[PublicModule]:
    """Every public module."""
    return [PublicModule(name) for name in MODULES]


def homes() -> dict[int, str]:
    """Where each public object is documented, by its identity: a name of a subpackage comes before one of `oco`."""
    found: dict[int, str] = {}
    for public in [*public_modules()[1:], public_modules()[0]]:
        for name, value in public.members():
            found.setdefault(id(value), f"{public.name}.{name}")
    return found


def undocumented() -> list[str]:
    """Public names, and public members of public classes, that have no docstring."""
    missing = []
    for public in public_modules():
        if not inspect.getdoc(public.module):
            missing.append(public.name)
        for name, value in public.members():
            where = f"{public.name}.{name}"
            if inspect.isclass(value) or inspect.isroutine(value):
                missing += [] if value.__doc__ else [where]
            elif not _documented_constant(public, name):
                missing.append(where)
            if inspect.isclass(value):
                missing += [f"{where}.{member}" for member in _bare_members(value)]
    return missing


def _bare_members(kind: type) -> Iterator[str]:
    for name, value in vars(kind).items():
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        ours = getattr(function, "__module__", "").split(".")[0] in ("oco", "regret_experiments")
        if (
            not name.startswith("_")
            and inspect.isroutine(function)
            and ours
            and not inspect.getdoc(getattr(kind, name))
        ):
            yield name


def _documented_constant(public: PublicModule, name: str) -> bool:
    """Whether a constant is followed by a string in one of the package's files that assign it."""
    root = Path(public.module.__file__ or "").parent
    for path in root.glob("*.py"):
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if line.startswith((f"{name} ", f"{name}:")):
                after = [later for later in lines[number + 1 :] if not later.startswith((" ", ")", "}", "]"))]
                if after and after[0].startswith('"""'):
                    return True
    return False


def write_reference(directory: Path) -> None:
    """Write the reference's pages: one for each public module, with a table of its names."""
    directory.mkdir(parents=True, exist_ok=True)
    documented = homes()
    lines = ["API reference", "=============", ""]
    lines += ["Every public name. What is not here is internal and may change without notice.", ""]
    lines += [".. toctree::", "   :hidden:", "", *(f"   {name}" for name in MODULES), ""]
    lines += [".. list-table::", "   :widths: 35 65", ""]
    for name, about in MODULES.items():
        lines += [f"   * - :doc:`{name} <{name}>`", f"     - {about}"]
    _write(directory / "index.rst", lines)
    for public in public_modules():
        own = [name for name, value in public.members() if documented[id(value)] == f"{public.name}.{name}"]
        elsewhere = [(name, documented[id(value)]) for name, value in public.members() if name not in own]
        lines = [public.name, "=" * len(public.name), "", f".. automodule:: {public.name}", "   :no-members:", ""]
        lines += [f".. currentmodule:: {public.name}", ""]
        lines += [".. autosummary::", "   :toctree: names", "   :nosignatures:", "", *(f"   {n}" for n in own), ""]
        if elsewhere:
            short = ", ".join(f":py:obj:`{name} <{target}>`" for name, target in sorted(elsewhere))
            lines += ["Documented with their own part: " + short + ".", ""]
        _write(directory / f"{public.name}.rst", lines)


def _write(path: Path, lines: list[str]) -> None:
    text = "\n".join(lines)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
