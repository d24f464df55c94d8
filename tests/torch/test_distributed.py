"""Two replicas on halves of a batch against one process on the whole, and the refusal of shards."""

from __future__ import annotations

import os

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from oco.torch import Shampoo, SketchyShampoo

# Averaging two halves and one whole differ by round-off, which inverse roots amplify: float64 keeps that below 1e-8.
TOLERANCE = 1e-8


def build():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(10, 12), torch.nn.Tanh(), torch.nn.Linear(12, 4)).double()


def batch(step):
    generator = torch.Generator().manual_seed(step)
    return tuple(torch.randn(16, d, generator=generator, dtype=torch.float64) for d in (10, 4))


def train(net, part, steps=12):
    optimizer = SketchyShampoo(net.parameters(), lr=1e-2, rank=4, update_freq=2, start_step=3)
    for step in range(steps):
        inputs, targets = (tensor[part] for tensor in batch(step))
        optimizer.zero_grad()
        (net(inputs) - targets).square().mean().backward()
        optimizer.step()
    return [p.detach().clone() for p in net.parameters()]


def worker(rank, folder):
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2)
    net = torch.nn.parallel.DistributedDataParallel(build())
    found = train(net, slice(8 * rank, 8 * rank + 8))
    torch.save(found, f"{folder}/{rank}.pt")
    dist.destroy_process_group()
    os._exit(0)  # leaving as usual, a process has been seen to wait for a thread of gloo for ever


@pytest.mark.skipif(not dist.is_available() or not dist.is_gloo_available(), reason="this torch has no gloo")
def test_two_replicas_agree_with_one_process_on_the_joined_batch(tmp_path):
    mp.spawn(worker, args=(str(tmp_path),), nprocs=2, join=True)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    alone, start = train(build(), slice(None)), [p.detach() for p in build().parameters()]
    for a, b, c, before in zip(first, second, alone, start, strict=True):
        assert torch.equal(a, b)
        torch.testing.assert_close(a, c, rtol=TOLERANCE, atol=TOLERANCE)
        assert float((c - before).abs().max()) > 1e-2


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("optimizer_class", [SketchyShampoo, Shampoo])
def test_sharded_parameters_are_refused_by_name(optimizer_class, tmp_path):
    tensor = pytest.importorskip("torch.distributed.tensor")
    from torch.distributed.device_mesh import init_device_mesh

    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1)
    try:
        mesh = init_device_mesh("cpu", (1,))
        weight = torch.nn.Parameter(tensor.distribute_tensor(torch.randn(8, 4), mesh, [tensor.Shard(0)]))
        with pytest.raises(NotImplementedError, match="cannot take parameter encoder.weight: it is a DTensor"):
            optimizer_class([("encoder.weight", weight)])
    finally:
        dist.destroy_process_group()
