"""Reading configs: YAML 1.2 scalars, lines, overrides, grids."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from oco.errors import ConfigError
from regret_experiments.config import load_config
from regret_experiments.config.document import parse, path_text
from regret_experiments.config.overrides import override
from regret_experiments.config.schema import json_schema
from regret_experiments.config.values import alternatives, points

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1.0e+3", 1e3),
        ("-.5", -0.5),
        ("017", 17),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("~", None),
        ("", None),
        ("2020-01-01", "2020-01-01"),
        ("1:30", "1:30"),
        ("0x10", "0x10"),
        ("'3'", "3"),
        ("1_000", "1_000"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    read = parse(f"key: {text}\n", "file").value["key"]
    assert read == value
    assert type(read) is type(value)


def test_every_value_knows_its_line() -> None:
    document = parse("a: 1\nb:\n  - x\n  - y: [1,\n      2]\n", "file")
    assert document.line(("a",)) == 1
    assert document.line(("b", 0)) == 3
    assert document.line(("b", 1, "y", 1)) == 5
    assert document.line(("b", 1, "absent")) == 4
    assert str(document.error(("b", 1, "y"), "is odd")) == "file:4: b[1].y: is odd"
    assert path_text(("b", 1, "y")) == "b[1].y"


def test_anchors_and_aliases_are_followed() -> None:
    assert parse("a: &x [1, 2]\nb: *x\n", "file").value == {"a": [1, 2], "b": [1, 2]}


def test_overrides_by_name_and_by_position() -> None:
    document = parse("orders: 3\nlearners:\n - {kind: ogd}\n - {kind: fd, name: mine, rank: 2}\n", "file")
    changed = override(document, ["orders=1", "learners.mine.rank=[4, 8]", "learners[0].learning_rate=1e-1"])
    assert changed.value == {
        "orders": 1,
        "learners": [{"kind": "ogd", "learning_rate": 0.1}, {"kind": "fd", "name": "mine", "rank": [4, 8]}],
    }
    assert document.value["orders"] == 3
    assert changed.line(("learners", 1, "rank", 0)) == "--set learners.mine.rank=[4, 8]"


def test_log_grid_has_its_ends_and_equal_ratios() -> None:
    grid = alternatives("learning_rate", {"log_grid": {"low": 1e-6, "high": 1, "points": 49}})
    assert grid[0] == 1e-6
    assert grid[-1] == 1.0
    ratios = [math.log10(after / before) for before, after in zip(grid, grid[1:], strict=False)]
    assert ratios == pytest.approx([0.125] * 48)
    assert grid[45] == pytest.approx(0.421697, abs=1e-6)


def test_grid_is_linear() -> None:
    assert alternatives("delta", {"grid": {"low": 0, "high": 1, "points": 5}}) == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_a_list_may_hold_grids_and_lists() -> None:
    given = ["theorem", 1, 1.0, {"log_grid": {"low": 1.0, "high": 10, "points": 2}}]
    assert alternatives("learning_rate", given) == [None, 1, 1.0, 10.0]
    assert alternatives("shape", [[2, 3]]) == [[2, 3]]
    assert alternatives("norm", "theorem") == ["theorem"]


@pytest.mark.parametrize(("dimension", "ranks"), [(2, [1]), (3, [1, 2]), (9, [1, 2, 4, 8]), (10, [1, 2, 4, 8, 9])])
def test_doubling_ends_at_d_minus_1(dimension: int, ranks: list[int]) -> None:
    assert alternatives("rank", "doubling", dimension) == ranks


def test_zipped_lists_advance_together_and_multiply_with_the_rest() -> None:
    found = list(points({"rank": [1, 2]}, {"learning_rate": ["theorem", 0.1], "delta": [5, 6]}, 4))
    assert found == [
        {"rank": rank, "learning_rate": rate, "delta": delta}
        for rank in (1, 2)
        for rate, delta in ((None, 5), (0.1, 6))
    ]


def test_equal_budgets_are_met_or_refused(small: Path) -> None:
    from regret_experiments.plan import make_plan

    with pytest.raises(
        ConfigError, match=r"small.yaml:11: learners\[1\]: fd_adagrad has 3 points at rank 1, the budget"
    ):
        make_plan(load_config(small, ["budget=2"]))
    make_plan(load_config(small, ["budget=2", "learners.fd_adagrad.learning_rate=[theorem, 0.1, 1.0]"]))


def test_the_published_schema_is_the_models(oco: Any) -> None:
    published = json.loads((ROOT / "configs" / "sweep.schema.json").read_text())
    made = json.loads(oco("schema").out)
    for schema in (published, made):
        for entry in ("EnvironmentEntry", "LearnerEntry"):
            assert len(schema["$defs"][entry]["properties"]["kind"].pop("examples")) > 4
    assert made == published, "write it again: oco schema > configs/sweep.schema.json"
    assert json_schema()["additionalProperties"] is False


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_config_that_we_ship_is_valid(path: Path) -> None:
    assert load_config(path).config.description
