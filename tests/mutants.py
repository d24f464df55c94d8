"""Mutation check: break one operator or constant at a time and see whether the tests notice.

    python -m tests.mutants --count 48 --seed 0

draws places in the code that carries the promises (bounds, certificates, projections, the store), makes each change in
a copy of the repository, and runs the tests of that code until one fails. It prints every mutant with its fate, and the
share that was killed; the exit code is 1 where one lived. A mutant that runs longer than ``--seconds`` counts as
killed.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

BOUND_TESTS = (
    "tests/learners/test_bounds.py",
    "tests/learners/test_bound_formulas.py",
    "tests/learners/test_every_bound.py",
    "tests/learners/test_closed_forms.py",
    "tests/learners/test_matrix_learners.py",
)
STORE_TESTS = (
    "tests/experiments/test_sweep_store.py",
    "tests/experiments/test_store_damage.py",
    "tests/experiments/test_older_results.py",
    "tests/experiments/test_sweep_engine.py",
    "tests/experiments/test_sweep_snapshots.py",
    "tests/experiments/test_hyperparameter_columns.py",
)
TARGETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "oco/learners/*.py": ("bound", BOUND_TESTS),
    "oco/comparators/certificate.py": ("", ("tests/comparators",)),
    "oco/domains/certificate.py": ("", ("tests/domains",)),
    "oco/domains/ball.py": ("", ("tests/domains",)),
    "oco/domains/box.py": ("", ("tests/domains",)),
    "oco/domains/simplex.py": ("", ("tests/domains",)),
    "oco/domains/l1_ball.py": ("", ("tests/domains",)),
    "oco/domains/half_space.py": ("", ("tests/domains",)),
    "oco/domains/ball_box.py": ("", ("tests/domains",)),
    "regret_experiments/store/*.py": ("", STORE_TESTS),
}
"""Files, the part of a function's name that selects what is mutated in them, and the tests that should notice."""

TURNS = (4, 2, 1, 1, 1, 1, 1, 1, 1, 2)
"""How many mutants are drawn from each target in turn."""

SWAPS = {
    ast.Lt: ("<", ">="),
    ast.LtE: ("<=", ">"),
    ast.Gt: (">", "<="),
    ast.GtE: (">=", "<"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
}


@dataclass(frozen=True)
class Mutant:
    """One change of one file: ``before`` at ``start`` becomes ``after``."""

    path: Path
    line: int
    start: int
    before: str
    after: str
    tests: tuple[str, ...]

    def applied(self, text: str) -> str:
        """The file with the change."""
        assert text[self.start : self.start + len(self.before)] == self.before
        return text[: self.start] + self.after + text[self.start + len(self.before) :]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}  {self.before} -> {self.after}"


def mutants_of(path: Path, selects: str, tests: tuple[str, ...]) -> Iterator[Mutant]:
    """Every change that can be made in the functions of a file whose name contains ``selects``."""
    text = path.read_text()
    starts = [0]
    for row in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(row.encode()))
    if not text.isascii():  # positions of the syntax tree count bytes
        return

    def place(line: int, column: int) -> int:
        return starts[line - 1] + column

    def change(node: ast.expr, start: int, before: str, after: str) -> Mutant:
        return Mutant(path.relative_to(ROOT), node.lineno, start, before, after, tests)

    def between(left: ast.expr, right: ast.expr, operator: ast.AST, node: ast.expr) -> Iterator[Mutant]:
        if type(operator) not in SWAPS:
            return
        before, after = SWAPS[type(operator)]
        low = place(left.end_lineno or 0, left.end_col_offset or 0)
        at = text.find(before, low, place(right.lineno, right.col_offset))
        if at >= 0:
            yield change(node, at, before, after)

    def walk(node: ast.AST) -> Iterator[ast.AST]:
        skipped = (ast.Raise, ast.Assert, ast.JoinedStr, ast.AnnAssign, ast.arguments, ast.Slice, ast.Subscript)
        yield node
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, skipped):
                yield from walk(child)

    for function in ast.walk(ast.parse(text)):
        if not isinstance(function, ast.FunctionDef) or selects not in function.name:
            continue
        for statement in function.body:
            for node in walk(statement):
                if isinstance(node, ast.BinOp):
                    yield from between(node.left, node.right, node.op, node)
                elif isinstance(node, ast.Compare) and len(node.ops) == 1:
                    yield from between(node.left, node.comparators[0], node.ops[0], node)
                elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
                    yield change(node, place(node.lineno, node.col_offset), "-", "+")
                elif isinstance(node, ast.Constant) and type(node.value) is float and node.value not in (0.0,):
                    start = place(node.lineno, node.col_offset)
                    before = text[start : place(node.end_lineno or 0, node.end_col_offset or 0)]
                    yield change(node, start, before, f"({before} * 2.0)")


def draw(count: int, seed: int) -> list[Mutant]:
    """``count`` mutants, spread evenly over the files."""
    pools = []
    for pattern, (selects, tests) in TARGETS.items():
        found = [mutant for path in sorted(ROOT.glob(pattern)) for mutant in mutants_of(path, selects, tests)]
        pools.append(sorted(set(found), key=lambda mutant: (str(mutant.path), mutant.start)))
    generator = random.Random(seed)
    for pool in pools:
        generator.shuffle(pool)
    drawn: list[Mutant] = []
    while len(drawn) < count and any(pools):
        for pool, turns in zip(pools, TURNS, strict=True):
            for _ in range(min(turns, len(pool), count - len(drawn))):
                drawn.append(pool.pop())
    return drawn


def fate(mutant: Mutant, seconds: float) -> str:
    """``"killed"``, ``"killed by time"`` or ``"LIVED"``."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as directory:
        copy = Path(directory) / "checkout"
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in listed.splitlines():
            if name.startswith(("results/", "docs/", "paper_figures/")):
                continue
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
        changed = copy / mutant.path
        changed.write_text(mutant.applied(changed.read_text()))
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            "-m",
            "not slow",
            *mutant.tests,
        ]
        environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                command,
                cwd=copy,
                env=environment,
                timeout=seconds,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            return "killed by time"
        return "LIVED" if done.returncode == 0 else "killed"


def main() -> int:
    """Draw, try and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=400.0)
    options = parser.parse_args()
    lived = 0
    drawn = draw(options.count, options.seed)
    for mutant in drawn:
        began = time.monotonic()
        outcome = fate(mutant, options.seconds)
        lived += outcome == "LIVED"
        print(f"{outcome:15s} {time.monotonic() - began:5.0f} s  {mutant}", flush=True)
    print(f"{len(drawn) - lived} of {len(drawn)} killed, {100.0 * (1.0 - lived / len(drawn)):.0f} %")
    return int(lived > 0)


if __name__ == "__main__":
    sys.exit(main())
