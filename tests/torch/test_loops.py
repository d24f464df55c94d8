"""The optimizers inside the training loops that people write: compiled, clipped, accumulated, scaled, scheduled."""

from __future__ import annotations

import shutil

import pytest
import torch

from oco.torch import Shampoo, SketchyShampoo

BOTH = pytest.mark.parametrize("optimizer_class", [SketchyShampoo, Shampoo])


def build():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3))


def data(count=64):
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(count, 6, generator=generator) * torch.logspace(0, -1.5, 6)
    return inputs, torch.tanh(inputs @ torch.randn(6, 3, generator=generator) * 5)


def loss_of(net, inputs, targets):
    return (net(inputs) - targets).square().mean()


@BOTH
def test_it_learns_faster_than_gradient_descent(optimizer_class):
    finals = []
    inputs, targets = data()
    for make in (lambda p: optimizer_class(p, lr=2e-2), lambda p: torch.optim.SGD(p, lr=2e-1, momentum=0.9)):
        net = build()
        optimizer = make(net.parameters())
        for _ in range(150):
            optimizer.zero_grad()
            loss_of(net, inputs, targets).backward()
            optimizer.step()
        finals.append(loss_of(net, inputs, targets).item())
    assert finals[0] < 0.3 * finals[1]


@BOTH
def test_accumulated_gradients_are_one_large_batch(optimizer_class):
    whole, parts = build().double(), build().double()
    a, b = (optimizer_class(net.parameters(), lr=1e-2, update_freq=2, start_step=2) for net in (whole, parts))
    inputs, targets = (tensor.double() for tensor in data())
    for _ in range(6):
        a.zero_grad(), b.zero_grad()
        loss_of(whole, inputs, targets).backward()
        for index in range(4):
            rows = slice(16 * index, 16 * index + 16)
            (loss_of(parts, inputs[rows], targets[rows]) / 4).backward()
        a.step(), b.step()
    for p, q in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("graft", ["factored", "adam"])
def test_clipping_and_unscaled_gradients(graft):
    """Gradients scaled by 2^16 and unscaled before clipping, as AMP does, give the result of plain gradients."""
    plain, scaled = build(), build()
    a, b = (
        SketchyShampoo(net.parameters(), lr=1e-2, graft=graft, update_freq=2, start_step=2) for net in (plain, scaled)
    )
    inputs, targets = data()
    for _ in range(6):
        for net, optimizer, scale in ((plain, a, 1.0), (scaled, b, 2.0**16)):
            optimizer.zero_grad()
            (loss_of(net, inputs, targets) * scale).backward()
            for p in net.parameters():
                p.grad /= scale
            norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 0.1)
            optimizer.step()
    assert float(norm) > 0.1
    for p, q in zip(plain.parameters(), scaled.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-5, atol=1e-6)


def test_a_skipped_overflow_step_is_one_step_less():
    net = build()
    optimizer = SketchyShampoo(net.parameters(), lr=1e-2)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**4)
    inputs, targets = data()
    for step in range(4):
        optimizer.zero_grad()
        scaler.scale(loss_of(net, inputs, targets)).backward()
        if step == 2:
            next(net.parameters()).grad[0, 0] = float("inf")
        scaler.step(optimizer)
        scaler.update()
    assert float(optimizer.state[next(net.parameters())]["step"]) == 3
    assert all(torch.isfinite(p).all() for p in net.parameters())


@BOTH
def test_tensor_learning_rate_cosine_schedule_and_hooks(optimizer_class):
    net, calls = build(), []
    optimizer = optimizer_class(net.parameters(), lr=torch.tensor(1e-2))
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 5)
    for _ in range(5):
        optimizer.zero_grad()
        loss_of(net, *data()).backward()
        optimizer.step()
        scheduler.step()
    assert calls == [1] * 5
    assert float(optimizer.param_groups[0]["lr"]) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler, g++ is not installed")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_a_compiled_model_trains_like_an_eager_one():
    eager, source = build(), build()
    compiled = torch.compile(source)
    a, b = (SketchyShampoo(net.named_parameters(), lr=1e-2, update_freq=2, start_step=2) for net in (eager, compiled))
    for _ in range(5):
        for net, optimizer in ((eager, a), (compiled, b)):
            optimizer.zero_grad()
            loss_of(net, *data()).backward()
            optimizer.step()
    for p, q in zip(eager.parameters(), source.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-4)
