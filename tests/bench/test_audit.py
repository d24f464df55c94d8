"""Planted cheats are caught, each by a message that names its kind; a learner that keeps the rules passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from regret_experiments.bench.apart import Limits
from regret_experiments.bench.audit import audit, processes_of
from regret_experiments.bench.contestant import contestant, library_entries
from regret_experiments.bench.suite import load_suite

HERE = Path(__file__).parent
SUITE = load_suite(HERE / "small_suite.yaml")

CHEATS = {
    "with_globals": ("module globals", "SQUARES"),
    "with_closure": ("closures", "variable total"),
    "with_files": ("files", "with_files.py, line"),
    "with_class_attribute": ("class attributes", "WithClassAttribute.squares"),
    "with_attribute": ("attributes outside state", "self.squares"),
    "with_frames": ("the environment", "the same process"),
    "with_collector": ("the environment", "gc.get_objects"),
    "with_seed": ("the environment", "imports regret_experiments"),
    "with_own_generator": ("own random generator", "self.generator"),
    "with_fresh_entropy": ("own random generator", "two equal games"),
    "with_threads": ("threads", "thread"),
    "with_hidden_memory": ("memory not counted", "in text"),
    "with_set": ("memory not counted", "a set"),
    "with_endless_loop": ("time limit", "no answer in 5 seconds"),
    "with_much_memory": ("memory limit", "MemoryError"),
}
"""The kind that the message names, and words of its reason, by file."""


@pytest.mark.slow
@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_is_caught_by_name(name: str) -> None:
    limits = Limits(seconds=5.0) if name == "with_endless_loop" else Limits()
    found, _ = audit(SUITE, contestant(str(HERE / "cheats" / f"{name}.py"), SUITE), limits)
    kind, reason = CHEATS[name]
    assert kind in found.faults, found.faults
    assert found.faults[kind].startswith(f"{kind}: ")
    assert reason in found.faults[kind]


def test_an_honest_learner_passes_and_its_state_is_counted() -> None:
    found, fit = audit(SUITE, contestant(str(HERE / "cheats" / "honest.py"), SUITE))
    assert found.faults == {}
    assert fit.gaps == {}
    assert set(fit.absent) == {"phishing"}
    # The point and the round: d + 1 numbers, for d = 13, 6, 4 and 3.
    assert found.words == {"wine": 14, "ill conditioned": 7, "experts": 5, "switches": 4}
    for first, second, last in found.rounds.values():
        assert 1 <= first < second < last


@pytest.mark.slow
def test_every_learner_of_the_library_goes_on_from_its_state_alone() -> None:
    """In processes of its own, stopped at hidden rounds, and beside the environment it plays the same points.

    The streams show gradients, whole losses, values, rows, hints and constraints, to vectors, matrices and on the
    simplex, so that every learner can play one at least.
    """
    suite = load_suite(HERE / "library_suite.yaml")
    with processes_of(contestant("ogd", suite), 4, Limits()) as running:
        for name in library_entries():
            found, fit = audit(suite, contestant(name, suite), running=running)
            assert found.faults == {}, name
            assert fit.names, name
            assert list(found.rounds) == list(found.words) == fit.names
