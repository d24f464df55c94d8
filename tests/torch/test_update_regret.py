"""The regret of a training run: closed forms, the games of the library, and a theorem that has to hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import oco
from oco.domains import Ball
from oco.errors import ConfigError
from oco.learners.problem import Problem
from oco.torch import OPTIMIZERS, MuonWithAdamW, OnlineUpdates, UpdateRegret, regret_interval

T, RADIUS = 60, 0.2


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2)).double()


def train(model: nn.Module, optimizer: torch.optim.Optimizer, probe: UpdateRegret) -> list[Tensor]:
    """Full batches of a fixed regression; the gradients, one flat vector a step."""
    probe.follow(optimizer)
    generator = torch.Generator().manual_seed(4)
    inputs = torch.randn(30, 4, generator=generator, dtype=torch.float64)
    targets = torch.randn(30, 2, generator=generator, dtype=torch.float64)
    gradients = []
    for _ in range(T):
        optimizer.zero_grad()
        (model(inputs) - targets).square().mean().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).clone())
        optimizer.step()
    return gradients


LEARNERS = [oco.OGD(learning_rate=0.02), oco.AdaGradNorm(), oco.DiagonalAdaGrad(), oco.FDAdaGrad(rank=3)]


@pytest.mark.parametrize("learner", LEARNERS, ids=str)
def test_a_learner_on_updates_has_the_regret_of_the_game_and_keeps_its_bound(learner: oco.Learner) -> None:
    """Played by `oco.play` against the recorded gradients, the learner has the same regret, within its theorem."""
    model = network()
    dimension = sum(p.numel() for p in model.parameters())
    domain = Ball(RADIUS, dimension=dimension)
    probe = UpdateRegret(model, window=T, norms=["l2"])
    gradients = train(model, OnlineUpdates(model.parameters(), learner, Problem(domain, T)), probe)
    rows = np.array([gradient.numpy() for gradient in gradients])
    game = oco.environments.LinearLosses(rows, domain=domain, order="file")
    record = oco.play(game, learner)
    lower, upper = regret_interval(probe.rows()[0], RADIUS)
    assert lower - 1e-9 <= record.regret.upper
    assert record.regret.lower <= upper + 1e-9
    assert upper - lower < 1e-9
    assert record.bound is not None
    assert upper <= record.bound.value


@pytest.mark.parametrize("kind", ["sgd", "adam", "muon", "shampoo", "sketchy_shampoo"])
def test_sums_and_dual_norms_from_first_principles(kind: str) -> None:
    """All rows of a run, against updates and gradients that the test itself kept."""
    model = network()
    probe = UpdateRegret(model, window=20, discount=0.9)
    optimizer = OPTIMIZERS[kind](model.parameters(), lr=0.01)
    weights: list[list[Tensor]] = []
    optimizer.register_step_pre_hook(lambda *_: weights.append([p.detach().clone() for p in model.parameters()]))
    grads: list[list[Tensor]] = []
    optimizer.register_step_pre_hook(
        lambda *_: grads.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    )
    train(model, optimizer, probe)
    assert len(probe.rows()) == 3 * 2 * 3
    for row in probe.rows():
        first = row["round"] - 20 if row["kind"] == "window" else 0
        assert row["rounds"] == row["round"] - first
        played, total = 0.0, [torch.zeros_like(tensor) for tensor in grads[0]]
        longest = 0.0
        for t in range(first, row["round"]):
            weight = 0.9 ** (row["round"] - 1 - t) if row["kind"] == "discounted" else 1.0
            change = [new - old for new, old in zip(weights[t], weights[max(t - 1, 0)], strict=True)]
            played += weight * sum(float((g * c).sum()) for g, c in zip(grads[t], change, strict=True))
            total = [s + weight * g for s, g in zip(total, grads[t], strict=True)]
            flat = torch.cat([c.flatten() for c in change])
            longest = max(longest, float(flat.norm() if row["norm"] == "l2" else flat.abs().max()))
        flat = torch.cat([s.flatten() for s in total])
        dual = {
            "l2": float(flat.norm()),
            "max": float(flat.abs().sum()),
            "spectral": sum(float(s.norm() if s.ndim < 2 else torch.linalg.matrix_norm(s, "nuc")) for s in total),
        }[row["norm"]]
        assert row["played"] == pytest.approx(played, abs=1e-12)
        assert row["dual_norm"] == pytest.approx(dual, rel=1e-12)
        if row["norm"] != "spectral":
            assert row["longest"] == pytest.approx(longest, rel=1e-12)


@pytest.mark.parametrize("norm", ["l2", "spectral", "max"])
def test_no_update_of_the_ball_has_a_larger_regret(norm: str) -> None:
    """The dual norm is attained by the closed-form best update, and by no other of 300."""
    model = network()
    probe = UpdateRegret(model, window=T, norms=[norm])
    gradients = train(model, torch.optim.Adam(model.parameters(), lr=0.01), probe)
    total = torch.stack(gradients).sum(0)
    row = probe.rows()[0]
    shapes = [p.shape for p in model.parameters()]
    sizes = [shape.numel() for shape in shapes]
    generator = torch.Generator().manual_seed(5)

    def inside(parts: list[Tensor]) -> Tensor:
        """A flat update of the unit ball."""
        flat = torch.cat([part.flatten() for part in parts])
        if norm == "l2":
            return flat / flat.norm()
        if norm == "max":
            return flat.sign()
        polar = []
        for part in parts:
            if part.ndim < 2:
                polar.append(part / part.norm())
            else:
                left, _, right = torch.linalg.svd(part, full_matrices=False)
                polar.append((left @ right).flatten())
        return torch.cat([part.flatten() for part in polar])

    split = [part.view(shape) for part, shape in zip(total.split(sizes), shapes, strict=True)]
    assert -float(total @ -inside(split)) == pytest.approx(row["dual_norm"], rel=1e-12)
    for _ in range(300):
        update = inside([torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes])
        assert row["played"] - float(total @ update) <= regret_interval(row, 1.0)[1]


def test_regret_is_a_line_in_the_radius_and_refuses_a_negative_one() -> None:
    """Twice the radius adds the dual norm twice."""
    model = network()
    probe = UpdateRegret(model, window=T, norms=["l2"])
    train(model, torch.optim.SGD(model.parameters(), lr=0.01), probe)
    row = probe.rows()[0]
    middles = [0.5 * sum(regret_interval(row, radius)) for radius in (0.0, 1.0, 2.0)]
    assert middles[0] == pytest.approx(row["played"])
    assert middles[2] - middles[1] == pytest.approx(row["dual_norm"])
    with pytest.raises(ConfigError, match="radius must be a finite number of at least 0, got -1"):
        regret_interval(row, -1.0)


def test_muon_with_adamw_is_muon_on_matrices_and_adamw_on_the_rest() -> None:
    """Trained beside the two optimizers of PyTorch."""
    together, apart = network(), network()
    optimizer = MuonWithAdamW(together.parameters(), lr=0.02, weight_decay=0.1)
    matrices = [p for p in apart.parameters() if p.ndim == 2]
    vectors = [p for p in apart.parameters() if p.ndim != 2]
    both = [
        torch.optim.Muon(matrices, lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(vectors, lr=0.02, weight_decay=0.1),
    ]
    for _ in range(5):
        for model in (together, apart):
            model.zero_grad()
            model(torch.ones(3, 4, dtype=torch.float64)).square().sum().backward()
        optimizer.step()
        for part in both:
            part.step()
    for one, other in zip(together.parameters(), apart.parameters(), strict=True):
        assert torch.equal(one, other)


def test_what_does_not_fit_is_refused_in_one_sentence() -> None:
    """Window, discount, norm, parameters, the domain of a learner's updates and its first play."""
    model = network()
    with pytest.raises(ConfigError, match="Invalid window value: 0"):
        UpdateRegret(model, window=0)
    with pytest.raises(ConfigError, match=r"Invalid discount value: 1\.0"):
        UpdateRegret(model, discount=1.0)
    with pytest.raises(ConfigError, match="nuclear"):
        UpdateRegret(model, norms=["nuclear"])
    with pytest.raises(ConfigError, match="no parameter that requires a gradient"):
        UpdateRegret([("w", torch.zeros(2))])
    weights = [torch.zeros(3, requires_grad=True)]
    with pytest.raises(ConfigError, match="dimension 2, but there are 3 weights"):
        OnlineUpdates(weights, oco.OGD(learning_rate=0.1), Problem(Ball(1.0, dimension=2), 10))
    with pytest.raises(ConfigError, match="is not zero"):
        OnlineUpdates(weights, oco.OGD(learning_rate=0.1), Problem(Ball(1.0, center=np.ones(3)), 10))
