"""SketchySOAP at the points where it is a published method, its state in floats, and its options."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from oco.errors import ConfigError
from oco.torch import (
    Compatibility,
    Momentum,
    Preconditioner,
    Shampoo,
    SketchyShampoo,
    SketchySOAP,
    Tail,
    Unsketched,
)
from oco.torch.members import BALANCES, CORES, CROSSES, TAILS

WIDE = torch.float64
# The sketches are those of the one gradient that is preconditioned.
ONE_STEP = {
    "lr": 1.0,
    "update_freq": 1,
    "start_step": 0,
    "basis_beta2": 0.0,
    "method": "gram64",
    "clip": None,
    "share": None,
}
VECTORS = pytest.mark.filterwarnings("ignore:.*none of the .* parameters of group:UserWarning")


def weights(*shapes, dtype=WIDE):
    return [torch.nn.Parameter(torch.randn(shape).to(dtype)) for shape in shapes]


def drive(optimizers, groups, steps, seed=0):
    """Give the parameters of all groups the same random gradients."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        for same in zip(*groups, strict=True):
            gradient = torch.randn(same[0].shape, generator=generator, dtype=WIDE)
            for param in same:
                param.grad = gradient.to(param.dtype)
        for optimizer in optimizers:
            optimizer.step()


def copies(params):
    return [torch.nn.Parameter(p.detach().clone()) for p in params]


def eigenbasis(covariance, before=None):
    """Eigenvectors in the order of falling eigenvalues."""
    return np.linalg.eigh(covariance)[1][:, ::-1]


@pytest.mark.parametrize("update_freq", [3, 1000])
def test_with_full_rank_and_an_adam_core_it_is_soap(update_freq):
    """Vyas et al. 2024, Algorithm 3: momentum in the parameters' coordinates, Adam's second moment in the eigenbasis.

    With update_freq=1000 the basis of step 1 stays, and nothing here but SOAP is tested. At a refresh second moments
    follow the squared overlaps of new and old eigenvectors.
    """
    (weight,) = weights((5, 5))
    options = {
        "betas": (0.9, 0.8),
        "update_freq": update_freq,
        "basis_beta2": 0.7,
        "method": "gram64",
        "clip": None,
        "share": None,
        "nesterov": False,
    }
    optimizer = SketchySOAP([weight], lr=0.1, rank=5, **options)
    left, right = np.zeros((5, 5)), np.zeros((5, 5))
    average, second, expected = np.zeros((5, 5)), np.zeros((5, 5)), weight.detach().numpy().copy()
    rows = columns = None
    for t in range(1, 12):
        gradient = np.random.default_rng(t).standard_normal((5, 5))
        weight.grad = torch.from_numpy(gradient)
        optimizer.step()
        average = 0.9 * average + 0.1 * gradient
        if (t - 1) % update_freq == 0:
            keep = 0.7**update_freq
            left = keep * left + (1 - keep) * gradient @ gradient.T
            right = keep * right + (1 - keep) * gradient.T @ gradient
            new_rows, new_columns = eigenbasis(left), eigenbasis(right)
            if rows is not None:
                second = (new_rows.T @ rows) ** 2 @ second @ ((new_columns.T @ columns) ** 2).T
            rows, columns = new_rows, new_columns
        if t == 1:  # the first step only fills the covariances
            continue
        second = 0.8 * second + 0.2 * (rows.T @ gradient @ columns) ** 2
        turned = rows.T @ (average / (1 - 0.9**t)) @ columns
        expected -= 0.1 * rows @ (turned / (np.sqrt(second / (1 - 0.8 ** (t - 1))) + 1e-8)) @ columns.T
        np.testing.assert_allclose(weight.detach().numpy(), expected, rtol=1e-7, atol=1e-9)


def test_with_full_rank_and_inverse_roots_it_is_shampoo():
    mine = weights((6, 4), (5, 5))
    theirs = copies(mine)
    common = {"lr": 0.1, "betas": (0.0, 0.9), "update_freq": 2, "start_step": 0, "graft": "none", "eps": 1e-7}
    point = {
        "core": "inverse_root",
        "cross": "tail",
        "tail": "escaped_mass",
        "method": "gram64",
        "clip": None,
        "share": None,
    }
    one = SketchySOAP(mine, rank=9, basis_beta2=0.9, **point, **common)
    two = Shampoo(theirs, **common)
    drive([one, two], [mine, theirs], 9)
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("graft", ["none", "factored"])
@pytest.mark.parametrize("method", ["gram64", "subspace"])
@pytest.mark.parametrize("nesterov", [False, True])
def test_inverse_roots_and_the_escaped_mass_are_the_paper_s_s_shampoo(graft, method, nesterov):
    mine = weights((8, 6), (7, 9))
    theirs = copies(mine)
    common = {"lr": 0.1, "betas": (0.9, 0.95), "rank": 3, "update_freq": 3, "graft": graft, "eps": 1e-7}
    common |= {"method": method, "nesterov": nesterov, "weight_decay": 0.1, "start_step": 4 if graft != "none" else 0}
    point = {"core": "inverse_root", "cross": "tail", "tail": "escaped_mass", "momentum": Momentum("update")}
    one = SketchySOAP(mine, basis_beta2=0.95, clip=None, share=None, **point, **common)
    two = SketchyShampoo(theirs, **common)
    drive([one, two], [mine, theirs], 10)
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


def test_the_mean_of_the_tail_replaces_the_escaped_mass_outside_the_bases():
    """The direction is (S_L + rho_L P_L + t_L (I - P_L))^{-1/4} G (...)^{-1/4} with t = (tr C - tr S) / (d - k)."""
    (weight,) = weights((8, 6))
    before = weight.detach().numpy().copy()
    options = {**ONE_STEP, "eps": 0.0}
    optimizer = SketchySOAP([weight], rank=2, core="inverse_root", cross="tail", tail="mean", **options)
    weight.grad = torch.randn(8, 6, dtype=WIDE)
    optimizer.step()
    gradient = weight.grad.numpy()

    def root(matrix):
        values, vectors = np.linalg.eigh(matrix)
        top, first = vectors[:, ::-1][:, :2], values[::-1]
        kept = first[:2] - first[2]
        outside = (first.sum() - kept.sum()) / (len(matrix) - 2)
        inside = (kept + first[2]) ** -0.25
        return top * inside @ top.T + outside**-0.25 * (np.eye(len(matrix)) - top @ top.T)

    expected = root(gradient @ gradient.T) @ gradient @ root(gradient.T @ gradient)
    np.testing.assert_allclose(before - weight.detach().numpy(), expected, rtol=1e-8, atol=1e-10)


def test_adam_with_a_modelled_tail_divides_by_the_kronecker_model_of_second_moments():
    """Outside the core ``E G_ij^2 = l_i r_j / tr`` with l and r the eigenvalues of both covariances, of equal trace."""
    (weight,) = weights((8, 6))
    before = weight.detach().numpy().copy()
    optimizer = SketchySOAP([weight], rank=2, cross="tail", tail="escaped_mass", **ONE_STEP)
    weight.grad = torch.randn(8, 6, dtype=WIDE)
    optimizer.step()
    u, s, vt = np.linalg.svd(weight.grad.numpy(), full_matrices=False)
    # Inside the core Adam's first step is the sign of each entry; the gradient has no cross parts at its own bases.
    tail = s[2:] * s[2] ** -2 * np.sqrt((s**2).sum())
    expected = u * np.concatenate([[1.0, 1.0], tail]) @ vt
    np.testing.assert_allclose(before - weight.detach().numpy(), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("nesterov", [False, True])
def test_with_rank_zero_and_an_orthogonal_tail_it_is_torch_s_muon(nesterov):
    """torch computes Newton-Schulz in bfloat16, whose 8 bits bound the agreement; lengths differ by its factor 0.2."""
    mine = weights((16, 8), (6, 12), dtype=torch.float32)
    theirs = copies(mine)
    common = {"nesterov": nesterov, "weight_decay": 0.1}
    one = SketchySOAP(mine, lr=0.02, betas=(0.9, 0.95), rank=0, tail="orthogonal", start_step=0, **common)
    two = torch.optim.Muon(theirs, lr=0.1, momentum=0.9, adjust_lr_fn="match_rms_adamw", **common)
    two.param_groups[0]["weight_decay"] = 0.02  # decoupled decay is multiplied by the rate, five times larger here
    start = copies(mine)
    drive([one, two], [mine, theirs], 5)
    for a, b, c in zip(*([p.detach() for p in side] for side in (mine, theirs, start)), strict=True):
        assert float((a - b).norm() / (a - c).norm()) < 0.02


def test_with_rank_zero_and_an_orthogonal_tail_every_step_is_muon_s_formula():
    (weight,) = weights((7, 5))
    optimizer = SketchySOAP([weight], lr=0.1, betas=(0.9, 0.95), rank=0, tail="orthogonal", start_step=0, nesterov=True)
    average = np.zeros((7, 5))
    for _ in range(4):
        weight.grad = torch.randn(7, 5, dtype=WIDE)
        before, gradient = weight.detach().numpy().copy(), weight.grad.numpy()
        optimizer.step()
        average = 0.9 * average + 0.1 * gradient
        u, s, vt = np.linalg.svd(0.9 * average + 0.1 * gradient, full_matrices=False)
        s = s / np.linalg.norm(s)
        for _ in range(5):
            s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
        np.testing.assert_allclose(weight.detach().numpy(), before - 0.1 * 7**0.5 * (u * s) @ vt, rtol=1e-9)


def test_with_rank_zero_and_a_factored_tail_it_is_the_factored_graft():
    mine = weights((7, 5), (6, 3, 2))
    theirs = copies(mine)
    common = {"lr": 0.1, "betas": (0.9, 0.95)}
    one = SketchySOAP(mine, rank=0, momentum=Momentum("update"), start_step=0, clip=None, **common)
    two = SketchyShampoo(theirs, start_step=1000, graft="factored", **common)
    drive([one, two], [mine, theirs], 6)
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


@VECTORS
@pytest.mark.parametrize("rate", [1.0, 5.0])
def test_unsketched_tensors_take_adamw_s_steps_at_their_own_rate(rate):
    mine = weights((7,), (30, 4))
    theirs = copies(mine)
    options = {"betas": (0.9, 0.95), "weight_decay": 0.1}
    one = SketchySOAP(
        mine,
        lr=0.01,
        nesterov=False,
        unsketched=Unsketched(rate=rate),
        preconditioner=Preconditioner(max_dim=20),
        **options,
    )
    two = torch.optim.AdamW(theirs, lr=0.01 * rate, **options)
    drive([one, two], [mine, theirs], 8)
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


def test_the_state_is_what_the_formulas_say_and_without_momentum_holds_no_array_of_the_weights_size():
    m, n, k = 40, 24, 5
    shapes = ((m, n), (m, 6, 4), (m,))
    basis, counters = k * (m + 1) + k * (n + 1) + 4, 4
    square, cross, rest = k * k, (k + n) + (m + k), m + n
    cases = {
        (): {"preconditioner": basis, "second_moments": square + cross + rest + 1},
        (("tail", "orthogonal"),): {"preconditioner": basis, "second_moments": square + cross + 1},
        (("tail", "orthogonal"), ("cross", "tail")): {"preconditioner": basis, "second_moments": square + 1},
        (("tail", "mean"), ("cross", "tail")): {"preconditioner": basis, "second_moments": square + 1},
        (("core", "inverse_root"), ("cross", "tail"), ("tail", "escaped_mass")): {
            "preconditioner": basis,
            "second_moments": 1,
        },
        (("betas", (0.9, 0.95)),): {
            "momentum": m * n,
            "preconditioner": basis,
            "second_moments": square + cross + rest + 1,
        },
        (("betas", (0.9, 0.95)), ("momentum", Momentum(storage="sketch"))): {
            "momentum": k * (m + n),
            "preconditioner": basis,
            "second_moments": square + cross + rest + 1,
        },
        (("betas", (0.9, 0.95)), ("momentum", Momentum(storage="bfloat16"))): {
            "momentum": m * n / 2,
            "preconditioner": basis,
            "second_moments": square + cross + rest + 1,
        },
    }
    for options, expected in cases.items():
        params = weights(*shapes, dtype=torch.float32)
        optimizer = SketchySOAP(params, rank=k, **dict(options))
        drive([optimizer], [params], 2)
        vector = {"momentum": 0.0, "second_moments": m}
        if "betas" in dict(options):
            storage = dict(options).get("momentum", Momentum()).storage
            vector["momentum"] = m / 2 if storage == "bfloat16" else m
        whole = {"momentum": 0, "graft": 0, "preconditioner": 0, "second_moments": 0, "counters": counters}
        held = {kind: 2 * expected.get(kind, 0) + vector.get(kind, 0) for kind in whole}
        held["counters"] = 3 * counters
        assert optimizer.state_bytes() == {**{kind: 4 * f for kind, f in held.items()}, "total": 4 * sum(held.values())}
        largest = max(value.numel() for p in params[:2] for value in optimizer.state[p].values())
        assert (largest < m * n) is (held["momentum"] == 0 or largest == k * m)


def test_a_basis_takes_at_most_its_share_of_the_matrix():
    (weight,) = weights((10, 400))
    optimizer = SketchySOAP([weight], rank=16)
    drive([optimizer], [[weight]], 2)
    # 0.25 * 400 > 10, and 0.25 * 10 = 2.5 directions of 400 entries.
    assert [row["rank"] for row in optimizer.report()] == [10, 2]
    (weight,) = weights((10, 400))
    optimizer = SketchySOAP([weight], rank=16, share=None)
    drive([optimizer], [[weight]], 2)
    assert [row["rank"] for row in optimizer.report()] == [10, 16]


def test_a_matrix_of_width_128_takes_less_than_a_third_of_a_float_for_each_weight():
    for shape, floats in (((128, 128), 0.31), ((128, 512), 0.20), ((512, 512), 0.08)):
        params = weights(shape, dtype=torch.float32)
        optimizer = SketchySOAP(params, rank=16)
        drive([optimizer], [params], 1)
        assert optimizer.state_bytes()["total"] / 4 / params[0].numel() < floats


POINTS = [(core, cross, tail, "none") for core in CORES for cross in CROSSES for tail in TAILS]
POINTS += [("adam", "factored", "orthogonal", balance) for balance in BALANCES[1:]]


@pytest.mark.parametrize(("core", "cross", "tail", "balance"), POINTS)
def test_every_member_goes_down_a_quadratic(core, cross, tail, balance):
    torch.manual_seed(1)
    target = torch.randn(12, 9) * torch.linspace(0.1, 2.0, 12)[:, None]
    (weight,) = weights((12, 9), dtype=torch.float32)
    options = {"core": core, "cross": cross, "tail": tail, "balance": balance, "update_freq": 3, "share": None}
    optimizer = SketchySOAP([weight], lr=0.06, rank=4, **options)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = (weight - target).square().sum()
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    assert losses[-1] < 0.7 * losses[0]


def test_rules_that_mean_nothing_are_refused_with_a_sentence():
    def refused(match, **options):
        with pytest.raises(ConfigError, match=match):
            SketchySOAP(weights((4, 3)), **options)

    refused("core", core="adagrad")
    refused("tail", tail="cut")
    refused("balance", balance="even")
    refused("needs the tail 'orthogonal'", balance="spectral")
    refused("without a tail", balance="rms", tail="dropped")
    refused("only 'orthogonal' takes them", tail={"method": "mean", "iterations": 3})
    refused("gradient only", momentum={"of": "update", "storage": "sketch"})
    refused("momentum value: 'trace'", momentum="trace")
    refused("index 1: 1.0", betas=(0.0, 1.0))
    refused("basis_beta2", basis_beta2=1.0)
    refused("vectors value", preconditioner=Preconditioner(vectors=True))
    refused("statistics value", compatibility=Compatibility(statistics="sum"))
    refused("rank value: -1 .an integer of at least 0", rank=-1)
    refused("momentum value: 'full' .a Momentum", momentum="full")
    refused("share value: inf", share=math.inf)
    refused("clip value: inf", clip=math.inf)
    with pytest.raises(ConfigError, match="unsketched_rate"):
        Unsketched(rate=-1.0)
    with pytest.raises(ConfigError, match="momentum"):
        SketchyShampoo(weights((4, 3)), momentum=Momentum())
    with pytest.raises(TypeError, match="core"):
        SketchyShampoo(weights((4, 3)), core="adam")
    with pytest.raises(ConfigError, match="rank"):
        SketchyShampoo(weights((4, 3)), rank=0)


def test_options_of_a_config_file_are_mappings():
    mine = weights((6, 5), (5,))
    theirs = copies(mine)
    given = {"tail": {"method": "orthogonal", "coefficients": "polar_express"}, "momentum": {"storage": "bfloat16"}}
    one = SketchySOAP(mine, betas=[0.9, 0.95], rank=2, unsketched={"rate": 5.0}, **given)
    records = {"tail": Tail("orthogonal", coefficients="polar_express"), "momentum": Momentum(storage="bfloat16")}
    two = SketchySOAP(theirs, betas=(0.9, 0.95), rank=2, unsketched=Unsketched(rate=5.0), **records)
    drive([one, two], [mine, theirs], 5)
    for a, b in zip(mine, theirs, strict=True):
        assert torch.equal(a, b)
