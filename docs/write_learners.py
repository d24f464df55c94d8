"""Write docs/learners.md, the ledger of learners, from the registry: ``python docs/write_learners.py``."""

from __future__ import annotations

import inspect
import itertools
import re
from pathlib import Path

import numpy as np

from oco.domains import Ball, FrobeniusBall, Simplex, Unbounded
from oco.domains.base import Domain
from oco.learners import LEARNERS, Learner, Problem

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).with_name("learners.md")
KINDS = {
    "any": "vectors, or matrices row by row",
    "vector": "vectors",
    "unbounded": "vectors of the whole space",
    "matrix": "matrices",
    "simplex": "points of the simplex",
}
DOMAINS: dict[str, Domain] = {
    "any": Ball(dimension=64),
    "vector": Ball(dimension=64),
    "unbounded": Unbounded(64),
    "matrix": FrobeniusBall(shape=(32, 16)),
    "simplex": Simplex(dimension=64),
}
PREFACE = """# Learners

Every learner of `oco.learners.LEARNERS`, by its name in configs. This page is written by `docs/write_learners.py` from
the registry and the docstrings, and a test keeps it up to date; costs and assumptions in full are in the docstrings
(`help(oco.learners.FTSL)`). `oco.learners.plain` has the sketched learners as their papers print them, in NumPy, with a
decomposition every round: read those first. The compiled ones are tested against them (`tests/learners/test_plain.py`).

Each formula says how well it is sourced: it was read in the paper unless it is marked *cited from memory* (the
inequality is tested, the printed constant was not checked), *derived here* (ours, and tested) or *none known*.

Every learner goes through the same conformance tests (`tests/learners/test_every_learner.py`: determinism, feasibility,
no look-ahead, inputs left alone, checkpoints, pickling, float64, zero, repeated, tiny and huge gradients, memory
formula, an error for a need that the problem does not meet) and, where it states a bound, through
`tests/learners/test_every_bound.py`; the files listed with it hold its own oracles.
"""


def section(name: str, learner: type[Learner]) -> str:
    """One learner's paragraph."""
    text = inspect.getdoc(learner) or ""
    domain = DOMAINS[learner.decision]
    problem = Problem(domain, horizon=1000, gradient_bound=1.0, exp_concavity=0.25)
    player = learner(**learner.examples[0])
    player.start(problem)
    memory = player.memory(problem)
    assert memory is not None
    example = ", ".join(f"{key}={value!r}" for key, value in learner.examples[0].items())
    size = " x ".join(map(str, np.atleast_1d(domain.shape)))
    lines = [
        f"## {name}",
        "",
        f"`{learner.__name__}`. {' '.join(text.partition(chr(10) * 2)[0].split())}",
        "",
        *update_rule(text),
        f"- paper: {learner.source}",
        f"- plays {KINDS[learner.decision]}; needs {', '.join(learner.needs) or 'nothing of the problem'}",
        f"- state: {memory.formula} ({memory.floats:,} floats at {size}{', ' + example if example else ''})",
        f"- bound: {markdown(learner.guarantee)}",
        f"- departures: {departures(text)}",
        f"- tests: {', '.join(test_files(learner.__name__))}",
    ]
    return "\n".join(lines)


def markdown(text: str) -> str:
    """``text`` with the characters that Markdown reads as emphasis escaped."""
    return re.sub(r"([_*])", r"\\\1", text)


def update_rule(text: str) -> list[str]:
    """The first formula of a docstring, as a block of its own; nothing where the first line is the formula."""
    _, marked, after = text.partition(".. math::")
    if not marked:
        return []
    body = itertools.takewhile(lambda line: not line or line.startswith(" "), after.splitlines())
    return ["$$", *(line.strip() for line in body if line.strip()), "$$", ""]


def departures(text: str) -> str:
    """What a docstring says after ``Departures:``, which every learner's must have."""
    (found,) = re.findall(r"^Departures: (.*?)(?=\n\n|\Z)", text, re.DOTALL | re.MULTILINE)
    return " ".join(found.split())


def test_files(class_name: str) -> list[str]:
    """The test files that name a class."""
    files = sorted(file for part in ("feedback", "learners") for file in (ROOT / "tests" / part).glob("test_*.py"))
    return [f"`{file.name}`" for file in files if re.search(rf"\b{class_name}\b", file.read_text())]


def page() -> str:
    """The whole page."""
    return "\n".join([PREFACE, *(section(name, learner) + "\n" for name, learner in sorted(LEARNERS.built_in.items()))])


if __name__ == "__main__":
    PAGE.write_text(page())
