"""Training experiments end to end on tiny budgets: tasks, resuming, what is written, errors."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from click.testing import CliRunner
from small_sweeps import CONFIG

from oco.errors import ConfigError, DataError
from oco.torch import OPTIMIZERS
from regret_experiments.cli import oco
from regret_experiments.config import load_config
from regret_experiments.execution import Summary, run_sweep
from regret_experiments.figures import draw, draw_all
from regret_experiments.plan import make_plan
from regret_experiments.report.payload import build_payload
from regret_experiments.store import Store
from regret_experiments.store.results import load
from regret_experiments.training import load_training, parse_training, run_training
from regret_experiments.training.data import load_images, load_text
from regret_experiments.training.loop import train_once
from regret_experiments.training.outputs import stored_grid, stored_records, summarize, write_outputs
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
        {"name": "S", "kind": "sketchy_shampoo", "options": {"rank": 8, "update_freq": 4}},
    ],
    "probe": {"optimizer": "S k=8", "snapshots": 2, "options": {"beta2": 0.9}},
}


@pytest.mark.parametrize("name", ["aex", "mlp", "conv", "vit", "teacher", "gpt", "burgers"])
def test_every_task_starts_at_chance_learns_and_repeats(name):
    task = make_task(name)
    torch.manual_seed(1)
    model = task.model()
    with torch.no_grad():
        start = float(task.loss(model, task.train_set[0]))
    chance = {"mlp": math.log(10), "conv": math.log(10), "vit": math.log(10), "gpt": math.log(96)}.get(name)
    assert chance is None or start == pytest.approx(chance, rel=0.35)
    options = {"lr": 1e-3 if name in ("vit", "burgers") else 1e-2, "seed": 1, "steps": 12, "evaluations": 2}
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


def trained(config: dict, folder: Path) -> tuple[Store, Summary]:
    store = Store(folder)
    return store, run_training(parse_training(config), store)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A finished experiment of twelve steps."""
    store, _ = trained(TINY, tmp_path_factory.mktemp("results") / "tiny")
    return store


def test_an_experiment_tunes_on_one_seed_and_runs_only_what_is_missing(tiny, tmp_path):
    runs = load(tiny.path).runs
    assert (runs["status"] == "finished").all()
    tuning, fresh = (runs[runs["stage"] == stage] for stage in ("tuning", "fresh"))
    assert set(tuning["order"]) == {0}
    assert set(fresh["order"]) == {1, 2}
    assert (len(tuning), len(fresh)) == (6, 6)
    for _, own in fresh.groupby(["learner", "rank"], dropna=False):
        same = (tuning["learner"] == own["learner"].iloc[0]) & (tuning["rank"].eq(own["rank"].iloc[0]).fillna(True))
        tried = tuning[same]
        assert set(own["learning_rate"]) == {tried["learning_rate"][tried["final_loss"].astype(float).idxmin()]}
    config = parse_training({**TINY, "seeds": [1, 2, 3]})
    longer = Store(shutil.copytree(tiny.path, tmp_path / "longer"))
    summary = run_training(config, longer)
    assert (summary.runs.finished, summary.runs.before) == (3, 12)
    assert stored_grid(longer) == [0.003, 0.01]
    assert summarize(stored_records(longer), stored_grid(longer))[0]["seeds"] == 3


def test_the_summary_and_the_spectra_come_from_the_store(tiny):
    rows, paths = write_outputs(tiny)
    assert [row["optimizer"] for row in rows] == ["Adam", "S k=4", "S k=8"]
    assert all(path.stat().st_size for path in paths)
    fresh = load(tiny.path).runs.query("stage == 'fresh'")
    for row, (_, own) in zip(rows, fresh.groupby(["learner", "rank"], dropna=False, sort=False), strict=True):
        losses = own["final_loss"].astype(float)
        assert row["mean_loss"] == pytest.approx(losses.mean())
        assert row["standard_error"] == pytest.approx(losses.std() / math.sqrt(2))
        assert row["state_bytes"] == 4 * own["state_floats"].iloc[0]
    spectra = [json.loads(line) for line in (tiny.path / "spectra.jsonl").read_text().splitlines()]
    assert {row["step"] for row in spectra} == {6, 12}
    (followed,) = [run for run in tiny.runs() if "spectra" in run.metadata]
    assert followed.metadata["content"]["learner"]["hyperparameters"]["rank"] == 8
    assert followed.metadata["content"]["order"] == 1


def test_the_commands_of_sweeps_work_on_a_network(tiny, tmp_path):
    def said(*arguments: str) -> str:
        result = CliRunner().invoke(oco, [*map(str, arguments)])
        assert result.exit_code == 0, result.output
        return result.output

    runs = load(tiny.path).runs
    table = said("table", tiny.path)
    for loss in runs.query("stage == 'fresh'").groupby(["learner", "rank"], dropna=False)["final_loss"].mean():
        assert f"{loss:.4g} [" in table
    for kind in ("memory", "curves", "rank", "sensitivity", "time", "table"):
        said("plot", tiny.path, kind, "-o", tmp_path / f"{kind}.png")
    said("report", tiny.path, "-o", tmp_path / "page.html")
    said("export", tiny.path)
    assert "12 without a bound" in said("check", tiny.path)
    assert "bit for bit" in said("reproduce", tiny.path, runs["id"].iloc[-1])
    assert said("diff", tiny.path, tiny.path) == "no run differs\n"
    refused = CliRunner().invoke(oco, ["plot", str(tiny.path), "dynamic"])
    assert "not a game" in str(refused.exception)


def test_the_page_shows_the_training_loss(tiny):
    payload = build_payload(load(tiny.path))
    assert payload["measure"] == "training loss"
    adam = next(group for group in payload["games"][-1]["groups"] if group["rank"] is None)
    losses = load(tiny.path).runs.query("stage == 'fresh' and learner == 'Adam'")["final_loss"].astype(float)
    assert adam["best"]["regret"] == pytest.approx([losses.mean(), losses.min(), losses.max()], rel=1e-4)
    assert adam["best"]["curve"]["u_t"][0][-1] == pytest.approx(losses.mean(), rel=1e-3)


def test_a_sweep_without_a_comparator_is_drawn_in_loss(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.replace("checkpoints: 12", "checkpoints: 12\ncomparator: false"))
    store = Store(tmp_path / "results")
    run_sweep(make_plan(load_config(path)), store)
    drawn = sorted(each.name for each in draw_all(store.path))
    assert drawn == ["curves.pdf", "curves.png", "memory.pdf", "memory.png"]
    axes = draw(load(store.path), "memory").axes[0]
    assert axes.get_ylabel().startswith("loss")
    assert build_payload(load(store.path))["measure"] == "cumulative loss"


def test_a_run_that_diverges_is_finished_and_one_that_gives_up_has_failed(tmp_path):
    diverging = {
        **TINY,
        "learning_rates": [0.01, 1e12],
        "optimizers": [{"name": "SGD", "kind": "sgd"}],
        "seeds": [1],
        "probe": None,
    }
    store, summary = trained(diverging, tmp_path)
    runs = load(store.path).runs
    assert summary.runs.failed == 0
    assert list(runs["final_loss"].astype(float) == math.inf) == [False, True, False]
    assert list(runs["ended"]) == ["ok", "diverged", "ok"]
    said = CliRunner().invoke(oco, ["plot", str(tmp_path), "sensitivity", "-o", str(tmp_path / "s.png")])
    assert said.exit_code == 0, said.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps: must be 1 or more, got 0"),
        ({"task": "resnet"}, "task: must be 'aex', "),
        ({"seeds": [0]}, "must not contain the tuning seed"),
        ({"optimizers": [{"name": "x", "kind": "lion"}]}, r"optimizers\[0\].kind: must be"),
        ({"optimizers": 2 * [{"name": "x", "kind": "adam"}]}, "must differ in name or rank"),
        ({"colour": 1}, "colour: unknown key"),
        ({"probe": {"optimizer": "S"}}, "probe.optimizer must be one of Adam, S k=4, S k=8, got 'S'"),
    ],
)
def test_wrong_configs_are_named(change, message):
    with pytest.raises(ConfigError, match=message):
        parse_training({**TINY, **change})


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ({"kind": "adam", "options": {"rank": 3}}, "optimizer adam: "),
        ({"kind": "sketchy_shampoo", "options": {"rank": 0}}, "Invalid rank value: 0"),
    ],
)
def test_wrong_options_fail_before_anything_is_trained(optimizer, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        trained({**TINY, "probe": None, "optimizers": [{"name": "x", **optimizer}]}, tmp_path)
    assert not list((tmp_path / "runs").glob("*/*"))


def test_the_command_prints_the_table_and_the_paths(tmp_path):
    config = tmp_path / "tiny.yaml"
    config.write_text(yaml.safe_dump({k: v for k, v in TINY.items() if k not in ("name", "probe")}))
    shorter = ["--set", "steps=6", "--set", "seeds=[1]", "-j", "1", "--no-figures"]
    result = CliRunner().invoke(oco, ["train", str(config), "--results", str(tmp_path / "out"), *shorter])
    assert result.exit_code == 0, result.output
    assert "train loss mean (min..max)" in result.output
    assert "9 runs trained now, 0 were stored" in result.output
    assert (tmp_path / "out" / "summary.csv").exists()
    config.write_text("task: mlp\n")
    failed = CliRunner().invoke(oco, ["train", str(config)])
    assert isinstance(failed.exception, ConfigError)
    assert "tiny.yaml:1: steps: is missing" in str(failed.exception)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_configs_that_are_shipped_are_valid(path):
    parsed, _ = load_training(path)
    assert parsed.optimizers[0].name == "Adam"


def test_an_optimizer_is_trained_once_it_is_registered(monkeypatch, tmp_path):
    """One entry of `oco.torch.OPTIMIZERS` is all that a config, the check of options, a run and its state ask for."""

    class Sign(torch.optim.SGD):
        def state_bytes(self):
            return {"total": 40}

    monkeypatch.setitem(OPTIMIZERS, "sign", Sign)
    config = {**TINY, "learning_rates": [0.01], "seeds": [1], "probe": None}
    store, summary = trained({**config, "optimizers": [{"name": "Sign", "kind": "sign"}]}, tmp_path)
    assert summary.runs.failed == 0
    assert list(load(store.path).runs["state_floats"]) == [10, 10]


def test_importing_the_package_and_the_command_does_not_import_torch():
    code = "import sys, regret_experiments.training, regret_experiments.cli.train; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=CONFIGS.parents[1], check=False).returncode == 0
