"""What the page is made of: the numbers of the store, little of them, and nothing that could become markup."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from small_sweeps import FAILURES, many

from regret_experiments.cli import oco
from regret_experiments.report.encoding import column, dumps, rounded, thinned
from regret_experiments.report.page import SCRIPTS, render, write_report
from regret_experiments.report.payload import build_payload, marker_path
from regret_experiments.store.results import Results, load
from regret_experiments.tables import rank_table


def decoded(column_: Any) -> list[Any]:
    return column_ if isinstance(column_, list) else [column_["values"][code] for code in column_["codes"]]


class Scripts(HTMLParser):
    """Texts of the script elements as a browser's parser finds them, and the other elements' names."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "script":
            self.scripts[-1] += data


def test_points_are_those_of_the_rank_table(results: Results) -> None:
    payload = build_payload(results)
    table = rank_table(results.runs)
    seen = 0
    for game in payload["games"]:
        rows = table[table["environment"] == game["environment"]]
        for group in game["groups"]:
            name = payload["learners"][group["learner"]]["name"]
            same_rank = rows["rank"].isna() if group["rank"] is None else rows["rank"] == group["rank"]
            row = rows[(rows["learner"] == name) & same_rank].iloc[0]
            for rate in ("best", "theorem"):
                expected = [row[f"regret_{rate}{end}"] for end in ("", "_low", "_high")]
                if pd.isna(expected[0]):
                    assert group[rate] is None
                    continue
                assert group[rate]["regret"] == pytest.approx(expected, rel=1e-4)
                seen += 1
            assert group["floats"] == row["state_floats"]
            assert group["theorem"]["bound"] == pytest.approx(row["bound"], rel=1e-4)
    assert seen == 2 * (8 + 7)


def test_every_run_is_there(results: Results) -> None:
    columns = build_payload(results)["runs"]
    runs = results.runs
    assert decoded(columns["id"]) == list(runs["id"])
    assert decoded(columns["status"]) == list(runs["status"])
    shown = pd.Series(decoded(columns["regret_upper"]), dtype=float)
    assert np.allclose(shown, runs["regret_upper"], rtol=1e-4, equal_nan=True)
    assert {len(decoded(values)) for values in columns.values()} == {len(runs)}
    failed = [message for message in decoded(columns["message"]) if message]
    assert failed == [FAILURES[1]] * 3


def test_curves_are_thinned_only_as_far_as_needed_and_say_so(results: Results) -> None:
    whole = build_payload(results)
    assert "with every stored round" in whole["thinning"]
    assert len(whole["games"][0]["rounds"]) == 12
    small = build_payload(results, limit=len(dumps(whole)) - 1000)
    assert len(dumps(small)) < len(dumps(whole))
    least = build_payload(results, limit=1)
    assert least["games"][0]["rounds"] == [1, 300]
    assert "thinned to 2 of 12 stored rounds, without spectra" in least["thinning"]
    assert decoded(least["runs"]["id"]) == decoded(whole["runs"]["id"])


def test_a_curve_is_the_mean_over_orders(results: Results) -> None:
    payload = build_payload(results)
    game = payload["games"][0]
    group = next(g for g in game["groups"] if g["rank"] == 4)
    ids = [decoded(payload["runs"]["id"])[i] for i in group["best"]["runs"]]
    assert len(ids) == 2
    arrays = [results.arrays(identifier) for identifier in ids]
    middle, low, high = group["best"]["curve"]["u_t"]
    assert middle == pytest.approx(np.mean([one["regret_upper"] for one in arrays], axis=0), rel=1e-3, abs=1e-6)
    assert low == pytest.approx(np.min([one["regret_lower"] for one in arrays], axis=0), rel=1e-3, abs=1e-6)
    assert high == pytest.approx(np.max([one["regret_upper"] for one in arrays], axis=0), rel=1e-3, abs=1e-6)
    final = group["best"]["curve"]["u_T"][0]
    assert final == pytest.approx(np.mean([one["regret_final"] for one in arrays], axis=0), rel=1e-3, abs=1e-6)
    assert group["best"]["spectrum"]["values"][-1] == pytest.approx(arrays[0]["spectra"][-1], rel=1e-3)


def test_columns_with_few_values_are_codes() -> None:
    assert column(["finished"] * 50 + ["failed"]) == {"values": ["finished", "failed"], "codes": [0] * 50 + [1]}
    assert column([1.5, 2.5, float("nan"), pd.NA, None]) == [1.5, 2.5, None, None, None]
    assert decoded(column([{"a": 1}] * 9)) == [{"a": 1}] * 9


def test_a_column_has_the_values_that_it_was_made_of() -> None:
    values = [1, 1.5, True, None, "<a", "<a", "1", "true", {"a": [1, 2.5]}, {"a": [1, 2.5]}, -1e-300, 10**15]
    for repeated in (values, 20 * values):
        found = decoded(json.loads(dumps(column(repeated))))
        assert [(type(value), value) for value in found] == [(type(value), value) for value in repeated]


def test_numbers_are_short_and_true_to_their_digits() -> None:
    assert [rounded(v) for v in (1.23456789, 1e-300, 12345678.0, float("inf"), True, np.int64(7))] == [
        1.2346, 1e-300, 12346000, None, True, 7,
    ]  # fmt: skip
    assert dumps(rounded(0.1 + 0.2)) == "0.3"


def test_thinning_keeps_the_ends_and_what_is_needed() -> None:
    assert thinned(5, 10) == [0, 1, 2, 3, 4]
    kept = thinned(1000, 10, needed=[17, 2000])
    assert kept[0] == 0
    assert kept[-1] == 999
    assert 17 in kept
    assert len(kept) == 11


def test_the_markers_are_matplotlibs_own() -> None:
    square = marker_path("s")
    assert square.startswith("M")
    corners = {tuple(map(float, pair.split(","))) for pair in square.strip("MZ").split()}
    assert corners == {(-1.0, 1.0), (1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)}


def test_data_cannot_end_its_script_element(results: Results) -> None:
    hostile = "</script><script>alert(1)</script><!--<script>\u2028"
    payload = build_payload(results) | {"name": hostile, "description": "%SCRIPT% %DATA% &lt;"}
    parsed = Scripts(render(payload))
    assert len(parsed.scripts) == 2
    assert json.loads(parsed.scripts[0])["name"] == hostile
    assert json.loads(parsed.scripts[0])["description"] == "%SCRIPT% %DATA% &lt;"
    assert "<" not in parsed.scripts[0]


def test_the_page_is_one_file_that_may_fetch_nothing(report: Path) -> None:
    page = report.read_text()
    assert "default-src 'none'; script-src 'sha256-" in page
    assert "connect-src 'none'" in page
    assert not {"link", "img", "iframe"} & (set(Scripts(page).tags) - {"link"})
    assert 'src="' not in page.replace("img-src", "").replace("script-src", "")
    assert page.count("http://www.w3.org/2000/svg") == page.count("http") - page.count("http-equiv")


def test_the_script_stays_small_and_writes_no_markup() -> None:
    from importlib import resources

    texts = {
        name: resources.files("regret_experiments.report").joinpath("assets", name).read_text() for name in SCRIPTS
    }
    assert sum(map(len, texts.values())) < 60_000
    for name, text in texts.items():
        assert len(text.splitlines()) <= 300, name
        for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert forbidden not in text, (name, forbidden)


def test_the_command_writes_the_page_and_says_how_large(stored: Path, tmp_path: Path) -> None:
    target = tmp_path / "r.html"
    said = CliRunner().invoke(oco, ["report", str(stored), "-o", str(target)])
    assert said.exit_code == 0, said.output
    assert said.output.startswith(f"wrote {target}: 0.")
    assert "120 runs" in said.output
    assert target.read_text().startswith("<!DOCTYPE html>")


def test_a_sweep_without_a_single_result_has_a_page(stored: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "plan.json").write_bytes((stored / "plan.json").read_bytes())
    payload = build_payload(load(empty))
    assert payload["counts"] == {"finished": 0, "failed": 0, "missing": 120}
    assert [game["groups"] for game in payload["games"]] == [[], []]
    bare = tmp_path / "bare"
    bare.mkdir()
    assert build_payload(load(bare))["games"] == []


def test_500_runs_are_under_one_megabyte(played: Path, tmp_path: Path) -> None:
    size = write_report(load(many(played, tmp_path / "many", 500)), tmp_path / "r.html")
    assert size < 1_000_000
    assert "and spectra to about 40 eigenvalues" in (tmp_path / "r.html").read_text()


@pytest.mark.slow
def test_5000_runs_are_under_three_megabytes(played: Path, tmp_path: Path) -> None:
    assert write_report(load(many(played, tmp_path / "many", 5000)), tmp_path / "r.html") < 3_000_000
