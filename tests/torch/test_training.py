"""Training experiments end to end on tiny budgets: tasks, resuming, what is written, errors."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from click.testing import CliRunner

from oco.errors import ConfigError, DataError
from regret_experiments.cli.train import train
from regret_experiments.training import run_training
from regret_experiments.training.config import parse_config
from regret_experiments.training.data import load_images, load_text
from regret_experiments.training.loop import train_once
from regret_experiments.training.outputs import read_jsonl, summarize, write_jsonl
from regret_experiments.training.tasks import make_task

CONFIGS = Path(__file__).parents[2] / "configs" / "training"
TINY = {
    "name": "tiny",
    "task": "mlp",
    "steps": 12,
    "evaluations": 3,
    "learning_rates": [0.003, 0.01],
    "seeds": [1, 2],
    "optimizers": [
        {"name": "Adam", "kind": "adam"},
        {"name": "S", "kind": "sketchy_shampoo", "options": {"rank": 4, "update_freq": 4}},
    ],
    "probe": {"snapshots": 2, "options": {"beta2": 0.9}},
}


@pytest.mark.parametrize("name", ["aex", "mlp", "conv", "teacher", "gpt"])
def test_every_task_starts_at_chance_learns_and_repeats(name):
    task = make_task(name)
    torch.manual_seed(1)
    model = task.model()
    with torch.no_grad():
        start = float(task.loss(model, task.train_set[0]))
    chance = {"mlp": math.log(10), "conv": math.log(10), "gpt": math.log(96)}.get(name)
    assert chance is None or start == pytest.approx(chance, rel=0.35)
    options = {"lr": 1e-2, "seed": 1, "steps": 12, "evaluations": 2}
    record = train_once(task, "sketchy_shampoo", {"rank": 8}, **options)
    assert record["status"] == "ok"
    assert [step for step, _ in record["curve"]] == [6, 12]
    assert record["final_loss"] == record["curve"][-1][1] < 0.9 * start
    assert math.isfinite(record["test"])
    assert train_once(task, "sketchy_shampoo", {"rank": 8}, **options)["curve"] == record["curve"]


def test_excess_cross_entropy_of_a_perfect_autoencoder_is_zero():
    task = make_task("aex")
    pixels = torch.tensor([[0.0, 1.0, 0.25, 0.5]])
    perfect = torch.logit(pixels.clamp(1e-7, 1 - 1e-7))
    assert float(task.loss(lambda _: perfect, (pixels, pixels))) == pytest.approx(0.0, abs=1e-4)
    half = torch.zeros_like(pixels)
    expected = 4 * math.log(2) - (math.log(2) - 0.25 * math.log(0.25) - 0.75 * math.log(0.75))
    assert float(task.loss(lambda _: half, (pixels, pixels))) == pytest.approx(expected, rel=1e-5)


def test_the_text_is_the_standard_library_and_the_digits_are_all_there():
    text = load_text()
    assert len(text) > 500_000
    assert 0 <= text.min() <= text.max() < 96
    images = load_images("digits")
    assert images.train.shape == (1400, 64)
    assert images.test.shape == (397, 64)
    assert (images.train.min(), images.train.max()) == (0.0, 1.0)


@pytest.mark.data
def test_mnist_is_read_or_asked_for(monkeypatch):
    monkeypatch.delenv("OCO_DATA_DIR", raising=False)
    load_images.cache_clear()
    with pytest.raises(DataError, match="OCO_DATA_DIR"):
        load_images("mnist")
    monkeypatch.undo()
    try:
        images = load_images("mnist")
    except DataError as error:
        pytest.skip(str(error))
    assert images.train.shape == (60000, 784)
    assert np.bincount(images.test_labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert make_task("aex", "mnist").train_set[0][0].shape == (4096, 784)
    load_images.cache_clear()


def test_an_experiment_writes_everything_and_runs_only_what_is_missing(tmp_path):
    said = []
    first = run_training(TINY, tmp_path, said.append)
    assert len(said) == 2 * 2 + 2 * 2
    assert all(path.exists() and path.stat().st_size for path in first["paths"])
    runs = [json.loads(line) for line in (tmp_path / "tiny" / "runs.jsonl").read_text().splitlines()]
    assert len(runs) == 8
    assert {run["seed"] for run in runs} == {0, 1, 2}
    with (tmp_path / "tiny" / "summary.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    for row, name in zip(rows, ("Adam", "S"), strict=True):
        kind = {"Adam": "adam", "S": "sketchy_shampoo"}[name]
        tuned = {run["lr"]: run["final_loss"] for run in runs if run["kind"] == kind and run["seed"] == 0}
        assert float(row["learning_rate"]) == min(tuned, key=tuned.get)
        fresh = [run["final_loss"] for run in runs if run["kind"] == kind and run["seed"] in (1, 2)]
        assert float(row["mean_loss"]) == pytest.approx(np.mean(fresh))
    spectra = [json.loads(line) for line in (tmp_path / "tiny" / "spectra.jsonl").read_text().splitlines()]
    assert {row["step"] for row in spectra} == {6, 12}
    again = run_training({**TINY, "seeds": [1, 2, 3]}, tmp_path, said.append)
    assert len(said) == 8 + 2
    assert again["rows"][0]["seeds"] == 3


def test_diverged_runs_are_recorded(tmp_path):
    task = make_task("mlp")
    diverged = train_once(task, "sgd", {}, lr=1e12, seed=1, steps=20)
    assert diverged["status"] == "diverged"
    assert diverged["final_loss"] == math.inf
    runs = [{**diverged, "optimizer": "SGD", "steps": 20}]
    assert summarize(runs, {"SGD": 1e12}, [1e12])[0]["not_ok"] == 1
    write_jsonl(tmp_path / "runs.jsonl", runs)
    assert "Infinity" not in (tmp_path / "runs.jsonl").read_text()
    assert read_jsonl(tmp_path / "runs.jsonl")[0]["final_loss"] == math.inf


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps: "),
        ({"task": "resnet"}, "task must be one of"),
        ({"seeds": [0]}, "must not contain the tuning seed"),
        ({"optimizers": [{"name": "x", "kind": "lion"}]}, "optimizers.0.kind"),
        ({"optimizers": [{"name": "x", "kind": "adam", "options": {"rank": 3}}]}, "optimizer adam: "),
        ({"optimizers": [{"name": "x", "kind": "sketchy_shampoo", "options": {"rank": 0}}]}, "Invalid rank value: 0"),
        ({"colour": 1}, "colour"),
    ],
)
def test_wrong_configs_are_named(change, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        run_training({**TINY, **change}, tmp_path)


def test_the_command_prints_the_table_and_the_paths(tmp_path):
    config = tmp_path / "tiny.yaml"
    config.write_text(yaml.safe_dump({k: v for k, v in TINY.items() if k != "name"}))
    result = CliRunner().invoke(train, [str(config), "-o", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "S-" not in result.output.splitlines()[-1]
    assert "train loss mean (min..max)" in result.output
    assert (tmp_path / "tiny" / "summary.csv").exists()
    config.write_text("task: mlp\n")
    failed = CliRunner().invoke(train, [str(config), "-o", str(tmp_path)])
    assert failed.exit_code == 1
    assert failed.output.startswith("Error: steps: ")


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_configs_that_are_shipped_are_valid(path):
    parsed = parse_config({"name": path.stem, **yaml.safe_load(path.read_text())})
    assert parsed.optimizers[0].name == "Adam"


def test_importing_the_package_and_the_command_does_not_import_torch():
    code = "import sys, regret_experiments.training, regret_experiments.cli.train; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=CONFIGS.parents[1], check=False).returncode == 0
