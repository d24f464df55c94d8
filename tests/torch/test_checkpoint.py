"""Saving and loading: bit for bit, with torch's safe loader, by name, and through the distributed checkpoint."""

from __future__ import annotations

import io

import pytest
import torch

from oco.torch import Shampoo, SketchyShampoo

BOTH = pytest.mark.parametrize("optimizer_class", [SketchyShampoo, Shampoo])


def model(dtype=torch.float32):
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(7, 9), torch.nn.Tanh(), torch.nn.Linear(9, 3)).to(dtype)


def train(net, optimizer, steps, seed):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        inputs = torch.randn(16, 7, generator=generator).to(next(net.parameters()).dtype)
        optimizer.zero_grad()
        net(inputs).square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@BOTH
def test_p9_a_run_continues_bit_for_bit_after_save_and_safe_load(optimizer_class, dtype):
    options = {"lr": 1e-2, "update_freq": 3, "start_step": 4}
    if optimizer_class is SketchyShampoo:
        options["rank"] = lambda d: max(1, d // 3)
    net = model(dtype)
    optimizer = optimizer_class(net.named_parameters(), **options)
    train(net, optimizer, 8, seed=2)
    buffer = io.BytesIO()
    torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, buffer)
    buffer.seek(0)
    saved = torch.load(buffer, weights_only=True)
    other = model(dtype)
    other.load_state_dict(saved["net"])
    resumed = optimizer_class(other.named_parameters(), **options)
    resumed.load_state_dict(saved["optimizer"])
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        assert optimizer.state[p].keys() == resumed.state[q].keys()
        for name, value in optimizer.state[p].items():
            assert resumed.state[q][name].dtype == value.dtype == torch.float32
            assert torch.equal(resumed.state[q][name], value), name
    train(net, optimizer, 7, seed=3)
    train(other, resumed, 7, seed=3)
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q)


def test_p9_torchs_own_loading_would_round_the_state():
    """The reason for the override; once this fails, the override can go."""
    weight = torch.nn.Parameter(torch.randn(4, 4).bfloat16())
    optimizer = SketchyShampoo([weight])
    weight.grad = torch.randn(4, 4).bfloat16()
    optimizer.step()
    state = optimizer.state_dict()
    torch.optim.Optimizer.load_state_dict(optimizer, state)
    assert optimizer.state[weight]["exp_avg"].dtype == torch.bfloat16


@BOTH
def test_the_loaded_state_is_a_copy_and_hooks_are_honoured(optimizer_class):
    net = model()
    optimizer = optimizer_class(net.parameters())
    train(net, optimizer, 3, seed=0)
    saved = optimizer.state_dict()
    other = optimizer_class(net.parameters())
    other.register_load_state_dict_pre_hook(
        lambda _, d: {**d, "state": {k: {**s, "step": s["step"] + 5} for k, s in d["state"].items()}}
    )
    other.load_state_dict(saved)
    first = next(net.parameters())
    assert float(other.state[first]["step"]) == 8
    kept = saved["state"][0]["exp_avg"].clone()
    train(net, other, 2, seed=1)
    assert torch.equal(saved["state"][0]["exp_avg"], kept)


@BOTH
def test_the_state_is_flat_plain_tensors(optimizer_class):
    net = model()
    optimizer = optimizer_class(net.parameters())
    train(net, optimizer, 2, seed=0)
    for state in optimizer.state_dict()["state"].values():
        assert all(type(value) is torch.Tensor for value in state.values())
        assert {"step", "failures", "exp_avg"} <= state.keys()


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
@BOTH
def test_distributed_checkpoint_round_trip_by_name(optimizer_class, tmp_path):
    checkpoint = pytest.importorskip("torch.distributed.checkpoint")
    from torch.distributed.checkpoint.state_dict import (
        get_model_state_dict,
        get_optimizer_state_dict,
        set_model_state_dict,
        set_optimizer_state_dict,
    )

    net = model()
    optimizer = optimizer_class(net.parameters(), update_freq=2)
    train(net, optimizer, 5, seed=0)
    saved = {"model": get_model_state_dict(net), "optimizer": get_optimizer_state_dict(net, optimizer)}
    assert set(saved["optimizer"]["state"]) == {name for name, _ in net.named_parameters()}
    checkpoint.save(saved, checkpoint_id=str(tmp_path), no_dist=True)
    other = model()
    resumed = optimizer_class(other.parameters(), update_freq=2)
    target = {"model": get_model_state_dict(other), "optimizer": get_optimizer_state_dict(other, resumed)}
    checkpoint.load(target, checkpoint_id=str(tmp_path), no_dist=True)
    set_model_state_dict(other, target["model"])
    set_optimizer_state_dict(other, resumed, target["optimizer"])
    train(net, optimizer, 5, seed=4)
    train(other, resumed, 5, seed=4)
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q)
