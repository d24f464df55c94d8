"""``oco data list | info | fetch``."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from oco.datasets import names
from regret_experiments.cli.data import data


def run(*arguments: str) -> Result:
    return CliRunner().invoke(data, arguments)


def test_list_shows_every_set_once(no_offline_copies) -> None:
    result = run("list")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(names())
    (breast_cancer,) = (line for line in lines if line.startswith("breast_cancer"))
    assert breast_cancer.split()[1:4] == ["569", "30", "binary"]
    (w8a,) = (line for line in lines if line.startswith("w8a"))
    assert "to be fetched" in w8a
    assert "on first download" in w8a
    (part,) = (line for line in lines if line.startswith("cifar10_part"))
    assert "put there by hand" in part


@pytest.mark.parametrize("name", names())
def test_info_shows_citation_and_licence(name: str, no_offline_copies) -> None:
    from oco.datasets import info

    result = run("info", name)
    assert result.exit_code == 0
    assert info(name).license in result.output
    assert " ".join(info(name).citation.split()) in " ".join(result.output.split())
    assert ("only a part of the published set" in result.output) == info(name).partial


def test_info_tells_verified_from_unverified(no_offline_copies) -> None:
    assert "sha256 not verified here; recorded when first downloaded" in run("info", "epsilon").output
    assert "not verified" not in run("info", "mushrooms").output


def test_fetch_checks_and_parses(no_offline_copies) -> None:
    result = run("fetch", "wine")
    assert result.exit_code == 0
    assert result.output == "wine train: 178 rows x 13 features, as published\n"


@pytest.mark.data
def test_fetch_uses_offline_copies(data_directory, no_offline_copies) -> None:
    result = run("fetch", "a9a", "--data-dir", str(data_directory))
    assert result.output.splitlines() == [
        "a9a train: 32,561 rows x 123 features, as published",
        "a9a test: 16,281 rows x 123 features, as published",
    ]


def test_errors_are_one_line(no_offline_copies) -> None:
    result = run("fetch", "wien")
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "Error: 'wien' is neither a known data set nor a file that exists: did you mean 'wine'?"
    ]
    assert "split of wine must be one of train; got 'test'" in run("fetch", "wine", "--split", "test").output


def test_module_is_cheap_to_import() -> None:
    heavy = ("numpy", "pandas", "sklearn")
    script = f"import sys, regret_experiments.cli.data; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
