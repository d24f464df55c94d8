"""What a user gives wrong is named in one sentence of an OcoError: what was given, what is allowed, and where."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import pytest
import torch
from tiny_training import CONFIG

from oco.errors import ConfigError, OcoError
from oco.torch import (
    GradientTape,
    RankAdvice,
    RankBudget,
    Shampoo,
    SketchyShampoo,
    SketchySOAP,
    SpectrumProbe,
    UpdateRegret,
    controlled_spectra,
)
from regret_experiments.training import load_training, parse_training
from regret_experiments.training.data import load_text
from regret_experiments.training.optimizers import make_optimizer
from regret_experiments.training.runs import TrainingRun, check_options
from regret_experiments.training.tasks import make_task


def sentence(error: BaseException) -> str:
    text = str(error)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sizes": {"hidden": ["x"]}}, ["sizes", "hidden", "['x']", "integers of at least 1"]),
        ({"sizes": {"hidden": []}}, ["sizes", "hidden", "[]", "integers of at least 1"]),
        ({"sizes": {"hidden": 64}}, ["sizes", "hidden", "64", "integers of at least 1"]),
        ({"sizes": {"batch": 0}}, ["sizes", "batch", "0", "an integer of at least 1"]),
        ({"sizes": {"batch": True}}, ["sizes", "batch", "True", "an integer of at least 1"]),
        ({"sizes": {"hiden": [8]}}, ["sizes", "hiden", "hidden", "did you mean 'hidden'?"]),
        ({"task": "gpt", "sizes": {"hidden": [8]}}, ["sizes", "gpt", "hidden", "context, batch, width"]),
        ({"task": "gpt", "sizes": {"width": 30}}, ["sizes", "width", "30", "a multiple of 4"]),
        ({"task": "conv", "sizes": {"channels": [8, 8], "strides": [1]}}, ["sizes", "channels", "strides"]),
        ({"task": "burgers", "sizes": {"viscosity": -1}}, ["sizes", "viscosity", "-1", "positive number"]),
        ({"task": "vit", "sizes": {"patch": 9}}, ["sizes", "patch", "9", "8"]),
        ({"probe": {"options": {"rnks": [4]}}}, ["probe.options", "rnks", "did you mean 'ranks'?"]),
        ({"probe": {"options": {"ranks": "a"}}}, ["probe.options", "ranks", "'a'", "integers of at least 1"]),
        ({"probe": {"options": {"beta2": "x"}}}, ["probe.options", "beta2", "'x'", "below 1"]),
        ({"probe": {"rnks": [4]}}, ["probe.rnks", "unknown key"]),
        ({"probe": {"snapshots": 5}}, ["probe.snapshots", "5", "steps", "4"]),
    ],
)
def test_a_config_is_checked_when_it_is_read(change, words):
    with pytest.raises(ConfigError) as caught:
        parse_training({**CONFIG, **change})
    assert [word for word in words if word not in sentence(caught.value)] == []


def test_the_line_of_wrong_sizes_is_named(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "task: mlp\nsteps: 4\nlearning_rates: [0.01]\nseeds: [1]\n"
        "optimizers: [{name: Adam, kind: adam}]\nsizes: {hiden: [8]}\n"
    )
    with pytest.raises(ConfigError, match=r"wrong\.yaml:6: sizes"):
        load_training(path)


def test_the_sizes_of_a_task_are_the_keywords_of_its_function():
    """Every size that a config may give is taken by the task."""
    from regret_experiments.training.sizes import SIZES

    small = {"hidden": [8], "batch": 4, "evaluated": 8, "tested": 8, "channels": [4, 4], "strides": [1, 2]}
    small |= {"patch": 4, "width": 8, "layers": 1, "expansion": 1, "context": 8, "dim": 8, "viscosity": 0.1}
    for task, known in SIZES.items():
        sizes = {name: 8 if (task, name) == ("teacher", "hidden") else small[name] for name in known}
        built = make_task(task, **sizes)
        torch.manual_seed(0)
        model = built.model()
        built.loss(model, next(built.batches(0))).backward()
        assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize("kind", ["adam", "adamw", "nadam", "muon", "sketchy_shampoo", "sketchy_soap"])
@pytest.mark.parametrize("betas", ["bad", [0.9], [0.9, "x"], 7])
def test_options_of_the_rest_are_checked_before_training(kind, betas):
    with pytest.raises(ConfigError) as caught:
        make_optimizer(kind, make_task("mlp", hidden=[8]).model(), 0.01, {}, {"betas": betas})
    said = sentence(caught.value)
    assert "betas" in said
    assert kind in said
    assert "rest" in said


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("adam", {"beta": 3}, ["adam", "'beta'", "did you mean 'betas'?"]),
        ("sketchy_shampoo", {"rnak": 3}, ["sketchy_shampoo", "'rnak'", "did you mean 'rank'?"]),
        ("sketchy_soap", {"tail": {"metod": "mean"}}, ["tail", "'metod'", "did you mean 'method'?"]),
        ("sketchy_shampoo", {"preconditioner": {"max_din": 3}}, ["preconditioner", "did you mean 'max_dim'?"]),
        ("sketchy_shampoo", {"rank": {"reallocate_at": [3]}}, ["rank", "floats"]),
        ("adam", {"betas": [0.9]}, ["adam", "betas", "[0.9]"]),
    ],
)
def test_a_wrong_option_of_an_optimizer_in_a_config_is_named_with_the_nearest(kind, options, words):
    with pytest.raises(ConfigError) as caught:
        make_optimizer(kind, make_task("mlp", hidden=[8]).model(), 0.01, options)
    assert [word for word in words if word not in sentence(caught.value)] == []


@pytest.mark.parametrize(
    ("options", "rest"), [({"betas": [0.9, 0.99, 0.9]}, None), ({}, {"betas": [0.9, 0.99, 0.9]})], ids=["all", "rest"]
)
@pytest.mark.parametrize("kind", ["adam", "nadam", "muon", "sketchy_soap"])
def test_what_only_a_step_would_read_is_found_before_training(kind, options, rest):
    with pytest.raises(ConfigError, match=re.escape("[0.9, 0.99, 0.9]")) as caught:
        check_options("mlp", "digits", {"hidden": [8]}, [(kind, options, rest)])
    assert kind in sentence(caught.value)


class PerNorm(torch.optim.Optimizer):
    """Steps of one length, as a user would write them: a gradient of zero divides by zero."""

    def __init__(self, params, lr=0.1, gives_up=False):
        super().__init__(params, {"lr": lr, "gives_up": gives_up})

    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                if group["gives_up"]:
                    raise RuntimeError("no more steps")
                parameter.data.add_(parameter.grad, alpha=-group["lr"] / parameter.grad.norm().item())


@pytest.mark.parametrize("gives_up", [False, True])
def test_the_trial_step_refuses_no_optimizer_of_yours_that_takes_its_options(gives_up, monkeypatch):
    monkeypatch.setitem(sys.modules, "of_mine", SimpleNamespace(PerNorm=PerNorm))
    asked = ("of_mine:PerNorm", {"gives_up": gives_up}, None)
    check_options("mlp", "digits", {"hidden": [8]}, [asked])
    run = TrainingRun("mlp", "digits", asked[0], 0.1, 1, 2, 1, asked[1], sizes={"hidden": [8]})
    outcome = run.perform()
    assert outcome.failed == gives_up
    assert outcome.metadata.get("message") == ("no more steps" if gives_up else None)


def test_a_context_longer_than_the_text_is_refused_before_training():
    held_out = len(load_text()) - int(0.9 * len(load_text()))
    with pytest.raises(ConfigError, match=f"context must be at most {held_out - 2}, .* got {held_out - 1}$"):
        check_options("gpt", "digits", {"context": held_out - 1, "width": 4, "layers": 1, "evaluated": 1}, [])


def weight(rows=6, columns=4):
    return torch.nn.Parameter(torch.zeros(rows, columns))


@pytest.mark.parametrize("budget", [RankBudget(5), RankBudget(0.01)])
def test_a_budget_that_is_too_small_is_named(budget):
    with pytest.raises(ConfigError, match=re.escape(repr(budget.floats))) as caught:
        SketchyShampoo([weight()], rank=budget)
    # One direction for each axis: d + 1 floats, and two for its escaped mass and trace.
    assert "16 floats" in sentence(caught.value)


@pytest.mark.parametrize("value", ["3", 2.5, None, 0, -1, True])
@pytest.mark.parametrize("optimizer_class", [SketchyShampoo, SketchySOAP])
def test_a_function_of_the_dimension_must_return_a_rank(optimizer_class, value):
    with pytest.raises(ConfigError, match=re.escape(repr(value))) as caught:
        optimizer_class([weight()], rank=lambda dim: value)
    assert "integer of at least 1" in sentence(caught.value)
    assert "dimension 4" in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [GradientTape, SpectrumProbe, UpdateRegret, lambda params: RankAdvice((), 0.05).groups(params)],
    ids=["tape", "probe", "regret", "advice"],
)
@pytest.mark.parametrize(
    "given",
    [lambda: torch.nn.Linear(3, 2).parameters(), lambda: [weight(2, 2)], lambda: weight(2, 2), lambda: 3, lambda: "ab"],
)
def test_parameters_without_names_are_refused(make, given):
    with pytest.raises(ConfigError, match=r"named_parameters\(\)") as caught:
        make(given())
    sentence(caught.value)


def embedding_with_sparse_gradient():
    net = torch.nn.Embedding(8, 4, sparse=True)
    net(torch.tensor([1, 2])).sum().backward()
    return net


@pytest.mark.parametrize("optimizer_class", [SketchyShampoo, SketchySOAP, Shampoo])
def test_a_sparse_gradient_is_refused_by_name(optimizer_class):
    net = embedding_with_sparse_gradient()
    optimizer = optimizer_class(net.named_parameters(), lr=0.1)
    with pytest.raises(OcoError, match="sparse.*weight") as caught:
        optimizer.step()
    assert isinstance(caught.value, RuntimeError)  # as PyTorch's own optimizers raise
    sentence(caught.value)


@pytest.mark.parametrize("make", [GradientTape, SpectrumProbe, UpdateRegret])
def test_what_looks_at_gradients_refuses_sparse_ones_by_name(make):
    watcher = make(embedding_with_sparse_gradient())
    with pytest.raises(OcoError, match="sparse.*weight") as caught:
        watcher.update()
    sentence(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"beta2": "x"},
        {"beta2": 1.0},
        {"beta2": True},
        {"mode": 3},
        {"rank": "8"},
        {"rank": 0},
        {"max_dim": 2.5},
        {"min_dim": "x"},
        {"ranks": 4},
        {"control": "no"},
        {"leading": None},
        {"merge_dims": "x"},
        {"seed": "x"},
    ],
)
def test_options_of_a_probe_are_named(options):
    with pytest.raises(ConfigError, match=next(iter(options))) as caught:
        SpectrumProbe([("w", weight())], **options)
    assert repr(next(iter(options.values()))) in sentence(caught.value)


@pytest.mark.parametrize("value", ["x", 0, 2.5])
def test_merging_is_checked_by_the_tape(value):
    with pytest.raises(ConfigError, match=f"merge_dims.*{value}"):
        GradientTape([("w", weight())], merge_dims=value)


@pytest.mark.parametrize("options", [{"discount": "x"}, {"discount": None}, {"norms": 3}, {"norms": "l2"}])
def test_options_of_the_regret_of_updates_are_named(options):
    with pytest.raises(ConfigError, match=next(iter(options))) as caught:
        UpdateRegret([("w", weight())], **options)
    assert repr(next(iter(options.values()))) in sentence(caught.value)


def test_a_probe_of_a_frozen_model_says_that_it_would_follow_nothing():
    frozen = torch.nn.Linear(3, 2).requires_grad_(False)
    for make in (SpectrumProbe, GradientTape, UpdateRegret):
        with pytest.raises(ConfigError, match="requires a gradient"):
            make(frozen)
    with pytest.raises(ConfigError, match="at least two axes"):
        SpectrumProbe([("bias", torch.nn.Parameter(torch.zeros(3)))])
    with pytest.raises(ConfigError, match="min_dim=10"):
        SpectrumProbe(torch.nn.Linear(3, 2), min_dim=10)


@pytest.mark.parametrize("make", [GradientTape, UpdateRegret])
@pytest.mark.parametrize("given", [torch.nn.Sequential(torch.nn.Linear(3, 2)), torch.optim.SGD, None])
def test_only_an_optimizer_can_be_followed(make, given):
    with pytest.raises(ConfigError, match=r"torch\.optim\.Optimizer") as caught:
        make(torch.nn.Linear(3, 2)).follow(given)
    sentence(caught.value)


def loss(net, batch):
    return torch.nn.functional.cross_entropy(net(batch[0]), batch[1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"optimizer": "object"}, ["optimizer", "function", "SGD"]),
        ({"optimizer": lambda params: None}, ["optimizer", "None"]),
        ({"optimizer": "sgd"}, ["optimizer", "'sgd'"]),
        ({"snapshots": 4}, ["snapshots", "4", "steps", "3"]),
        ({"steps": "x"}, ["steps", "'x'"]),
        ({"seed": "x"}, ["seed", "'x'"]),
        ({"model": 3}, ["model", "3"]),
        ({"loss": 3}, ["loss", "3"]),
        ({"rnks": [2]}, ["rnks", "did you mean 'ranks'?"]),
        ({"batches": [1, 2, 3]}, ["batches", "pair"]),
        ({"batches": [torch.zeros(40, 6)] * 3}, ["batches", "pair", "Tensor"]),
        ({"batches": 3}, ["batches", "3"]),
    ],
)
def test_what_controlled_spectra_cannot_use_is_named(change, words):
    net = torch.nn.Linear(6, 4)
    given = {"model": net, "loss": loss, "optimizer": lambda params: torch.optim.SGD(params, lr=0.1)}
    given |= {"batches": [(torch.randn(5, 6), torch.randint(4, (5,))) for _ in range(3)], "steps": 3, "snapshots": 1}
    given |= {name: torch.optim.SGD(net.parameters()) if value == "object" else value for name, value in change.items()}
    with pytest.raises(ConfigError) as caught:
        controlled_spectra(**given)
    assert [word for word in words if word not in sentence(caught.value)] == []
