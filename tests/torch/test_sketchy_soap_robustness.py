"""SketchySOAP in use: extreme and non-finite gradients, half precision, checkpoints, options that change."""

from __future__ import annotations

import copy
import io
import pickle
import warnings

import pytest
import torch

from oco.errors import ConfigError
from oco.torch import Momentum, RankBudget, SketchyShampoo, SketchySOAP, Tail, Unsketched

MEMBERS = {
    "default": {},
    "orthogonal": {"tail": Tail("orthogonal"), "betas": (0.9, 0.95), "nesterov": True, "balance": "noise"},
    "sketched momentum": {"betas": (0.9, 0.95), "momentum": Momentum(storage="sketch")},
    "bfloat16": {"betas": (0.9, 0.95), "momentum": Momentum(storage="bfloat16"), "unsketched": Unsketched("factored")},
    "roots": {"core": "inverse_root", "cross": "tail", "tail": "mean", "graft": "factored"},
    "model": {"tail": "escaped_mass", "balance": "trust_ratio"},
    "spectral": {"tail": "orthogonal", "cross": "tail", "balance": "spectral"},
}
EVERY = pytest.mark.parametrize("options", MEMBERS.values(), ids=MEMBERS)


def build(dtype=torch.float32, seed=0, **options):
    generator = torch.Generator().manual_seed(seed)
    shapes = ((8, 6), (8, 3, 2), (5,), (8, 6))
    params = [torch.nn.Parameter(torch.randn(s, generator=generator).to(dtype)) for s in shapes]
    named = [(f"layer{i}", p) for i, p in enumerate(params)]
    return params, SketchySOAP(named, lr=0.01, rank=2, update_freq=3, share=None, **options)


def drive(optimizer, params, first, last):
    for step in range(first, last):
        generator = torch.Generator().manual_seed(step)
        for p in params:
            p.grad = torch.randn(p.shape, generator=generator).to(p.dtype)
        optimizer.step()


@EVERY
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_a_run_that_is_saved_and_loaded_goes_on_bit_for_bit(options, dtype):
    straight, optimizer = build(dtype, **options)
    drive(optimizer, straight, 0, 11)
    half, first = build(dtype, **options)
    drive(first, half, 0, 5)
    file = io.BytesIO()
    torch.save({"weights": [p.detach() for p in half], "optimizer": first.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    resumed, second = build(dtype, seed=1, **options)
    with torch.no_grad():
        for p, value in zip(resumed, saved["weights"], strict=True):
            p.copy_(value)
    second.load_state_dict(saved["optimizer"])
    drive(second, resumed, 5, 11)
    for p, q in zip(straight, resumed, strict=True):
        assert torch.equal(p, q)
    for p, q in zip(straight, resumed, strict=True):
        assert optimizer.state[p].keys() == second.state[q].keys()
        for name, value in optimizer.state[p].items():
            assert torch.equal(value, second.state[q][name])
            assert value.dtype == second.state[q][name].dtype


@EVERY
def test_copies_and_pickles_are_equal_optimizers(options):
    params, optimizer = build(**options)
    drive(optimizer, params, 0, 4)
    for other in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        theirs = [p for group in other.param_groups for p in group["params"]]
        own = [torch.nn.Parameter(p.detach().clone()) for p in params]
        with torch.no_grad():
            for p, q in zip(params, own, strict=True):
                q.copy_(p)
        drive(other, theirs, 4, 7)
        assert not torch.equal(theirs[0], own[0])
    drive(optimizer, params, 4, 7)
    for p, q in zip(params, theirs, strict=True):
        assert torch.equal(p, q)


@EVERY
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_one_extreme_gradient_leaves_weights_and_state_finite_and_moving(options, dtype):
    for size in (1e-45, 1e19, 3e38):
        for at in (0, 3, 4):
            params, optimizer = build(dtype, **options)
            for step in range(7):
                before = params[0].detach().clone()
                generator = torch.Generator().manual_seed(step)
                for p in params:
                    values = torch.randn(p.shape, generator=generator)
                    p.grad = (torch.sign(values) * size if step == at else values).to(dtype)
                optimizer.step()
                for p in params:
                    assert torch.isfinite(p).all(), (size, at, step)
                    assert all(torch.isfinite(value).all() for value in optimizer.state[p].values()), (size, at, step)
            # After a first gradient of 1e-45 the limit on norms, a thousand times what was seen, needs steps to grow;
            # after one of 3e38 steps are below the resolution of bfloat16 for a while.
            assert at == 0 or dtype == torch.bfloat16 or not torch.equal(before, params[0])
            assert set(optimizer.skipped_steps().values()) == {0}


def test_an_inverse_root_forgets_a_long_first_gradient_at_the_rate_of_the_basis():
    """Of equal gradients, the first F times as long, L and R are multiples c of G G' and G' G; steps have c^(-1/2)."""
    torch.manual_seed(0)
    gradient, decay, longer, steps = torch.randn(5, 4, dtype=torch.float64), 0.9, 100.0, 30
    moved = {}
    for first in (1.0, longer):
        weight = torch.nn.Parameter(torch.zeros(5, 4, dtype=torch.float64))
        options = {"core": "inverse_root", "cross": "tail", "tail": "escaped_mass", "clip": None, "eps": 1e-14}
        optimizer = SketchySOAP(
            [weight], lr=1.0, rank=5, share=None, basis_beta2=decay, update_freq=1, start_step=0, **options
        )
        for step in range(steps):
            before = weight.detach().clone()
            weight.grad = gradient * (first if step == 0 else 1.0)
            optimizer.step()
        moved[first] = (weight.detach() - before).norm()
    left = longer**2 * (1.0 - decay) * decay ** (steps - 1) + 1.0 - decay ** (steps - 1)
    assert moved[longer] / moved[1.0] == pytest.approx((left / (1.0 - decay**steps)) ** -0.5, rel=1e-6)
    assert moved[longer] < 0.2 * moved[1.0]


@EVERY
def test_gradients_that_stay_tiny_or_huge_leave_finite_weights(options):
    for size in (1e-38, 1e-20, 1e18, 1e38):
        params, optimizer = build(**options)
        for step in range(9):
            generator = torch.Generator().manual_seed(step)
            for p in params:
                p.grad = torch.sign(torch.randn(p.shape, generator=generator)) * size
            optimizer.step()
        assert all(torch.isfinite(p).all() for p in params), size


@EVERY
def test_a_gradient_that_is_not_finite_is_skipped_with_a_warning_and_leaves_the_others_alone(options):
    params, optimizer = build(**options)
    twins, other = build(**options)
    drive(optimizer, params, 0, 4), drive(other, twins, 0, 4)
    for p, q in zip(params, twins, strict=True):
        p.grad = torch.ones_like(p)
        q.grad = p.grad.clone()
    params[0].grad[1, 1] = torch.nan
    optimizer.step(), other.step()
    with pytest.warns(RuntimeWarning, match="layer0"):  # at the next refresh
        drive(optimizer, params, 5, 9)
    drive(other, twins, 5, 9)
    assert optimizer.skipped_steps() == {"layer0": 1, "layer1": 0, "layer2": 0, "layer3": 0}
    assert torch.isfinite(params[0]).all()
    for p, q in zip(params[1:], twins[1:], strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-6)


@EVERY
def test_a_zero_gradient_moves_nothing_at_the_start_and_later(options):
    params, optimizer = build(**options | {"start_step": 0})
    before = [p.detach().clone() for p in params]
    for _ in range(5):
        for p in params:
            p.grad = torch.zeros_like(p)
        optimizer.step()
    assert all(torch.equal(p, q) for p, q in zip(params, before, strict=True))
    drive(optimizer, params, 0, 4)
    assert all(torch.isfinite(p).all() and not torch.equal(p, q) for p, q in zip(params, before, strict=True))


@EVERY
def test_stacks_of_equal_shapes_move_as_each_tensor_alone_would(options):
    if options.get("momentum") == Momentum(storage="bfloat16"):
        options = options | {"momentum": Momentum()}  # random bits differ between a stack and its rows
    params, optimizer = build(torch.float64, **options)
    alone = [torch.nn.Parameter(p.detach().clone()) for p in params]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the vector alone is a group without a preconditioned tensor
        others = [SketchySOAP([p], lr=0.01, rank=2, update_freq=3, share=None, **options) for p in alone]
    for step in range(8):
        generator = torch.Generator().manual_seed(step)
        for p, q in zip(params, alone, strict=True):
            p.grad = torch.randn(p.shape, generator=generator, dtype=torch.float64)
            q.grad = p.grad.clone()
        optimizer.step()
        for other in others:
            other.step()
    for p, q in zip(params, alone, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-8, atol=1e-10)


@EVERY
@pytest.mark.parametrize("rank", [1, 4, 0, 20])
def test_another_rank_resizes_all_that_depends_on_it(options, rank):
    params, optimizer = build(**options)
    drive(optimizer, params, 0, 5)
    optimizer.param_groups[0]["rank"] = rank
    drive(optimizer, params, 5, 12)
    _, fresh = build(**options)
    fresh.param_groups[0]["rank"] = rank
    drive(fresh, [p for group in fresh.param_groups for p in group["params"]], 0, 1)
    shapes = [{name: value.shape for name, value in state.items()} for state in optimizer.state.values()]
    assert shapes == [{name: value.shape for name, value in state.items()} for state in fresh.state.values()]
    assert all(torch.isfinite(p).all() for p in params)
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)


def test_a_budget_is_divided_again_and_the_rest_of_the_state_follows():
    for options in MEMBERS.values():
        generator = torch.Generator().manual_seed(0)
        params = [torch.nn.Parameter(torch.randn(s, generator=generator)) for s in ((12, 6), (8, 9))]
        budget = RankBudget(110, reallocate_at=(3, 6))
        optimizer = SketchySOAP(params, lr=0.01, rank=budget, update_freq=2, **options)
        drive(optimizer, params, 0, 9)
        for p in params:
            ranks = [optimizer.state[p][f"basis_{axis}"].shape[-1] for axis in (0, 1)]
            if "core_square" in optimizer.state[p]:
                assert list(optimizer.state[p]["core_square"].shape) == ranks
            assert torch.isfinite(p).all()
        assert sum(row["dim"] * row["rank"] for row in optimizer.report()) < 110


@pytest.mark.parametrize("core", ["adam", "inverse_root"])
@pytest.mark.parametrize("unsketched", ["adam", "factored"])
def test_without_eps_entries_without_a_second_moment_do_not_move(core, unsketched):
    params, optimizer = build(core=core, unsketched=unsketched, betas=(0.9, 0.95), eps=0.0, start_step=0)
    before = [p.detach().clone() for p in params]
    for scale in (0.0, 1e-30, 0.0):  # the squares of 1e-30 are zero in float32
        for p in params:
            p.grad = torch.full_like(p, scale)
        optimizer.step()
        assert all(torch.isfinite(p).all() for p in params)
        assert torch.equal(params[2], before[2])
    drive(optimizer, params, 0, 4)
    assert all(torch.isfinite(p).all() and not torch.equal(p, q) for p, q in zip(params, before, strict=True))


def test_the_report_of_rank_zero_brackets_the_covariance_by_its_trace():
    weight = torch.nn.Parameter(torch.zeros(4, 3))
    weight.grad = torch.ones(4, 3)
    optimizer = SketchySOAP([weight], rank=0)
    optimizer.step()
    for row, dim in zip(optimizer.report(), (4, 3), strict=True):
        assert row["largest_eigenvalue"] == (row["trace"] / dim, row["trace"])
        assert row["intrinsic_dimension"] == pytest.approx((1.0, dim))
        assert row["outside_fraction"] == 1.0


def test_a_momentum_that_is_set_later_acts_as_its_flat_options():
    (params, optimizer), (others, flat) = (build(betas=(0.9, 0.95)) for _ in range(2))
    drive(optimizer, params, 0, 2)
    drive(flat, others, 0, 2)
    optimizer.param_groups[0]["momentum"] = Momentum("update")
    flat.param_groups[0]["momentum_of"] = "update"
    drive(optimizer, params, 2, 5)
    drive(flat, others, 2, 5)
    assert all(torch.equal(p, q) for p, q in zip(params, others, strict=True))
    other = SketchyShampoo([torch.nn.Parameter(torch.ones(3, 2))])
    other.param_groups[0]["momentum"] = Momentum()
    with pytest.raises(ConfigError, match="momentum value"):
        other.step()


def test_what_a_state_cannot_follow_is_refused():
    params, optimizer = build()
    drive(optimizer, params, 0, 2)
    optimizer.param_groups[0]["tail"] = "orthogonal"
    with pytest.raises(ConfigError, match="only rank may change"):
        optimizer.step()
    source, other = build()
    drive(other, source, 0, 2)
    shampoo = SketchyShampoo(build()[0], rank=2)
    foreign = {**other.state_dict(), "param_groups": shampoo.state_dict()["param_groups"]}
    with pytest.raises(ConfigError, match="does not fit"):
        shampoo.load_state_dict(foreign)


@EVERY
def test_momentum_may_be_switched_on_and_off(options):
    params, optimizer = build(**options | {"betas": (0.0, 0.95)})
    drive(optimizer, params, 0, 4)
    optimizer.param_groups[0]["betas"] = (0.9, 0.95)
    drive(optimizer, params, 4, 8)
    assert optimizer.state_bytes()["momentum"] > 0
    optimizer.param_groups[0]["betas"] = (0.0, 0.95)
    drive(optimizer, params, 8, 10)
    assert all(torch.isfinite(p).all() for p in params)


def test_a_schedule_of_the_rate_and_decoupled_decay_act_as_in_adamw():
    params, optimizer = build(weight_decay=0.5, start_step=100)
    before = params[0].detach().clone()
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    for step in range(3):
        drive(optimizer, params, step, step + 1)
        scheduler.step()
    # In the first start_step steps a matrix only decays.
    torch.testing.assert_close(params[0].detach(), before * (1 - 0.005) * (1 - 0.0025) * (1 - 0.00125))


def test_a_group_without_matrices_is_told_which_steps_it_takes():
    with pytest.warns(UserWarning, match="they take the steps of unsketched='factored'"):
        SketchySOAP([torch.nn.Parameter(torch.zeros(3))], unsketched="factored")
