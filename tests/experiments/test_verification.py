"""`oco check` passes an honest sweep and names what was tampered with."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from regret_experiments.cli import oco
from regret_experiments.store import Store, StoredRun
from regret_experiments.verification import verify

CONFIG = """
name: small
orders: 1
checkpoints: 5
environments:
  - kind: spectrum_linear
    dimension: 6
    horizon: 60
learners:
  - kind: adagrad_norm
    learning_rate: [theorem]
  - kind: fd_adagrad
    rank: [2]
    learning_rate: [theorem]
"""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    config = tmp_path / "small.yaml"
    config.write_text(CONFIG)
    path = tmp_path / "results"
    outcome = CliRunner().invoke(
        oco, ["sweep", str(config), "--results", str(path), "--jobs", "1", "--backend", "threads", "--no-figures"]
    )
    assert outcome.exit_code == 0, outcome.output
    return path


def tamper(path: Path, kind: str, change: Callable[[StoredRun], None]) -> None:
    store = Store(path)
    names = [file.stem for file in (path / kind).glob("??/*.json")]
    stored = store.read(kind, names[0])
    assert stored is not None
    stored.arrays = {name: array.copy() for name, array in stored.arrays.items()}
    change(stored)
    with store.opened():
        store.write(kind, stored.metadata, stored.arrays)


def test_an_honest_sweep_passes(results: Path) -> None:
    found = verify(results)
    assert found.faults == []
    assert found.counts == {"below their bound": 2}
    assert found.certificates == 1


def raise_lower_bound(stored: StoredRun) -> None:
    stored.arrays["lower"] += 1.0 + abs(stored.arrays["lower"])


def lower_upper_end(stored: StoredRun) -> None:
    stored.arrays["upper"] -= 1.0 + abs(stored.arrays["upper"])


def shrink_bound(stored: StoredRun) -> None:
    stored.arrays["bound"] *= 1e-3


def shrink_regret(stored: StoredRun) -> None:
    stored.arrays["regret_upper"] *= 0.5


def understate_memory(stored: StoredRun) -> None:
    stored.metadata["scalars"]["state_floats"] -= 1


@pytest.mark.parametrize(
    ("kind", "change", "sentence"),
    [
        ("games", raise_lower_bound, "the lower bound .* exceeds the .* of a point"),
        ("games", lower_upper_end, "the point's loss .* is below the certified"),
        ("runs", shrink_bound, "the regret is at least .* above the bound"),
        ("runs", shrink_regret, "regret_upper is not the cumulative loss less"),
        ("runs", understate_memory, "the memory formula .* the state held"),
    ],
)
def test_what_was_tampered_with_is_named(
    results: Path, kind: str, change: Callable[[StoredRun], None], sentence: str
) -> None:
    tamper(results, kind, change)
    outcome = CliRunner().invoke(oco, ["check", str(results)])
    assert outcome.exit_code == 1
    assert re.search(sentence, outcome.output), outcome.output


def test_missing_results_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="there are no results at"):
        verify(tmp_path / "nowhere")


def test_a_learner_is_checked_from_the_shell() -> None:
    outcome = CliRunner().invoke(oco, ["check-learner", "oco.learners:AdaGradNorm"])
    assert outcome.exit_code == 0, outcome.output
    assert outcome.output.count("passed") > 10
