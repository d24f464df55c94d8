"""A suite is played, entered, compared and verified; the numbers do not depend on the number of workers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from oco.errors import ConfigError, StoreError
from regret_experiments.bench.collection import collect
from regret_experiments.bench.contestant import contestant, files_of, library_entries
from regret_experiments.bench.entering import PAGE, SHEET, enter
from regret_experiments.bench.entry import FILE, make_entry, read_entry, write_entry
from regret_experiments.bench.playing import fit_of, play_suite, start_here
from regret_experiments.bench.suite import load_suite
from regret_experiments.bench.text import by_stream, notes, ranking, sheet
from regret_experiments.bench.verify import contestant_of, contradictions, draw, replay
from regret_experiments.execution import Backend
from regret_experiments.execution.progress import JsonLines
from regret_experiments.store.sealed import seal

HERE = Path(__file__).parent
SUITE = load_suite(HERE / "small_suite.yaml")
HONEST = HERE / "cheats" / "honest.py"
LEARNERS = ("ogd", "adagrad_norm", "hedge", "two_point_bandit")


def entered(name: str, results: Path, jobs: int = 1) -> dict[str, Any]:
    player = contestant(name, SUITE)
    backend = Backend("processes", jobs)
    played = play_suite(SUITE, player, fit_of(SUITE, player, start_here(player)), results, backend=backend)
    entry = make_entry(SUITE, player, played, None)
    write_entry(results / player.label / FILE, entry)
    return entry


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four learners of the library, and one of a file."""
    directory = tmp_path_factory.mktemp("bench")
    for name in LEARNERS:
        entered(name, directory)
    said: list[str] = []
    quiet = JsonLines()
    assert enter(SUITE, contestant(str(HONEST), SUITE), directory, backend=Backend(), progress=quiet, say=said.append)
    assert any("honest <" in line for line in said)
    return directory


def without_seconds(lines: list[list[str]]) -> list[list[str]]:
    assert lines[0][-1] == "seconds"
    return [line[:-1] for line in lines]


def test_the_table_is_the_same_with_two_workers(results: Path, tmp_path: Path) -> None:
    for name in LEARNERS:
        entered(name, tmp_path, jobs=2)
    shutil.copytree(results / "honest", tmp_path / "honest")
    one, two = (collect(SUITE, directory, reference=False)[0] for directory in (results, tmp_path))
    assert without_seconds(ranking(one)) == without_seconds(ranking(two))
    assert by_stream(one, LEARNERS) == by_stream(two, LEARNERS)


def test_gaps_share_the_last_places_and_absent_streams_are_not_ranked(results: Path) -> None:
    scores, left_out = collect(SUITE, results, reference=False)
    assert left_out == []
    assert scores.streams == ["wine", "ill conditioned", "experts", "switches"]
    hedge = scores.frame[scores.frame["learner"] == "hedge"].set_index("stream")
    assert "simplex" in hedge.loc["wine", "gap"]
    places = scores.frame.pivot(index="stream", columns="learner", values="place")
    # Of five learners hedge alone cannot play the rows, so it is the fifth there.
    assert places.loc["wine", "hedge"] == places.loc["ill conditioned", "hedge"] == 5.0
    assert (places.sum(axis=1) == 1 + 2 + 3 + 4 + 5).all()
    best = scores.frame.groupby("stream")["relative"].min()
    assert (best == 1.0).all()


def test_ranks_and_fronts_of_hand_made_entries() -> None:
    rows = {"a": 2.0, "b": 4.0, "c": 4.0}
    floats = {"a": 30, "b": 10, "c": 20}

    def entry(name: str) -> dict[str, Any]:
        def stream(scale: float) -> dict[str, Any]:
            numbers = [0, 5.0, rows[name] * scale, rows[name] * scale, None, 8.0 * scale, True, "holds", floats[name]]
            return {"point": "1", "tuning": [["1", 5.0]], "rows": [[*numbers, None, 0, 0.5]]}

        gaps = {"experts": "it is too large"} if name == "c" else {}
        played = {
            each: stream(1.0 + i) for i, each in enumerate(("wine", "ill conditioned", "experts")) if each not in gaps
        }
        facts = {"name": name, "kind": "ogd", "feedback": "gradients", "source": "", "guarantee": "none"}
        columns = (
            "order", "loss", "regret_lower", "regret_upper", "regret_dynamic", "bound", "bound_valid", "verdict",
            "peak_floats", "rank", "violations", "seconds",
        )  # fmt: skip
        absent = {"phishing": "not here", "switches": "not here"}
        return {"learner": facts, "columns": columns, "streams": played, "gaps": gaps, "absent": absent, "audit": None}

    from regret_experiments.bench.scores import Scores

    scores = Scores(SUITE, {name: entry(name) for name in rows})
    assert scores.streams == ["wine", "ill conditioned", "experts"]
    table = scores.learners.set_index("learner")
    # a is first everywhere; b and c share 2.5 twice, and b is second where c has a gap.
    assert table["mean_rank"].round(9).to_dict() == {"a": 1.0, "b": round(7 / 3, 9), "c": round(8 / 3, 9)}
    assert scores.ranks().found.ranks == pytest.approx((1.0, 7 / 3, 8 / 3))
    assert table.loc["a", "worth"] == 4.0
    assert table.loc["b", "rows"] == pytest.approx(2.0)
    plane = scores.plane("rows").set_index("learner")
    # c has b's regret with more memory.
    assert plane["front"].to_dict() == {"a": True, "b": True, "c": False}
    assert set(scores.plane("simplex")["learner"]) == {"a", "b"}
    text = sheet(scores, "c")
    assert "not played: experts: it is too large" in text
    assert "Place 3 of 3" in text


def test_a_learner_that_plays_nothing_stands_in_no_table_and_a_bound_without_its_assumptions_is_not_judged() -> None:
    from regret_experiments.bench.scores import Scores

    def entry(name: str, verdict: str) -> dict[str, Any]:
        numbers = [0, 5.0, 2.0, 2.0, None, 8.0, verdict == "holds", verdict, 3, None, 0, 0.5]
        played = {each: {"point": "1", "tuning": [["1", 5.0]], "rows": [numbers]} for each in ("wine", "experts")}
        gaps = {}
        if not verdict:
            played, gaps = (
                {},
                dict.fromkeys(("wine", "experts"), "it needs a hint, and the environment gives gradients"),
            )
        facts = {"name": name, "kind": "ogd", "feedback": "gradients", "source": "", "guarantee": "none"}
        columns = (
            "order", "loss", "regret_lower", "regret_upper", "regret_dynamic", "bound", "bound_valid", "verdict",
            "peak_floats", "rank", "violations", "seconds",
        )  # fmt: skip
        return {"learner": facts, "columns": columns, "streams": played, "gaps": gaps, "absent": {}, "audit": None}

    verdicts = {"a": "holds", "b": "assumption violated", "c": "holds", "idle": ""}
    scores = Scores(SUITE, {name: entry(name, verdict) for name, verdict in verdicts.items()})
    table = scores.learners.set_index("learner")
    assert sorted(table.index) == ["a", "b", "c"]
    assert table["mean_rank"].to_dict() == {"a": 2.0, "b": 2.0, "c": 2.0}  # equal regrets share the places 1 to 3
    assert scores.ranks().found.ranks == (2.0, 2.0, 2.0)
    assert table[["held", "bounds"]].to_numpy().tolist() == [[2, 2], [0, 0], [2, 2]]
    assert table["worth"].isna().to_dict() == {"a": False, "b": True, "c": False}
    assert "Not in the table: idle plays no stream (it needs a hint)." in notes(scores)
    assert sheet(scores, "idle").endswith("It plays no stream of the suite: it needs a hint, and the environment gives "
                                          "gradients.\n")  # fmt: skip


def test_an_entry_in_a_file_has_its_page_and_sheet_and_is_verified(results: Path) -> None:
    home = results / "honest"
    assert (home / PAGE).read_text().lstrip().lower().startswith("<!doctype html>")
    assert "## Where it wins" in (home / SHEET).read_text()
    entry = read_entry(home / FILE)
    assert list(contradictions(entry, SUITE)) == []
    player = contestant_of(entry, SUITE, HONEST)
    found = dict(replay(entry, SUITE, player, draw(entry, SUITE, 1)))
    assert list(found.values()) == [[]]
    with pytest.raises(ConfigError, match=r"give that file too"):
        contestant_of(entry, SUITE, None)


def test_altered_numbers_are_refused(results: Path, tmp_path: Path) -> None:
    path = results / "adagrad_norm" / FILE
    altered = tmp_path / FILE
    altered.write_bytes(path.read_bytes().replace(b'"orders"', b'"order"').replace(b"[0, ", b"[0,  ", 1))
    with pytest.raises(StoreError, match="checksum"):
        read_entry(altered)
    entry = read_entry(path)
    row = entry["streams"]["wine"]["rows"][0]
    row[entry["columns"].index("regret_upper")] *= 0.9
    # Who computes the checksum again is caught by playing again.
    altered.write_bytes(seal(entry))
    entry = read_entry(altered)
    assert list(contradictions(entry, SUITE)) == []
    player = contestant_of(entry, SUITE, None)
    found = {name: faults for name, faults in replay(entry, SUITE, player, draw(entry, SUITE, None)) if faults}
    assert list(found) == ["wine, order 0"]
    assert found["wine, order 0"][0].startswith("regret_upper is ")
    entry["streams"]["experts"]["point"] = next(
        point for point, _ in entry["streams"]["experts"]["tuning"] if point != entry["streams"]["experts"]["point"]
    )
    assert any("not the best" in sentence for sentence in contradictions(entry, SUITE))


def test_every_contestant_has_the_same_budget() -> None:
    with pytest.raises(ConfigError, match=r"tries 4 points, and the suite allows 3"):
        contestant("ogd", SUITE, {"learning_rate": [0.1, 0.2, 0.3, 0.4]})
    suite = load_suite()
    for name in library_entries():
        assert 1 <= len(contestant(name, suite).points(64)) <= suite.tuning


def test_the_suite_is_what_the_docs_say() -> None:
    suite = load_suite()
    assert len(suite.groups) == 6
    assert len(suite.streams) >= 24
    assert len(suite.orders) == 5
    assert suite.tuning_order not in suite.orders
    for group in suite.groups:
        assert any(stream.group == group for stream in suite.streams)
    for stream in suite.streams:
        if not stream.absent:
            assert 100 <= stream.built.horizon <= 2000
            assert stream.built.dimension <= 128


def test_a_folder_of_a_class_leaves_out_tests(tmp_path: Path) -> None:
    for name in ("alice.py", "bob.py", "test_bob.py", "_shared.py", "notes.txt"):
        (tmp_path / name).write_text("")
    assert [path.name for path in files_of(tmp_path)] == ["alice.py", "bob.py"]
    with pytest.raises(ConfigError, match="defines no learner"):
        contestant(str(tmp_path / "alice.py"), SUITE)


def test_an_entry_is_plain_text(results: Path) -> None:
    entry = json.loads((results / "ogd" / FILE).read_bytes())
    assert entry["learner"]["name"] == "ogd"
    assert str(results) not in json.dumps(entry["streams"])
