"""The command line: quick to answer, one sentence for what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest


def test_help_is_instant() -> None:
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "regret_experiments", "--help"], capture_output=True, text=True, check=True
        )
        best = min(best, time.perf_counter() - began)
    assert best < 0.4
    assert "sweep" in done.stdout


def test_every_command_of_ours_has_help(oco: Any) -> None:
    for name in (
        "sweep",
        "plan",
        "run",
        "learners",
        "environments",
        "domains",
        "table",
        "reproduce",
        "diff",
        "export",
        "schema",
    ):
        said = oco(name, "--help")
        assert said.code == 0
        assert "Usage: oco " + name in said.out


def test_a_mistyped_command(oco: Any) -> None:
    said = oco("swep")
    assert said.code == 2
    assert "there is no command 'swep'" in said.err
    assert "did you mean 'sweep'?" in said.err


def test_learners_are_listed_with_state_bound_and_source(oco: Any) -> None:
    said = oco("learners", "--dimension", 10, "--rank", 3)
    assert said.code == 0
    for name in ("ogd", "adagrad_norm", "diagonal_adagrad", "full_matrix_adagrad", "fd_adagrad"):
        assert f"\n{name}\n  state " in said.out
    assert said.out.count("  bound ") == said.out.count("  source ") >= 5


def test_environments_are_listed_with_their_keys(oco: Any) -> None:
    said = oco("environments")
    assert "spectrum_linear\n" in said.out
    assert "exponent" in said.out


def test_domains_are_listed_with_their_keys(oco: Any) -> None:
    from oco.domains import DOMAINS

    said = oco("domains")
    assert said.code == 0
    for name in DOMAINS.built_in:
        assert f"{name}\n  " in said.out
    assert "keys    radius=1.0, center=None, shape=None" in said.out


def test_one_game(oco: Any) -> None:
    game = (
        "spectrum_linear",
        "-e",
        "dimension=5",
        "-e",
        "horizon=60",
        "-e",
        "domain.kind=ball",
        "-e",
        "domain.radius=2",
    )
    said = oco("run", "fd_adagrad", *game, "-l", "rank=2")
    assert said.code == 0
    assert "regret" in said.out
    again = oco("run", "fd_adagrad", *game, "-l", "rank=2", "--json")
    assert json.loads(again.out)["rank"] == 2


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("run", "odg", "spectrum_linear"), "learner.kind: there is no learner 'odg'"),
        (("run", "ogd", "spectrum_liner"), "environment.kind: there is no environment 'spectrum_liner'"),
        (("run", "ogd", "spectrum_linear", "-l", "rate=3"), "learner.rate: unknown key, ogd takes"),
        (("run", "ogd", "spectrum_linear", "-e", "horizon=x"), "environment.horizon: must be an integer, got 'x'"),
        (("run", "fd_adagrad", "spectrum_linear", "-l", "rank=0"), "learner.rank: "),
        (("table", "nowhere"), "there are no results at nowhere"),
        (("reproduce", "nowhere", "ab"), "there are no results at nowhere"),
        (("diff", "nowhere", "elsewhere"), "there are no results at nowhere"),
        (("sweep", "x.yaml", "--jobs", "0"), "'--jobs'"),
        (("sweep", "x.yaml", "--backend", "smoke"), "'--backend'"),
        (("sweep",), "Missing argument 'CONFIG'"),
    ],
)
def test_wrong_arguments(arguments: tuple[str, ...], expected: str, oco: Any) -> None:
    said = oco(*arguments)
    assert said.code in (1, 2)
    assert expected in said.err
    assert "Traceback" not in said.err


def test_a_scheduler_without_dask_is_refused(oco: Any, small: Path) -> None:
    said = oco("sweep", small, "--scheduler", "tcp://127.0.0.1:1")
    assert said.code == 2
    assert "--scheduler goes with --backend dask" in said.err
