"""What may be handed to the optimizers: options of any type, shards, groups without matrices, a compiled step."""

from __future__ import annotations

import os
import warnings

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from oco.errors import ConfigError
from oco.torch import Preconditioner, Shampoo, SketchyShampoo

BOTH = pytest.mark.parametrize("optimizer_class", [SketchyShampoo, Shampoo])
GLOO = pytest.mark.skipif(not dist.is_available() or not dist.is_gloo_available(), reason="this torch has no gloo")


def parameter(*shape):
    return torch.nn.Parameter(torch.zeros(shape))


SWITCHES = ("relative_eps", "nesterov", "bias_correction", "vectors", "pseudo_inverse", "maximize")
NUMBERS = ("lr", "eps", "graft_eps", "weight_decay", "update_freq", "max_dim", "merge_dims", "max_failures")
CHOICES = ("graft", "momentum", "merge", "statistics", "method", "tail_decay", "allocate_by")
VALUES = ("1e-3", None, True, (1.0, 2.0), [], {}, float("nan"), float("inf"), 1j, object())
ALLOWED = [*((name, True) for name in SWITCHES), *((name, None) for name in ("start_step", "exponent", "budget"))]
# An empty table of ranks is of the right type, and lacks the dimension: tested below.
ALLOWED += [("reallocate_at", []), ("rank", {})]
WRONG = [
    (name, value)
    for name in (*SWITCHES, *NUMBERS, *CHOICES, "betas", "start_step", "exponent", "rank", "budget", "reallocate_at")
    for value in VALUES
    if not any(name == n and type(value) is type(v) and value == v for n, v in ALLOWED)
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_value_of_the_wrong_type_is_refused_in_one_sentence(name, value):
    label = {"lr": "learning rate", "betas": "beta", "eps": "epsilon"}.get(name, name)
    with pytest.raises(ConfigError, match=f"^Invalid {label}") as caught:
        SketchyShampoo([parameter(4, 3)], **{name: value})
    assert isinstance(caught.value, ValueError)
    assert "allowed" in str(caught.value) or name == "budget"


@pytest.mark.parametrize("betas", [0.9, (0.9,), (0.9, 0.99, 0.999), "ab", ("0.9", 0.99), (0.9, None)])
def test_betas_are_a_pair_of_numbers(betas):
    with pytest.raises(ConfigError, match="^Invalid beta"):
        Shampoo([parameter(4, 3)], betas=betas)


@BOTH
def test_the_learning_rate_may_be_a_tensor(optimizer_class):
    one, two = parameter(4, 3), parameter(4, 3)
    first, second = optimizer_class([one], lr=0.25), optimizer_class([two], lr=torch.tensor(0.25))
    for _ in range(3):
        one.grad = torch.randn(4, 3)
        two.grad = one.grad.clone()
        first.step(), second.step()
    assert torch.equal(one, two)
    with pytest.raises(ConfigError, match="Invalid learning rate"):
        optimizer_class([one], lr=torch.ones(2))


def test_a_table_of_ranks_needs_every_dimension():
    for table in ({}, {3: 1}):
        with pytest.raises(ConfigError, match="no entry for the dimension 4"):
            SketchyShampoo([parameter(4, 3)], rank=table)


@BOTH
def test_a_group_in_which_nothing_is_preconditioned_warns(optimizer_class):
    groups = [{"params": [parameter(4, 3), parameter(4)]}, {"params": [parameter(4), parameter(1, 3)]}]
    with pytest.warns(UserWarning, match=r"none of the 2 parameters of group 1 is preconditioned .* graft='factored'"):
        optimizer_class(groups)
    with pytest.warns(UserWarning, match=r"none of the 1 parameters of group 0 .* above max_dim=3"):
        optimizer_class([parameter(4, 3)], preconditioner=Preconditioner(max_dim=3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        groups[1]["preconditioner"] = Preconditioner(max_dim=1)
        optimizer_class(groups)
        optimizer_class([parameter(4)], preconditioner=Preconditioner(vectors=True))


@GLOO
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@BOTH
def test_a_replicated_dtensor_is_refused_without_a_word_of_shards(optimizer_class, tmp_path):
    tensor = pytest.importorskip("torch.distributed.tensor")
    from torch.distributed.device_mesh import init_device_mesh

    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1)
    try:
        mesh = init_device_mesh("cpu", (1,))
        weight = torch.nn.Parameter(tensor.distribute_tensor(torch.randn(8, 4), mesh, [tensor.Replicate()]))
        with pytest.raises(NotImplementedError, match="parameter w: it is a DTensor, replicated") as caught:
            optimizer_class([("w", weight)])
        assert "shard" not in str(caught.value)
    finally:
        dist.destroy_process_group()


def flat_shards(rank, folder):
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    warnings.simplefilter("ignore")
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2)
    from torch.distributed.fsdp import FullyShardedDataParallel

    sentences = []
    for original in (True, False):
        net = FullyShardedDataParallel(torch.nn.Linear(8, 8), use_orig_params=original, device_id=torch.device("cpu"))
        for optimizer_class in (SketchyShampoo, Shampoo):
            try:
                optimizer_class(net.named_parameters())
                sentences.append("accepted")
            except NotImplementedError as error:
                sentences.append(str(error))
    torch.save(sentences, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
@GLOO
def test_flat_shards_are_refused_on_every_rank(tmp_path):
    mp.spawn(flat_shards, args=(str(tmp_path),), nprocs=2, join=True)
    for rank in range(2):
        sentences = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert len(sentences) == 4
        for sentence in sentences:
            assert "cannot take parameter" in sentence
            assert "FullyShardedDataParallel made it a flat shard" in sentence


@BOTH
def test_torch_compile_leaves_the_step_as_it_is(optimizer_class):
    """No graph is handed to the backend, and the steps are those of the plain optimizer to the last bit."""
    graphs, runs = [], []

    def backend(graph, _):
        graphs.append(graph)
        return graph.forward

    for compiled in (False, True):
        torch.manual_seed(0)
        params = [torch.nn.Parameter(torch.randn(6, 5)), torch.nn.Parameter(torch.randn(5))]
        optimizer = optimizer_class(params, update_freq=2, start_step=2)
        step = torch.compile(optimizer.step, backend=backend) if compiled else optimizer.step
        for _ in range(5):
            for p in params:
                p.grad = torch.randn(p.shape)
            step()
        runs.append(params)
    for eager, other in zip(*runs, strict=True):
        assert torch.equal(eager, other)
    assert graphs == []
