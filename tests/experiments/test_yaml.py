"""YAML of configs: merges and number keys mean what they say, and no text makes the reader deep, large or slow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oco.errors import ConfigError
from regret_experiments.config.document import MOST_CHARACTERS, MOST_VALUES, parse, parse_value
from regret_experiments.plan.building import build_environment


@pytest.mark.parametrize(
    ("merged", "written_out"),
    [
        ("a: &a {x: 1, y: 2}\nb: {<<: *a}", "a: {x: 1, y: 2}\nb: {x: 1, y: 2}"),
        ("a: &a {x: 1, y: 2}\nb: {y: 3, <<: *a}", "a: {x: 1, y: 2}\nb: {x: 1, y: 3}"),
        ("a: &a {x: 1}\nb: &b {x: 2, y: 3}\nc: {<<: [*a, *b]}", "a: {x: 1}\nb: {x: 2, y: 3}\nc: {x: 1, y: 3}"),
        ("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b, z: 3}", "a: {x: 1}\nb: {x: 1, y: 2}\nc: {x: 1, y: 2, z: 3}"),
        ("a: {<<: {x: 1}, y: 2}", "a: {x: 1, y: 2}"),
        ("a: &a {p: {x: 1, y: 2}}\nb: {<<: *a, p: {x: 3}}", "a: {p: {x: 1, y: 2}}\nb: {p: {x: 3}}"),
        ("a: {<<: []}", "a: {}"),
    ],
)
def test_a_merge_is_what_it_stands_for(merged: str, written_out: str) -> None:
    assert parse(merged, "c").value == parse(written_out, "c").value


def test_a_quoted_merge_sign_is_a_key() -> None:
    assert parse("'<<': {a: 1}", "c").value == {"<<": {"a": 1}}


def test_what_was_merged_stands_where_it_was_written() -> None:
    document = parse("a: &a\n  x: 1\nb:\n  <<: *a\n  y: 2\n", "c")
    assert document.line(("b", "x")) == 2
    assert document.line(("b", "y")) == 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {<<: 3}", "c:1: a.<<: must be a mapping or a list of mappings to merge"),
        ("a: {<<: [{x: 1}, 3]}", "c:1: a.<<: must be a mapping or a list of mappings to merge"),
        ("a: {<<: {x: 1}, <<: {y: 1}}", "c:1: a.<<: the key is given twice, first on line 1"),
        ("a: {<<: {x: 1, x: 2}}", "c:1: a.x: the key is given twice, first on line 1"),
        ("{1: a, '1': b}", "c:1: 1: the key is given twice, first on line 1"),
        ("{true: a}", "c:1: keys must be strings or numbers, got true"),
        ("{[1]: a}", "c:1: keys must be strings or numbers, got a list or a mapping"),
        ("a: !!bool yes", "c:1: a: 'yes' is not true or false, as its tag !!bool says"),
        ("a: !!bool 1", "c:1: a: '1' is not true or false, as its tag !!bool says"),
        ("a: !!null x", "c:1: a: 'x' is not null, as its tag !!null says"),
        ("a: !!int 1_000", "c:1: a: '1_000' is not an integer, as its tag !!int says"),
        ("a: !!int 1.5", "c:1: a: '1.5' is not an integer, as its tag !!int says"),
        ("a: !!float one", "c:1: a: 'one' is not a number, as its tag !!float says"),
        ("a: .INF", "c:1: a: numbers must be finite, got .INF"),
        ("a: .NaN", "c:1: a: numbers must be finite, got .NaN"),
    ],
)
def test_what_is_not_what_it_says_is_refused(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(text, "c")
    assert str(error.value) == expected


def test_explicit_tags_that_fit_are_taken() -> None:
    values = parse("a: !!bool True\nb: !!int 7\nc: !!float 7\nd: !!str 7\ne: !!null ~", "c").value
    assert values == {"a": True, "b": 7, "c": 7.0, "d": "7", "e": None}
    assert [type(value) for value in values.values()] == [bool, int, float, str, type(None)]


@pytest.mark.parametrize("labels", ["{0: -1, 1: 1}", "{'0': -1, '1': 1}", "{0.0: -1, 1.0: 1}"])
def test_labels_may_be_numbers(labels: str, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("a,y\n1,0\n2,1\n3,0\n")
    keywords: dict[str, Any] = {"data": str(tmp_path / "d.csv"), "labels": parse_value(labels, "c"), "order": "file"}
    game = build_environment("logistic_regression", keywords).environment
    assert np.array_equal(game.block(0, 3).targets, [-1.0, 1.0, -1.0])


def test_labels_may_be_words(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("a,y\n1,no\n2,yes\n3,no\n")
    keywords: dict[str, Any] = {"data": str(tmp_path / "d.csv"), "labels": {"no": -1, "yes": 1}, "order": "file"}
    game = build_environment("logistic_regression", keywords).environment
    assert np.array_equal(game.block(0, 3).targets, [-1.0, 1.0, -1.0])


DEEP = {
    "brackets": "[" * 30_000,
    "closed brackets": "[" * 15_000 + "]" * 15_000,
    "braces": "{a: " * 15_000,
    "dashes": "- " * 30_000,
    "question marks": "? " * 30_000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_deep_nesting_is_refused_before_it_is_built(text: str, tmp_path: Path) -> None:
    """In a process of its own: too deep a recursion in C kills it."""
    path = tmp_path / "deep.yaml"
    path.write_text(f"name: {text}" if text[0] in "[{" else text)
    code = f"""
from oco.errors import ConfigError
from regret_experiments.config import load_config
from regret_experiments.config.document import parse_value
for read in (lambda: load_config({str(path)!r}), lambda: parse_value({text!r}, "--set a=")):
    try:
        read()
    except ConfigError as error:
        print(str(error).endswith("a config may be nested 40 levels deep at most"))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\nTrue\n", "")


def test_forty_levels_are_read() -> None:
    assert parse("a: " + "[" * 39 + "1" + "]" * 39, "c").value
    with pytest.raises(ConfigError, match="nested 40 levels deep"):
        parse("a: " + "[" * 41 + "1" + "]" * 41, "c")


BOMBS = {
    "values": (
        "a: &a [" + "x," * 50 + "]\nb: &b [" + "*a," * 50 + "]\nc: [" + "*b," * 50 + "]",
        f"{MOST_VALUES:,} values",
    ),
    "long text": ("a: &a " + "x" * 40_000 + "\nb: [" + "*a," * 7_000 + "]", f"{MOST_CHARACTERS:,} characters"),
    "long key": ("a: &a {" + "x" * 1_000 + ": 1}\nb: [" + "*a," * 4_000 + "]", f"{MOST_CHARACTERS:,} characters"),
    "itself": ("a: &a [*a]", "40 levels deep"),
    "merged itself": ("a: &a {<<: *a}", "40 levels deep"),
    "merges": (
        "m0: &m0 {x: 1}\n" + "\n".join(f"m{i}: &m{i} {{<<: [{','.join([f'*m{i - 1}'] * 10)}]}}" for i in range(1, 30)),
        f"{MOST_VALUES:,} values",
    ),
}


@pytest.mark.parametrize(("text", "expected"), BOMBS.values(), ids=BOMBS)
def test_aliases_unfold_within_limits(text: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected) as error:
        parse(text, "c")
    assert len(str(error.value)) < 500
