"""Gradients at the ends of the floating-point range: weights stay finite and go on moving, lengths follow the rule."""

from __future__ import annotations

import warnings

import pytest
import torch

from oco.torch import Compatibility, Graft, Shampoo, SketchyShampoo
from oco.torch.grafting import GRAFTS
from oco.torch.limits import LONGEST_JUMP, largest_norm

BOTH = pytest.mark.parametrize("optimizer_class", [SketchyShampoo, Shampoo])
SUMMED = {"compatibility": Compatibility(statistics="sum")}
SIZES = (1e-45, 1e-38, 1e-30, 1e-19, 1e10, 1e19, 1e20, 1e30, 3e38)


def make(optimizer_class, params, **options):
    rank = {"rank": 2} if optimizer_class is SketchyShampoo else {}
    return optimizer_class(params, **rank, **options)


def gradient(shape, size, dtype, where):
    """A whole matrix of one size (signs mixed, so that it has full rank), or one such entry among ordinary ones."""
    if where == "whole":
        signs = torch.randint(0, 2, shape, dtype=torch.float64) * 2.0 - 1.0
        return (signs * size).to(dtype)
    ordinary = torch.randn(shape, dtype=torch.float64)
    ordinary[0, 0] = size
    return ordinary.to(dtype)


@pytest.mark.parametrize("where", ["whole", "entry"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("graft", GRAFTS)
@BOTH
def test_one_extreme_gradient_leaves_weights_and_state_finite(optimizer_class, graft, dtype, where):
    # A first gradient, one at a refresh, one between refreshes.
    cases = [(size, at) for size in SIZES for at in (0, 3, 4)]
    weights = [torch.nn.Parameter(torch.zeros(6, 5, dtype=dtype)) for _ in cases]
    options = {"graft": graft, "update_freq": 3, "start_step": 2, "betas": (0.5, 0.9)}
    optimizer = make(optimizer_class, weights, lr=1e-2, **options)
    for step in range(8):
        for weight, (size, at) in zip(weights, cases, strict=True):
            weight.grad = gradient((6, 5), size, dtype, where) if step == at else torch.randn(6, 5).to(dtype)
        optimizer.step()
        for weight, case in zip(weights, cases, strict=True):
            assert torch.isfinite(weight).all(), (case, step)
            assert all(torch.isfinite(value).all() for value in optimizer.state[weight].values()), (case, step)
    assert set(optimizer.skipped_steps().values()) == {0}


@pytest.mark.parametrize("options", [{}, {"betas": (0.9, 1.0)}, SUMMED, {"momentum": "trace"}])
@pytest.mark.parametrize("graft", GRAFTS)
@BOTH
def test_gradients_that_stay_extreme_leave_finite_weights(optimizer_class, graft, options):
    weights = [torch.nn.Parameter(torch.zeros(6, 5)) for _ in SIZES]
    vectors = [torch.nn.Parameter(torch.zeros(4)) for _ in SIZES]
    optimizer = make(optimizer_class, weights + vectors, graft=graft, update_freq=2, start_step=3, **options)
    for _ in range(16):
        for size, weight, vector in zip(SIZES, weights, vectors, strict=True):
            weight.grad = gradient((6, 5), size, torch.float32, "whole")
            vector.grad = torch.full((4,), size)
        optimizer.step()
    assert set(optimizer.skipped_steps().values()) == {0}
    for size, weight, vector in zip(SIZES, weights, vectors, strict=True):
        assert torch.isfinite(weight).all(), size
        assert torch.isfinite(vector).all(), size
        if size >= 1e-19 or graft == "sqrt_n":
            assert weight.detach().all(), size


@pytest.mark.parametrize("graft", ["factored", "adam", "rmsprop"])
@BOTH
def test_an_outlier_slows_later_steps_by_a_bounded_factor_and_is_forgotten(optimizer_class, graft):
    """Of a gradient shortened to 1000 r, (1 - beta2) 10^6 r^2 enters second moments of r^2: with beta2 = 0.9 the steps
    are about sqrt(10^5) times shorter, and after n steps sqrt(1 + 0.9^n 10^5) times: 1.03 for n = 140.
    """
    moves = []
    for outlier in (1.0, 1e30):
        torch.manual_seed(4)
        weight = torch.nn.Parameter(torch.zeros(6, 5))
        optimizer = make(optimizer_class, [weight], lr=1.0, graft=graft, betas=(0.0, 0.9))
        lengths = []
        for step in range(190):
            before = weight.detach().clone()
            weight.grad = torch.randint(0, 2, (6, 5)) * 2.0 - 1.0
            if step == 35:
                weight.grad *= outlier
            optimizer.step()
            lengths.append(float((weight.detach() - before).norm()))
        moves.append(lengths)
    assert moves[1][36] > moves[0][36] / 500.0
    for step in range(180, 190):
        assert moves[1][step] == pytest.approx(moves[0][step], rel=0.03)


@pytest.mark.parametrize("beta2", [0.0, 0.9, 0.999, 1.0])
def test_a_gradient_is_shortened_to_a_thousand_times_the_root_mean_square_of_those_before(beta2):
    """With norms n_s the root mean square is written out; the step of the sgd graft shows what length was used."""
    norms = [2.0, 0.5, 3.0, 1e6, 1.0, 1e12, 4.0]
    weight = torch.nn.Parameter(torch.zeros(3, 2, dtype=torch.float64))
    optimizer = SketchyShampoo([weight], lr=1.0, graft="sgd", betas=(0.0, beta2), start_step=100)
    used = []
    for norm in norms:
        before = weight.detach().clone()
        unit = torch.randn(3, 2, dtype=torch.float64)
        weight.grad = unit / unit.norm() * norm
        optimizer.step()
        weights = [beta2 ** (len(used) - 1 - s) for s in range(len(used))]
        total = sum(w * u * u for w, u in zip(weights, used, strict=True))
        limit = 1000.0 * (total / sum(weights)) ** 0.5 if used else float("inf")
        used.append(min(norm, limit))
        moved = weight.detach() - before
        assert float(moved.norm()) == pytest.approx(used[-1], rel=1e-9)
        torch.testing.assert_close(moved / moved.norm(), -weight.grad / norm, rtol=1e-6, atol=1e-9)
    assert used[3] < norms[3]
    assert LONGEST_JUMP == 1000.0


@pytest.mark.parametrize(
    ("dtype", "options", "limit"),
    [
        (torch.float32, {}, 2.0**63),
        (torch.bfloat16, {}, 2.0**63),
        (torch.float64, {}, 2.0**511),
        (torch.float32, {"betas": (0.0, 1.0)}, 2.0**48),
        (torch.float64, SUMMED, 2.0**480),
    ],
)
def test_the_largest_norm_is_the_documented_power_of_two(dtype, options, limit):
    entry = 1e38 if dtype != torch.float64 else 1e300
    weight = torch.nn.Parameter(torch.zeros(4, 4, dtype=dtype))
    optimizer = SketchyShampoo([weight], **{"lr": 1.0, "graft": "sgd", "betas": (0.0, 0.9), **options})
    weight.grad = torch.full((4, 4), entry, dtype=dtype)
    optimizer.step()
    # Compared by exponents, because the square of 2^511 times 16 entries is at the end of the range.
    assert float(weight.detach()[0, 0]) == pytest.approx(-limit / 4.0, rel=1e-2)
    summed = options.get("betas", (0, 0))[1] == 1.0 or "compatibility" in options
    assert largest_norm(torch.promote_types(dtype, torch.float32), summed) == limit


@pytest.mark.parametrize("graft", ["factored", "adam", "rmsprop"])
@BOTH
def test_without_a_graft_eps_entries_without_gradient_stand_still(optimizer_class, graft):
    weight = torch.nn.Parameter(torch.zeros(4, 3))
    optimizer = make(optimizer_class, [weight], graft=Graft(graft, eps=0.0), betas=(0.9, 0.99))
    for _ in range(3):
        weight.grad = torch.zeros(4, 3)
        weight.grad[0] = 1.0
        optimizer.step()
    assert torch.isfinite(weight).all()
    assert not weight.detach()[1:].any()
    assert weight.detach()[0].all()


@BOTH
def test_the_direction_does_not_depend_on_the_unit_of_gradients(optimizer_class):
    """P = (C + eps lambda_1 I)^(-1/4) scales as c^(-1/2) when gradients scale as c, and the graft takes the length."""
    moves = []
    for size in (1.0, 2.0**-115, 2.0**60):
        torch.manual_seed(0)
        weight = torch.nn.Parameter(torch.zeros(6, 5))
        options = {"graft": "sqrt_n", "update_freq": 1, "start_step": 0, "betas": (0.0, 0.999)}
        optimizer = make(optimizer_class, [weight], lr=1.0, **options)
        weight.grad = torch.randn(6, 5) * size
        optimizer.step()
        moves.append(weight.detach())
    for move in moves[1:]:
        torch.testing.assert_close(move, moves[0], rtol=1e-3, atol=1e-4)


def test_no_graft_moves_by_the_preconditioned_gradient_at_any_unit():
    """Of one gradient c G with G square and of full rank, C^(-1/4) G C'^(-1/4) is its orthogonal factor for every c."""
    torch.manual_seed(0)
    matrix = torch.randn(5, 5, dtype=torch.float64)
    left, _, right = torch.linalg.svd(matrix)
    for size in (2.0**-110, 2.0**-40, 1.0, 2.0**45):
        weight = torch.nn.Parameter(torch.zeros(5, 5))
        options = {"graft": "none", "update_freq": 1, "start_step": 0, "betas": (0.0, 1.0), "eps": 1e-12}
        optimizer = SketchyShampoo([weight], lr=1.0, rank=5, **options)
        weight.grad = (matrix * size).float()
        optimizer.step()
        torch.testing.assert_close(weight.detach().double(), -left @ right, rtol=2e-3, atol=2e-3)


def test_warnings_are_not_raised_by_finite_gradients():
    weight = torch.nn.Parameter(torch.zeros(6, 5))
    optimizer = SketchyShampoo([weight], rank=2, update_freq=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for size in (1.0, 3e38, 1e-45, 1.0):
            weight.grad = torch.full((6, 5), size)
            optimizer.step()
