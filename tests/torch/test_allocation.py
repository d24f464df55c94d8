"""Dividing a budget of sketch floats over axes, before and during training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from oco.torch import RankBudget, SketchyShampoo
from oco.torch.allocation import allocate_ranks, axis_cost

AXES = st.lists(st.tuples(st.integers(1, 200), st.floats(0.0, 100.0)), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(AXES, st.floats(0.0, 1.0))
def test_the_budget_is_kept_used_and_monotone_in_the_score(axes, share):
    dims, scores = [d for d, _ in axes], [s for _, s in axes]
    least, most = (sum(axis_cost(d, k(d)) for d in dims) for k in (lambda d: 1, lambda d: d))
    budget = int(least + share * (most - least))
    ranks = allocate_ranks(dims, scores, budget)
    spent = sum(axis_cost(d, k) for d, k in zip(dims, ranks, strict=True))
    assert all(1 <= k <= d for d, k in zip(dims, ranks, strict=True))
    assert spent <= budget
    open_axes = [d for d, k in zip(dims, ranks, strict=True) if k < d]
    assert not open_axes or budget - spent < min(open_axes) + 1
    for (d, s), k in zip(axes, ranks, strict=True):
        for (other, t), j in zip(axes, ranks, strict=True):
            if d == other and s > t:
                assert k >= j


def test_equal_scores_give_equal_ranks_and_more_score_more_rank():
    assert allocate_ranks([50, 50, 50], [1.0, 1.0, 1.0], 3 * axis_cost(50, 7)) == [7, 7, 7]
    assert allocate_ranks([50, 50], [1.0, 4.0], axis_cost(50, 5) + axis_cost(50, 20)) == [5, 20]
    with pytest.raises(ValueError, match="Invalid budget"):
        allocate_ranks([50], [1.0], 10)
    with pytest.raises(ValueError, match="Invalid scores"):
        allocate_ranks([50], [float("nan")], 1000)


def flat_and_thin():
    """Two equal parameters: one with gradients of full rank, one with gradients of rank one."""
    torch.manual_seed(0)
    params = [torch.nn.Parameter(torch.zeros(20, 20, dtype=torch.float64)) for _ in range(2)]
    vectors = torch.randn(20, dtype=torch.float64), torch.randn(20, dtype=torch.float64)

    def step(optimizer):
        params[0].grad = torch.randn(20, 20, dtype=torch.float64)
        params[1].grad = torch.outer(*vectors) * torch.randn((), dtype=torch.float64)
        optimizer.step()

    return params, step


@pytest.mark.parametrize("allocate_by", ["escaped_mass", "intrinsic_dimension"])
def test_ranks_move_to_the_axes_that_need_them_without_losing_state(allocate_by):
    params, step = flat_and_thin()
    budget = 4 * axis_cost(20, 6)
    optimizer = SketchyShampoo(
        params,
        rank=RankBudget(budget, by=allocate_by, reallocate_at=(30,)),
        method="gram64",
        update_freq=1,
        betas=(0.9, 0.95),
    )
    covariance = torch.zeros(20, 20, dtype=torch.float64)
    for t in range(60):
        step(optimizer)
        covariance = 0.95 * covariance + 0.05 * params[0].grad @ params[0].grad.T
        state = optimizer.state[params[0]]
        sketched = (state["basis_0"] * state["singular_values_0"].square()) @ state["basis_0"].T
        gap = torch.linalg.eigvalsh(covariance - sketched)
        assert gap[0] >= -1e-9
        assert gap[-1] <= float(state["root_escaped_0"]) ** 2 + 1e-9
        ranks = [row["rank"] for row in optimizer.report()]
        assert ranks == [6, 6, 6, 6] if t < 29 else ranks[0] > 6 > ranks[2]
        spent = optimizer.state_bytes()["preconditioner"] // 8
        assert spent <= budget


def test_shrinking_axes_keep_the_sandwich_inside_a_run():
    params, step = flat_and_thin()
    options = {"update_freq": 1, "betas": (0.9, 0.95), "method": "gram64"}
    optimizer = SketchyShampoo(params, rank=RankBudget(4 * axis_cost(20, 8)), **options)
    covariance = torch.zeros(20, 20, dtype=torch.float64)
    for _ in range(20):
        step(optimizer)
        covariance = 0.95 * covariance + 0.05 * params[0].grad @ params[0].grad.T
    shapes = {p: tuple(p.shape) for p in params}
    optimizer._reallocate(shapes, RankBudget(4 * axis_cost(20, 3)))
    state = optimizer.state[params[0]]
    assert state["basis_0"].shape[1] < 8
    sketched = (state["basis_0"] * state["singular_values_0"].square()) @ state["basis_0"].T
    gap = torch.linalg.eigvalsh(covariance - sketched)
    assert gap[0] >= -1e-9
    assert gap[-1] <= float(state["root_escaped_0"]) ** 2 + 1e-9


def test_a_reallocated_run_resumes_from_its_checkpoint():
    params, step = flat_and_thin()
    options = {"rank": RankBudget(0.9, reallocate_at=(5,)), "update_freq": 1, "start_step": 2}
    optimizer = SketchyShampoo(params, **options)
    for _ in range(8):
        step(optimizer)
    twins = [torch.nn.Parameter(p.detach().clone()) for p in params]
    resumed = SketchyShampoo(twins, **options)
    resumed.load_state_dict(optimizer.state_dict())
    for _ in range(4):
        step(optimizer)
        for p, q in zip(params, twins, strict=True):
            q.grad = p.grad.clone()
        resumed.step()
    for p, q in zip(params, twins, strict=True):
        np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())
