"""Sizes of tasks, the derivatives of Burgers' network, groups of parameters, optimizers of one's own."""

from __future__ import annotations

import math

import pytest
import tiny_training
import torch

from oco.errors import ConfigError
from oco.torch import MuonWithAdamW
from regret_experiments.training import TrainingRun, parse_training
from regret_experiments.training.networks import DerivativeNetwork, Derivatives
from regret_experiments.training.optimizers import constructor, make_optimizer
from regret_experiments.training.tasks import make_task

SOAP = {"name": "SOAP", "kind": "benchmarks.optimizers.soap:SOAP", "rest": {"adamw": True, "factor": 2.0}}
CONFIG = tiny_training.CONFIG | {"optimizers": [SOAP]}


def test_the_network_s_derivatives_are_those_of_autograd():
    network = DerivativeNetwork([7, 5]).double()
    for layer in network.layers:
        torch.nn.init.normal_(layer.bias, std=0.3)
    points = torch.randn(9, 2, dtype=torch.float64, requires_grad=True)
    found = network(points)
    first = torch.autograd.grad(found.u.sum(), points, create_graph=True)[0]
    second = torch.autograd.grad(first[:, 0].sum(), points)[0]
    torch.testing.assert_close(found.u_x, first[:, 0])
    torch.testing.assert_close(found.u_t, first[:, 1])
    torch.testing.assert_close(found.u_xx, second[:, 0])


def test_a_solution_of_burgers_equation_has_no_residual():
    """u = x / (1 + t) solves u_t + u u_x = viscosity u_xx, so only its wrong boundary values count."""
    task = make_task("burgers", batch=32)
    points, values = next(task.batches(0))
    assert points.shape == (64, 2)
    assert values.shape == (32,)
    start, sides = points[32:48], points[48:]
    assert (start[:, 1] == 0.0).all()
    assert (sides[:, 0].abs() == 1.0).all()
    torch.testing.assert_close(values, torch.cat([-torch.sin(math.pi * start[:, 0]), torch.zeros(16)]))

    def solution(at):
        x, t = at.T
        return Derivatives(x / (1 + t), 1 / (1 + t), -x / (1 + t) ** 2, torch.zeros_like(x))

    wrong = (points[32:, 0] / (1 + points[32:, 1]) - values).square().mean()
    assert float(task.loss(solution, (points, values))) == pytest.approx(float(wrong), rel=1e-5)


def test_sizes_make_another_network_and_another_run():
    small = make_task("mlp", hidden=[16], batch=8)
    assert [tuple(p.shape) for p in small.model().parameters()] == [(16, 64), (16,), (10, 16), (10,)]
    assert len(next(small.batches(0))[0]) == 8
    plain = TrainingRun("mlp", "digits", "adam", 0.01, 1, 4, 1)
    sized = TrainingRun("mlp", "digits", "adam", 0.01, 1, 4, 1, sizes={"hidden": [16]}, rest={"factor": 4.0})
    assert plain.id != sized.id
    assert "rest" not in plain.content
    for run in (plain, sized):
        assert TrainingRun.from_content(run.content) == run
    with pytest.raises(ConfigError, match="task mlp: .*width"):
        make_task("mlp", width=3)


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("gpt", {"token", "position", "head"}),
        ("vit", {"position", "head"}),
        ("mlp", {"4"}),
        ("conv", {"7"}),
        ("aex", set()),
    ],
)
def test_embeddings_last_layers_and_vectors_form_the_rest(name, rest):
    task = make_task(name)
    model = task.model()
    optimizer = make_optimizer("adamw", model, 0.01, {}, {"factor": 4.0}, task.rest)
    hidden, others = optimizer.param_groups
    names = {id(parameter): key for key, parameter in model.named_parameters()}
    assert (hidden["lr"], others["lr"]) == (0.01, 0.04)
    assert all(parameter.ndim >= 2 for parameter in hidden["params"])
    matrices = {names[id(p)].partition(".")[0] for p in others["params"] if p.ndim >= 2}
    assert matrices == rest
    assert len(hidden["params"]) + len(others["params"]) == len(names)


def test_an_optimizer_of_one_s_own_is_named_by_module_and_class():
    run_config = parse_training(CONFIG)
    assert run_config.optimizers[0].rest == {"adamw": True, "factor": 2.0}
    run = TrainingRun("mlp", "digits", CONFIG["optimizers"][0]["kind"], 0.01, 1, 4, 1, sizes={"hidden": [16]})
    assert run.perform().metadata["scalars"]["ended"] == "ok"
    with pytest.raises(ConfigError, match="cannot be imported"):
        constructor("benchmarks.optimizers.soap:Soap")
    with pytest.raises(ConfigError, match="kind"):
        parse_training({**CONFIG, "optimizers": [{"name": "x", "kind": "no_such"}]})


@pytest.mark.parametrize("kind", [":Adam", "math:pi", "torch.optm:Adam", "torch.optim:"])
def test_a_kind_that_is_no_class_is_refused(kind):
    with pytest.raises(ConfigError, match=f"kind.*{kind}"):
        constructor(kind)


@pytest.mark.parametrize("rest", [{"factr": 0.5}, {"factor": "half"}, {"factor": True}])
def test_a_wrong_option_of_the_rest_is_refused_by_name(rest):
    with pytest.raises(ConfigError, match=next(iter(rest))):
        make_optimizer("adamw", make_task("mlp").model(), 0.01, {}, rest)


def test_muon_takes_kernels_as_matrices_and_groups_at_their_own_rates():
    torch.manual_seed(0)
    kernel, head = torch.randn(6, 3, 2, 2), torch.randn(4, 6)
    both = [torch.nn.Parameter(kernel.clone()), torch.nn.Parameter(head.clone())]
    together = MuonWithAdamW(
        [{"params": both[:1]}, {"params": both[1:], "lr": 0.1, "adamw": True}], lr=0.02, kernels=True
    )
    matrix, other = torch.nn.Parameter(kernel.reshape(6, 12).clone()), torch.nn.Parameter(head.clone())
    apart = [
        torch.optim.Muon([matrix], lr=0.02, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW([other], lr=0.1, weight_decay=0.0),
    ]
    for _ in range(3):
        gradient, second = torch.randn(6, 3, 2, 2), torch.randn(4, 6)
        both[0].grad, both[1].grad, matrix.grad, other.grad = gradient, second, gradient.reshape(6, 12), second
        together.step()
        for part in apart:
            part.step()
    assert torch.equal(both[0].reshape(6, 12), matrix)
    assert torch.equal(both[1], other)
    assert together.state_bytes()["total"] == 4 * (72 + 2 * 24 + 1)
