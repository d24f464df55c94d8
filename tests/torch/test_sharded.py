"""FSDP2 and ZeRO on two and four processes against one process: steps, states, the tail bound, checkpoints."""

from __future__ import annotations

import os
import warnings

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from oco.errors import ConfigError
from oco.torch import Preconditioner, RankBudget, ShardedOptimizer, SketchyShampoo

GLOO = pytest.mark.skipif(not dist.is_available() or not dist.is_gloo_available(), reason="this torch has no gloo")
# Averages of shards and of the whole batch differ by round-off, which inverse roots amplify.
TOLERANCE = 1e-8
RANK, FREQ, STEPS, BREAK = 3, 2, 12, 6
OPTIONS = {"rank": RANK, "update_freq": FREQ, "start_step": 3, "betas": (0.9, 0.99), "method": "gram64"}


def build():
    """Odd sizes: with four processes the five rows of the last layer are divided 2, 2, 1, 0."""
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(10, 12), torch.nn.Tanh(), torch.nn.Linear(12, 5)).double()


def groups(net):
    matrices, vectors = ([(n, p) for n, p in net.named_parameters() if (p.ndim > 1) == big] for big in (True, False))
    graft_only = {"params": vectors, "lr": 5e-3, "preconditioner": Preconditioner(max_dim=1)}
    return [{"params": matrices, "weight_decay": 0.1}, graft_only]


def batch(step, part):
    generator = torch.Generator().manual_seed(step)
    return (torch.randn(16, d, generator=generator, dtype=torch.float64)[part] for d in (10, 5))


def train(net, optimizer, part, steps, before_step=lambda: None):
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda count: 0.9**count)
    for _ in range(steps.start):
        scheduler.optimizer._opt_called = True  # the count is that of the run that is continued
        scheduler.step()
    for step in steps:
        inputs, targets = batch(step, part)
        optimizer.zero_grad()
        (net(inputs) - targets).square().mean().backward()
        before_step()
        optimizer.step()
        scheduler.step()


def alone():
    net = build()
    optimizer = SketchyShampoo(groups(net), lr=1e-2, **OPTIONS)
    train(net, optimizer, slice(None), range(STEPS))
    return net, optimizer


def whole(net):
    return [p.full_tensor().detach() for p in net.parameters()]


def sharded(world):
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    net = fully_shard(build(), mesh=init_device_mesh("cpu", (world,)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a process that owns vectors only does not warn of that
        return net, ShardedOptimizer(groups(net), SketchyShampoo, lr=1e-2, **OPTIONS)


def run_sharded(rank, world, part, folder):
    net, optimizer = sharded(world)
    seen = []
    train(net, optimizer, part, range(BREAK), lambda: seen.append([p.grad.full_tensor() for p in net.parameters()]))
    torch.save(optimizer.state_dict(), f"{folder}/state{rank}.pt")
    middle = whole(net)
    train(
        net, optimizer, part, range(BREAK, STEPS), lambda: seen.append([p.grad.full_tensor() for p in net.parameters()])
    )
    dist.barrier()
    saved = [torch.load(f"{folder}/state{r}.pt", weights_only=True) for r in range(world)]
    union = {**saved[0], "state": {index: value for one in saved for index, value in one["state"].items()}}
    other, resumed = sharded(world)
    with torch.no_grad():
        for param, value in zip(other.parameters(), middle, strict=True):
            param.copy_(torch.distributed.tensor.distribute_tensor(value, param.device_mesh, param.placements))
    resumed.load_state_dict(union)
    train(other, resumed, part, range(BREAK, STEPS))
    return {
        "weights": whole(net),
        "resumed": whole(other),
        "gradients": seen,
        "state": optimizer.state_dict()["state"],
        "bytes": optimizer.state_bytes(),
        "report": optimizer.report(),
    }


def run_replicated(part, zero):
    from torch.distributed.optim import ZeroRedundancyOptimizer

    net = torch.nn.parallel.DistributedDataParallel(build())
    make = SketchyShampoo if not zero else lambda params, **o: ZeroRedundancyOptimizer(params, SketchyShampoo, **o)
    optimizer = make(net.parameters(), lr=1e-2, weight_decay=0.1, **OPTIONS)
    train(net, optimizer, part, range(STEPS))
    held = optimizer.optim.state_bytes() if zero else optimizer.state_bytes()
    return {"weights": [p.detach().clone() for p in net.parameters()], "bytes": held["total"]}


def worker(rank, world, folder):
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=world)
    size = 16 // world
    part = slice(size * rank, size * rank + size)
    found = {"sharded": run_sharded(rank, world, part, folder)}
    found |= {name: run_replicated(part, name == "zero") for name in ("ddp", "zero")}
    torch.save(found, f"{folder}/{rank}.pt")
    dist.destroy_process_group()
    os._exit(0)  # leaving as usual, a process has been seen to wait for a thread of gloo for ever


@pytest.fixture(scope="module", params=[2, pytest.param(4, marks=pytest.mark.slow)])
def found(request, tmp_path_factory):
    """What every process of a run returned."""
    folder = tmp_path_factory.mktemp("sharded")
    mp.spawn(worker, args=(request.param, str(folder)), nprocs=request.param, join=True)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(request.param)]


@GLOO
def test_sharded_steps_are_those_of_one_process(found):
    net, _ = alone()
    start = build()
    for one in found:
        for p, q, before in zip(one["sharded"]["weights"], net.parameters(), start.parameters(), strict=True):
            torch.testing.assert_close(p, q.detach(), rtol=TOLERANCE, atol=TOLERANCE)
            assert float((q - before).detach().abs().max()) > 1e-2


@GLOO
def test_the_states_of_all_processes_together_are_those_of_one(found):
    _, optimizer = alone()
    expected = optimizer.state_dict()["state"]
    owned = [set(one["sharded"]["state"]) for one in found]
    assert sorted(index for own in owned for index in own) == sorted(expected)
    assert max(len(own) for own in owned) < len(expected)
    for one in found:
        for index, state in one["sharded"]["state"].items():
            assert state.keys() == expected[index].keys()
            for name, value in state.items():
                if not name.startswith("basis"):  # the sign of an eigenvector is free
                    torch.testing.assert_close(value, expected[index][name], rtol=1e-6, atol=1e-9)
    assert sum(one["sharded"]["bytes"]["total"] for one in found) == optimizer.state_bytes()["total"]
    names = [row["parameter"] for one in found for row in one["sharded"]["report"]]
    assert sorted(names) == ["0.weight", "0.weight", "2.weight", "2.weight"]


@GLOO
def test_the_sketches_keep_the_tail_bound(found):
    """S <= C <= S + rho I, and rho is at most the mass of the tail beyond j directions over k + 1 - j, for all j."""
    decay = OPTIONS["betas"][1] ** FREQ
    checked = 0
    for one in found:
        for index, number in ((0, 0), (1, 2)):  # index in the groups, number among the network's parameters
            state = one["sharded"]["state"].get(index)
            for axis in range(2 if state else 0):
                gradients = [gradients[number] for gradients in one["sharded"]["gradients"][::FREQ]]
                covariance = torch.zeros(gradients[0].shape[axis], gradients[0].shape[axis], dtype=torch.float64)
                for gradient in gradients:
                    block = gradient if axis == 0 else gradient.mT
                    covariance = decay * covariance + (1.0 - decay) * block @ block.mT
                basis, roots = state[f"basis_{axis}"], state[f"singular_values_{axis}"]
                gap = covariance - (basis * roots.square()) @ basis.mT
                escaped, scale = float(state[f"root_escaped_{axis}"] ** 2), float(covariance.trace())
                values = torch.linalg.eigvalsh(gap)
                assert float(values[0]) >= -1e-12 * scale
                assert float(values[-1]) <= escaped + 1e-12 * scale
                tails = torch.linalg.eigvalsh(covariance).flip(0).clamp(min=0.0)
                bounds = [float(tails[j:].sum()) / (RANK + 1 - j) for j in range(RANK + 1)]
                assert 1e-6 * scale < escaped <= min(bounds) + 1e-12 * scale
                checked += 1
    assert checked == 4


@GLOO
def test_a_sharded_run_continues_from_its_states_bit_for_bit(found):
    for one in found:
        assert all(torch.equal(p, q) for p, q in zip(one["sharded"]["weights"], one["sharded"]["resumed"], strict=True))


@GLOO
def test_zero_equals_replicas_bit_for_bit(found):
    for one in found:
        assert all(torch.equal(p, q) for p, q in zip(one["ddp"]["weights"], one["zero"]["weights"], strict=True))
    assert sum(one["zero"]["bytes"] for one in found) == found[0]["ddp"]["bytes"]
    assert max(one["zero"]["bytes"] for one in found) < found[0]["ddp"]["bytes"]


@GLOO
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_what_is_refused_with_the_reason(tmp_path):
    tensor = pytest.importorskip("torch.distributed.tensor")
    from torch.distributed.device_mesh import init_device_mesh

    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1)
    try:
        line, square = init_device_mesh("cpu", (1,)), init_device_mesh("cpu", (1, 1))
        weight = torch.nn.Parameter(tensor.distribute_tensor(torch.randn(8, 4), line, [tensor.Shard(0)]))
        with pytest.raises(NotImplementedError, match=r"use oco.torch.ShardedOptimizer, or plain parameters"):
            SketchyShampoo([weight])
        with pytest.raises(ConfigError, match="parameter 1 is no DTensor; .* use the optimizer itself"):
            ShardedOptimizer([weight, torch.nn.Parameter(torch.zeros(3, 2))], SketchyShampoo)
        hybrid = tensor.distribute_tensor(torch.randn(8, 4), square, [tensor.Replicate(), tensor.Shard(0)])
        with pytest.raises(NotImplementedError, match="parameter 0: its mesh is .* one mesh of one dimension"):
            ShardedOptimizer([torch.nn.Parameter(hybrid)], SketchyShampoo)
        for rank in (RankBudget(1.0), {"floats": 1.0}):
            with pytest.raises(ConfigError, match="cannot divide a RankBudget"):
                ShardedOptimizer([weight], SketchyShampoo, rank=rank)
        with pytest.raises(ConfigError, match="Invalid rank value: 0"):
            ShardedOptimizer([weight], SketchyShampoo, rank=0)
        optimizer = ShardedOptimizer([weight], SketchyShampoo)
        before = optimizer.state_dict()
        with pytest.raises(ConfigError, match="state of parameter 0 is missing; give the union"):
            optimizer.load_state_dict({**before, "state": {}})
        optimizer.load_state_dict(before)
        assert optimizer.state_dict() == before
        assert optimizer.state_bytes()["total"] == 0
        with pytest.raises(ConfigError, match="when it is constructed, not later"):
            optimizer.add_param_group({"params": [weight]})
    finally:
        dist.destroy_process_group()
