"""Each change that a stranger makes, on a copy of the packages: how many files it touches, and that it works.

`changes.py` has what the stranger writes. Tests, and files that a command writes (the schema of configs, the ledger of
learners), are not counted.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import changes
import pytest
from changed_copy import ROOT, ChangedCopy
from small_sweeps import play

TINY = """
name: tiny
checkpoints: 3
environments: [{kind: spectrum_linear, dimension: 4, horizon: 20}]
learners: [{kind: ogd}, {kind: fd_adagrad, rank: 2}]
"""
TRAINING = """
task: mlp
steps: 2
evaluations: 1
learning_rates: [0.01]
seeds: [1]
optimizers: [{name: Signed, kind: signed}]
"""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a tiny sweep that the packages played as they are."""
    return play(TINY, tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def results(played: Path, tmp_path: Path) -> Path:
    """A copy of them, in the directory of the changed copy."""
    return Path(shutil.copytree(played, tmp_path / "results"))


@pytest.fixture
def copy(tmp_path: Path) -> ChangedCopy:
    """A copy of the packages."""
    return ChangedCopy(tmp_path)


def test_a_learner(copy: ChangedCopy) -> None:
    copy.write("oco/learners/timid.py", changes.LEARNER)
    line = "from oco.plugins import Registry\n"
    copy.replace("oco/learners/__init__.py", line, "from oco.learners.timid import Timid as Timid\n" + line)
    assert copy.say(changes.USE_LEARNER) == "[-0.2, 1.0]"
    assert copy.changed == {"oco/learners/__init__.py", "oco/learners/timid.py"}


def test_a_domain(copy: ChangedCopy) -> None:
    copy.write("oco/domains/cube.py", changes.DOMAIN)
    line = "from oco.domains.half_space import HalfSpace as HalfSpace\n"
    copy.replace("oco/domains/__init__.py", line, "from oco.domains.cube import Cube as Cube\n" + line)
    assert copy.say(changes.USE_DOMAIN) == "[0.5, 0.3] [-1.5]"
    assert copy.changed == {"oco/domains/__init__.py", "oco/domains/cube.py"}


def test_a_loss(copy: ChangedCopy) -> None:
    path = "oco/losses/regression.py"
    copy.replace(path, "HUBER, LOGARITHMIC = range(6)", "HUBER, LOGARITHMIC, LOG_COSH = range(7)")
    copy.replace(path, "    if code == SQUARED:\n", changes.LOSS_BRANCH + "    if code == SQUARED:\n")
    copy.replace(path, '"Linear", "Logarithmic",', '"Linear", "LogCosh", "Logarithmic",')
    (copy.root / path).write_text((copy.root / path).read_text() + changes.LOSS_CLASS)
    assert copy.say(changes.USE_LOSS) == "fused loop"
    assert copy.changed == {path}


def test_a_column_of_the_table(copy: ChangedCopy, results: Path) -> None:
    """Text, CSV, Markdown and the ranking figure have it."""
    path, before = "regret_experiments/tables/columns.py", '    Column(\n        "bound", "bound"'
    copy.replace(path, before, changes.COLUMN + before)
    assert copy.say(changes.USE_COLUMN) == "[(True, True), (True, True), (True, True)] True 2"
    assert copy.changed == {path}


def test_a_kind_of_figure(copy: ChangedCopy, results: Path) -> None:
    copy.write("regret_experiments/figures/losses.py", changes.FIGURE)
    assert copy.say(changes.USE_FIGURE) == "drew losses.svg"
    assert ">cumulative loss of 2 runs<" in (copy.root / "losses.svg").read_text()
    assert copy.changed == {"regret_experiments/figures/losses.py"}


def test_an_optimizer_of_networks(copy: ChangedCopy) -> None:
    pytest.importorskip("torch")
    copy.write("oco/torch/signed.py", changes.OPTIMIZER)
    path = "oco/torch/__init__.py"
    line = "from oco.torch.sketchy import SketchyShampoo\n"
    copy.replace(path, line, "from oco.torch.signed import Signed\n" + line)
    copy.replace(path, '    "shampoo": Shampoo,\n', '    "shampoo": Shampoo,\n    "signed": Signed,\n')
    (copy.root / "training.yaml").write_text(TRAINING)
    assert copy.say(changes.USE_OPTIMIZER) == "2 Signed"
    assert copy.changed == {"oco/torch/signed.py", path}


def test_a_solver_of_best_fixed_points(copy: ChangedCopy) -> None:
    copy.write("oco/comparators/solvers/heights.py", changes.SOLVER)
    assert copy.say(changes.USE_SOLVER) == "[1.0, 3.5] support function"
    assert copy.changed == {"oco/comparators/solvers/heights.py"}


def test_the_format_of_stored_files(copy: ChangedCopy, results: Path) -> None:
    """Results of both older schemas open, a sweep goes on with them in the new one, and damage to old ones is seen."""
    path = "regret_experiments/store/sealed.py"
    copy.replace(path, "SCHEMA = 2\n", "SCHEMA = 3\n")
    copy.replace(path, '{"schema": SCHEMA}', '{"schema": SCHEMA, "program": "oco"}')
    copy.replace(path, "{1: _without_seal}", '{1: _without_seal, 2: lambda old: {"program": "unknown"} | old}')
    shutil.copytree(ROOT / "tests/experiments/older_results/schema_1", copy.root / "oldest")
    (copy.root / "tiny.yaml").write_text(TINY)
    damaged, lost = sorted((results / "runs").glob("??/*.json"))
    kept = damaged.read_bytes()
    lost.unlink()
    assert copy.say(changes.USE_FORMAT) == "oldest unknown 6 0, results oco unknown 2 0"
    assert json.loads(lost.read_bytes())["schema"] == 3
    assert damaged.read_bytes() == kept
    damaged.write_bytes(kept.replace(b'"horizon": 20', b'"horizon": 21', 1))
    assert "do not have the checksum" in copy.say("import regret_experiments as r; print(r.load('results').faults)")
    assert copy.changed == {path}


def test_a_thing_that_oco_check_verifies(copy: ChangedCopy, results: Path) -> None:
    path, before = "regret_experiments/verification.py", '    lower, upper = stored.arrays["regret_lower"], stored.'
    copy.replace(path, before, changes.CHECK + before)
    assert copy.say(changes.USE_CHECK) == "0 1 True"
    assert copy.changed == {path}


TOUCHED = {
    "a learner": 2, "a domain": 2, "a loss": 1, "a column of the table": 1, "a kind of figure": 1,
    "an optimizer of networks": 2, "a solver of best fixed points": 1, "the format of stored files": 1,
    "a thing that oco check verifies": 1,
}  # fmt: skip


def test_the_page_states_what_the_tests_count() -> None:
    """Every row of the page's table has a test here, of as many files as the row says."""
    text = (ROOT / "docs/architecture.md").read_text()
    rows = re.findall(r"^\| (an? [\w ]+|the format of stored files) \| [\d to]+ \| (\d+) \|$", text, flags=re.MULTILINE)
    assert {name: int(count) for name, count in rows} == TOUCHED
    source = Path(__file__).read_text()
    assert all(f"def test_{name.replace(' ', '_')}(" in source for name in TOUCHED)
