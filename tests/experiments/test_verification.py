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
    found = [store.read(kind, file.stem) for file in sorted((path / kind).glob("??/*.json"))]
    ranked = [one for one in found if one is not None and (kind == "games" or one.metadata["scalars"]["rank"])]
    stored = ranked[0]
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


def raise_regret(stored: StoredRun) -> None:
    stored.arrays["regret_lower"] += 1.0


def claim_less_loss(stored: StoredRun) -> None:
    stored.arrays["cumulative_loss"] -= 5.0


def shrink_a_variant(stored: StoredRun) -> None:
    for name in stored.arrays:
        if name.startswith("bound: "):
            stored.arrays[name] *= 1e-3


def invent_a_violation(stored: StoredRun) -> None:
    stored.metadata["violations"] = ["the domain is bounded (first seen at round 1)"]


def hide_a_violation(stored: StoredRun) -> None:
    stored.arrays["bound_holds"][-1] = 0.0


def move_a_point_out(stored: StoredRun) -> None:
    stored.arrays["points"][-1] *= 1.1


def move_a_point_in(stored: StoredRun) -> None:
    stored.arrays["points"][-1] *= 0.5


def overstate_the_last_point(stored: StoredRun) -> None:
    stored.arrays["final"] += 1.0


def understate_memory(stored: StoredRun) -> None:
    stored.metadata["scalars"]["state_floats"] -= 1


@pytest.mark.parametrize(
    ("kind", "change", "sentence"),
    [
        ("games", raise_lower_bound, "the lower bound .* exceeds the .* of a point"),
        ("games", lower_upper_end, "the point's loss .* is below the certified"),
        ("runs", shrink_bound, "the regret is at least .* above the bound"),
        ("runs", shrink_regret, "regret_upper is not the cumulative loss less"),
        ("runs", raise_regret, "regret_lower is not the cumulative loss less"),
        ("runs", claim_less_loss, "regret_lower is not the cumulative loss less"),
        ("runs", shrink_a_variant, "above the bound .*, Corollary 4"),
        ("runs", invent_a_violation, "the violated assumptions that are listed are not those"),
        ("runs", hide_a_violation, "the violated assumptions that are listed are not those"),
        ("runs", understate_memory, "the memory formula .* the state held"),
        ("games", move_a_point_out, "the point lies outside the domain"),
        ("games", move_a_point_in, "the point loses .*, more than the .* that is stored"),
        ("games", overstate_the_last_point, "the losses of the best point for the whole game do not add up"),
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
