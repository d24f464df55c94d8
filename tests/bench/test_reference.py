"""The committed results of the library's learners: whole, of this suite, and equal to games that are played again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from regret_experiments.bench.collection import collect, reference_directory
from regret_experiments.bench.entry import read_entry
from regret_experiments.bench.suite import load_suite
from regret_experiments.bench.text import markdown, ranking
from regret_experiments.bench.verify import contestant_of, contradictions, replay

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results" / "reference" / "bench"
SUITE = load_suite()
ENTRIES = {path.stem: read_entry(path) for path in sorted(REFERENCE.glob("*.json"))}
MAIN = ("ogd", "adagrad_norm", "diagonal_adagrad", "fd_adagrad-k10", "full_matrix_adagrad", "ada_fd-k10", "hedge")
OFTEN = [("wine", 0), ("experts", 1), ("switches", 2)]


def test_they_are_entries_of_this_suite_and_small() -> None:
    assert reference_directory() == REFERENCE
    assert set(MAIN) <= set(ENTRIES)
    assert sum(path.stat().st_size for path in REFERENCE.iterdir()) < 3_000_000
    for name, entry in ENTRIES.items():
        assert entry["learner"]["name"] == name
        assert entry["suite"]["sha256"] == SUITE.sha256
        assert list(contradictions(entry, SUITE)) == []
        assert entry["provenance"]["machine"]["packages"]["numpy"]
        assert entry["provenance"]["git"]["commit"]


@pytest.mark.parametrize("name", ["ogd", "full_matrix_adagrad"])
def test_a_sample_is_the_same_when_it_is_played_again(name: str) -> None:
    entry = ENTRIES[name]
    found: dict[str, Any] = dict(replay(entry, SUITE, contestant_of(entry, SUITE, None), OFTEN))
    assert found == {f"{stream}, order {order}": [] for stream, order in OFTEN}


@pytest.mark.slow
@pytest.mark.parametrize("name", MAIN)
def test_another_sample_is_the_same_when_it_is_played_again(name: str) -> None:
    entry = ENTRIES[name]
    drawn = [
        (stream, 3)
        for stream in ("cancer", "images 7x7", "completion", "coins", "camera")
        if stream in entry["streams"]
    ]
    for game, differences in replay(entry, SUITE, contestant_of(entry, SUITE, None), drawn):
        assert differences == [], game


@pytest.fixture(scope="module")
def collected() -> Any:
    """The scores of the committed results, and what was left out of them."""
    return collect(SUITE, REFERENCE, reference=False)


def test_no_bound_is_broken(collected: Any) -> None:
    scores, left_out = collected
    assert left_out == []
    assert scores.learners["broken"].sum() == 0


def test_the_page_shows_the_table(collected: Any) -> None:
    scores, _ = collected
    page = (ROOT / "docs" / "bench.md").read_text()
    shown = re.search(r"(?s)<!-- table -->\n\n(.*?)\n\n", page)
    assert shown is not None
    assert shown[1] == markdown(ranking(scores))


def regret(learner: str, stream: str) -> float:
    """Mean over the orders of the certified upper end."""
    entry = ENTRIES[learner]
    rows = entry["streams"][stream]["rows"]
    return sum(row[entry["columns"].index("regret_upper")] for row in rows) / len(rows)


def test_what_the_page_teaches_is_what_the_entries_say() -> None:
    # Rare coordinates, as given and rotated: the diagonal is enough for the first only.
    assert regret("diagonal_adagrad", "coordinates") == pytest.approx(regret("full_matrix_adagrad", "coordinates"))
    assert regret("diagonal_adagrad", "coordinates") < 0.65 * regret("ogd", "coordinates")
    assert regret("full_matrix_adagrad", "rotated coordinates") < 0.8 * regret(
        "diagonal_adagrad", "rotated coordinates"
    )
    # Ten directions are not enough where all 64 matter.
    assert regret("full_matrix_adagrad", "ill conditioned 64") < 0.6 * regret("fd_adagrad-k10", "ill conditioned 64")
    # They are on real rows.
    for stream in ("cancer", "digit 3", "wine", "a9a", "mushrooms"):
        assert regret("fd_adagrad-k10", stream) < 1.05 * regret("full_matrix_adagrad", stream)
    # Strongly convex losses reward a plain rate.
    for stream in ("quadratic power 1", "quadratic flat"):
        assert regret("full_matrix_adagrad", stream) > 1.3 * regret("ogd", stream)
    # On the simplex the geometry decides.
    others = [regret(name, "experts") for name in MAIN if name != "hedge"]
    assert min(others) > 4.0 * regret("hedge", "experts")
    # An adaptive adversary forces R sqrt(T) on every learner: 1,000 rounds on the unit ball.
    for name in MAIN:
        if name != "hedge":
            assert regret(name, "adaptive") == pytest.approx(1000**0.5, rel=1e-6)
