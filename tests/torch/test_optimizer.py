"""The optimizers as a user meets them: updates against plain formulas, options, failures, errors."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest
import torch

from oco.torch import Compatibility, Preconditioner, Shampoo, SketchyShampoo
from oco.torch.shapes import fold, merged_shape, unfold

# Groups of vectors alone are meant here; tests/torch/test_parameters.py has the warning.
VECTORS = pytest.mark.filterwarnings("ignore:.*none of the .* parameters of group:UserWarning")
BOTH = pytest.mark.parametrize("optimizer_class", [SketchyShampoo, Shampoo])


def parameter(*shape, dtype=torch.float32):
    return torch.nn.Parameter(torch.randn(shape).to(dtype))


def drive(optimizer, params, steps, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        for p in params:
            p.grad = torch.randn(p.shape, generator=generator).to(p.dtype)
        optimizer.step()


def inverse_root(matrix, exponent, eps=1e-7):
    values, vectors = np.linalg.eigh(matrix)
    values = np.maximum(values, 0.0)
    return vectors @ np.diag((values + eps * values[-1]) ** exponent) @ vectors.T


@pytest.mark.parametrize("make", [lambda p: SketchyShampoo(p, rank=9, **PLAIN), lambda p: Shampoo(p, **PLAIN)])
def test_with_full_rank_the_update_is_the_formula_of_shampoo(make):
    weight = parameter(6, 4, dtype=torch.float64)
    optimizer, left, right = make([weight]), np.zeros((6, 6)), np.zeros((4, 4))
    for _ in range(5):
        weight.grad = torch.randn(6, 4, dtype=torch.float64)
        gradient, before = weight.grad.numpy(), weight.detach().numpy().copy()
        left, right = 0.9 * left + 0.1 * gradient @ gradient.T, 0.9 * right + 0.1 * gradient.T @ gradient
        optimizer.step()
        direction = inverse_root(left, -0.25) @ gradient @ inverse_root(right, -0.25)
        expected = before - 0.1 * direction * np.linalg.norm(gradient) / np.linalg.norm(direction)
        np.testing.assert_allclose(weight.detach().numpy(), expected, rtol=1e-7, atol=1e-10)


PLAIN = {"lr": 0.1, "betas": (0.0, 0.9), "update_freq": 1, "start_step": 0, "graft": "sgd"}


def test_order_three_uses_the_sixth_root_along_every_axis():
    tensor = torch.nn.Parameter(torch.zeros(5, 4, 3, dtype=torch.float64))
    optimizer = SketchyShampoo([tensor], rank=9, preconditioner=Preconditioner(merge_dims=1), **PLAIN)
    tensor.grad = torch.randn(5, 4, 3, dtype=torch.float64)
    gradient = tensor.grad.numpy()
    optimizer.step()
    direction = gradient
    for axis in range(3):
        matrix = np.moveaxis(gradient, axis, 0).reshape(gradient.shape[axis], -1)
        root = inverse_root(0.1 * matrix @ matrix.T, -1 / 6)
        direction = np.moveaxis(np.tensordot(root, direction, axes=(1, axis)), 0, axis)
    expected = -0.1 * direction * np.linalg.norm(gradient) / np.linalg.norm(direction)
    np.testing.assert_allclose(tensor.detach().numpy(), expected, rtol=1e-7, atol=1e-10)


@VECTORS
@BOTH
def test_adam_grafting_of_vectors_without_momentum_is_adamw(optimizer_class):
    mine = parameter(7)
    theirs = torch.nn.Parameter(mine.detach().clone())
    options = {"lr": 0.1, "betas": (0.0, 0.999), "weight_decay": 0.1}
    drive(optimizer_class([mine], graft="adam", **options), [mine], 20)
    drive(torch.optim.AdamW([theirs], **options), [theirs], 20)
    torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("graft", ["factored", "adam", "rmsprop", "sqrt_n"])
def test_p3_the_first_step_of_a_bounded_graft_has_entries_of_size_lr(graft):
    weight = torch.nn.Parameter(torch.zeros(30, 20))
    optimizer = SketchyShampoo([weight], lr=1e-2, graft=graft)
    weight.grad = 1e-3 * torch.randn(30, 20)
    optimizer.step()
    assert float(weight.detach().square().mean().sqrt()) == pytest.approx(1e-2, rel=0.2)


def test_p3_without_bias_correction_the_first_step_is_thirty_times_longer():
    steps = []
    for bias_correction in (True, False):
        weight = torch.nn.Parameter(torch.zeros(30, 20))
        optimizer = SketchyShampoo(
            [weight],
            lr=1.0,
            betas=(0.0, 0.999),
            graft="rmsprop",
            compatibility=Compatibility(bias_correction=bias_correction),
        )
        weight.grad = torch.ones(30, 20)
        optimizer.step()
        steps.append(float(weight.detach().norm()))
    assert steps[1] / steps[0] == pytest.approx(1e-3**-0.5, rel=1e-3)


@pytest.mark.parametrize("graft", ["factored", "adam", "rmsprop", "sqrt_n", "sgd"])
@BOTH
def test_grafting_takes_over_the_length_of_the_grafted_step(optimizer_class, graft):
    weight = parameter(12, 8)
    plain = torch.nn.Parameter(weight.detach().clone())
    common = {"lr": 1.0, "betas": (0.0, 0.99), "graft": graft, "update_freq": 2}
    a, b = optimizer_class([weight], start_step=3, **common), optimizer_class([plain], start_step=1000, **common)
    for step in range(8):
        before, plain_before = weight.detach().clone(), plain.detach().clone()
        weight.grad = torch.randn(12, 8)
        plain.grad = weight.grad.clone()
        a.step(), b.step()
        mine, grafted = weight.detach() - before, plain.detach() - plain_before
        assert float(mine.norm()) == pytest.approx(float(grafted.norm()), rel=1e-3)
        same = torch.allclose(mine, grafted, rtol=1e-4, atol=1e-6)
        assert same is (step < 3)


def test_factored_graft_of_a_rank_one_second_moment_is_adams():
    pattern = torch.outer(torch.rand(9) + 0.1, torch.rand(6) + 0.1)
    results = []
    for graft in ("factored", "adam"):
        weight = torch.nn.Parameter(torch.zeros(9, 6))
        optimizer = SketchyShampoo([weight], lr=1.0, betas=(0.0, 0.9), graft=graft, start_step=100)
        generator = torch.Generator().manual_seed(3)
        for _ in range(4):
            weight.grad = pattern * torch.randint(0, 2, (9, 6), generator=generator).mul(2).sub(1)
            optimizer.step()
        results.append(weight.detach())
    torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-5)


@BOTH
def test_a_learning_rate_scheduler_and_groups_with_their_own_options(optimizer_class):
    first, second = parameter(8, 8), parameter(8, 8)
    optimizer = optimizer_class(
        [{"params": [first], "lr": 0.0}, {"params": [second], "graft": "sqrt_n", "update_freq": 3}], lr=0.1
    )
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    before = first.detach().clone()
    moves = []
    for _ in range(3):
        old = second.detach().clone()
        first.grad = second.grad = torch.ones(8, 8)
        optimizer.step()
        scheduler.step()
        moves.append(float((second.detach() - old).norm()))
    assert torch.equal(first, before)
    assert moves[1] / moves[0] == pytest.approx(0.5, rel=1e-4)
    assert moves[2] / moves[0] == pytest.approx(0.25, rel=1e-4)


@BOTH
def test_closure_maximize_and_missing_gradients(optimizer_class):
    up, down, idle = parameter(4, 3), None, parameter(4, 3)
    down = torch.nn.Parameter(up.detach().clone())
    a, b = optimizer_class([up, idle], lr=0.1, maximize=True), optimizer_class([down], lr=0.1)
    for _ in range(12):
        gradient = torch.randn(4, 3)
        up.grad, down.grad = -gradient, gradient.clone()
        a.step(), b.step()
    assert torch.equal(up, down)
    assert idle not in a.state

    def closure():
        a.zero_grad()
        loss = up.square().sum()
        loss.backward()
        return loss

    first = a.step(closure)
    assert float(first.detach()) == pytest.approx(float(down.detach().square().sum()))
    assert float(a.state[up]["step"]) == 13


def test_skipped_steps_of_a_parameter_do_not_advance_its_count():
    one, two = parameter(4, 4), parameter(4, 4)
    optimizer = SketchyShampoo([one, two])
    drive(optimizer, [one, two], 2)
    two.grad = None
    one.grad = torch.ones(4, 4)
    optimizer.step()
    assert [float(optimizer.state[p]["step"]) for p in (one, two)] == [3, 2]


@VECTORS
@BOTH
def test_stacking_and_order_of_parameters_do_not_matter(optimizer_class):
    shapes = [(8, 6), (5,), (8, 6), (4, 3, 2), (8, 6)]
    together = [parameter(*s, dtype=torch.float64) for s in shapes]
    alone = [torch.nn.Parameter(p.detach().clone()) for p in together]
    turned = [torch.nn.Parameter(p.detach().clone()) for p in together]
    one = optimizer_class(together, lr=0.1, update_freq=2, start_step=2)
    many = [optimizer_class([p], lr=0.1, update_freq=2, start_step=2) for p in alone]
    other = optimizer_class(turned[::-1], lr=0.1, update_freq=2, start_step=2)
    for _ in range(6):
        for a, b, c in zip(together, alone, turned, strict=True):
            a.grad = torch.randn(a.shape, dtype=torch.float64)
            b.grad, c.grad = a.grad.clone(), a.grad.clone()
        one.step(), other.step()
        for optimizer in many:
            optimizer.step()
    for a, b, c in zip(together, alone, turned, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)
        torch.testing.assert_close(a, c, rtol=1e-9, atol=1e-11)


@BOTH
def test_permuting_rows_and_columns_permutes_the_update(optimizer_class):
    rows, columns = torch.randperm(9), torch.randperm(7)
    plain = parameter(9, 7, dtype=torch.float64)
    mixed = torch.nn.Parameter(plain.detach()[rows][:, columns].clone())
    options = {"lr": 0.1, "update_freq": 1, "start_step": 1} | (
        {"rank": 3} if optimizer_class is SketchyShampoo else {}
    )
    a, b = optimizer_class([plain], **options), optimizer_class([mixed], **options)
    for _ in range(8):
        plain.grad = torch.randn(9, 7, dtype=torch.float64)
        mixed.grad = plain.grad[rows][:, columns]
        a.step(), b.step()
    torch.testing.assert_close(mixed, plain[rows][:, columns], rtol=1e-7, atol=1e-9)


def test_p16_the_transient_memory_of_stacks_is_bounded(monkeypatch):
    params = [parameter(8, 8) for _ in range(7)]
    optimizer = SketchyShampoo(params, rank=2)
    monkeypatch.setattr("oco.torch.kronecker.STACKED_ENTRIES", 3 * 64)
    seen, original = [], SketchyShampoo._step_batch
    monkeypatch.setattr(
        SketchyShampoo, "_step_batch", lambda s, b, *rest: (seen.append(len(b.params)), original(s, b, *rest))
    )
    drive(optimizer, params, 1)
    assert seen == [3, 3, 1]


def test_statistics_are_refreshed_at_multiples_only():
    weight = parameter(6, 5)
    optimizer = SketchyShampoo([weight], update_freq=4, rank=2)
    seen = []
    for _ in range(9):
        drive(optimizer, [weight], 1, seed=len(seen))
        seen.append(optimizer.state[weight]["basis_0"].clone())
    changed = [True] + [not torch.equal(a, b) for a, b in zip(seen, seen[1:], strict=False)]
    assert changed == [True, False, False, False, True, False, False, False, True]


def test_p10_the_window_of_the_statistics_is_in_steps_whatever_the_frequency():
    weight = torch.nn.Parameter(torch.zeros(4, 4))
    for freq in (1, 5):
        optimizer = SketchyShampoo([weight], betas=(0.9, 0.9), update_freq=freq, rank=4)
        for step in range(11):
            weight.grad = torch.eye(4) if step == 0 else torch.zeros(4, 4)
            optimizer.step()
        first = 1.0 - 0.9**freq
        found = float(optimizer.state[weight]["singular_values_0"][0] ** 2)
        assert found == pytest.approx(first * 0.9**10, rel=1e-4)


@BOTH
def test_p12_a_zero_gradient_at_the_start_and_later(optimizer_class):
    weight = parameter(5, 4)
    before = weight.detach().clone()
    optimizer = optimizer_class([weight], update_freq=1, start_step=0)
    for _ in range(3):
        weight.grad = torch.zeros(5, 4)
        optimizer.step()
    assert torch.equal(weight, before)
    drive(optimizer, [weight], 3)
    assert torch.isfinite(weight).all()
    assert not torch.equal(weight, before)


def test_p6_gradients_of_extreme_size_give_the_same_direction():
    moves = []
    for size in (1.0, 1e-18, 1e18):
        weight = torch.nn.Parameter(torch.zeros(6, 5))
        optimizer = SketchyShampoo(
            [weight], lr=1.0, rank=2, graft="sqrt_n", update_freq=1, start_step=0, betas=(0.0, 0.999)
        )
        generator = torch.Generator().manual_seed(0)
        for _ in range(4):
            weight.grad = torch.randn(6, 5, generator=generator) * size
            optimizer.step()
        moves.append(weight.detach())
    for move in moves[1:]:
        torch.testing.assert_close(move, moves[0], rtol=1e-3, atol=1e-4)


@BOTH
def test_p7_a_bad_block_leaves_the_others_untouched(optimizer_class):
    good, bad = [parameter(6, 6) for _ in range(3)], parameter(6, 6)
    twin = [torch.nn.Parameter(p.detach().clone()) for p in good]
    a, b = (optimizer_class(ps, lr=0.1, update_freq=1, start_step=1) for ps in ([good[0], bad, *good[1:]], twin))
    factor = f"{a.axis_names[0]}_0"
    for step in range(6):
        for p, q in zip(good, twin, strict=True):
            p.grad = torch.randn(6, 6)
            q.grad = p.grad.clone()
        bad.grad = torch.randn(6, 6)
        kept = a.state[bad][factor].clone() if step else None
        if step == 3:
            bad.grad[2, 1] = float("nan")
            with pytest.warns(RuntimeWarning, match="keeps its old preconditioner"):
                a.step()
            assert torch.equal(a.state[bad][factor], kept)
            assert float(a.state[bad]["failures"]) == 1
        else:
            a.step()
        b.step()
    assert float(a.state[bad]["failures"]) == 0
    assert torch.isfinite(bad).all()
    for p, q in zip(good, twin, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-6)


@BOTH
def test_p7_too_many_failures_raise_with_the_name(optimizer_class):
    weight = parameter(4, 4)
    optimizer = optimizer_class([("encoder.weight", weight)], update_freq=1, max_failures=2)
    weight.grad = torch.full((4, 4), float("inf"))
    for _ in range(2):
        with pytest.warns(RuntimeWarning, match="encoder.weight"):
            optimizer.step()
    with pytest.raises(RuntimeError, match="encoder.weight had 3"):
        optimizer.step()


@BOTH
def test_p7_a_failed_decomposition_is_retried_alone_and_then_skipped(optimizer_class, monkeypatch):
    params = [parameter(5, 5) for _ in range(3)]
    optimizer = optimizer_class(params, update_freq=1)
    drive(optimizer, params, 1)
    original, calls = optimizer_class._update_axis, []

    def fails(self, state, block, due, settings, *, retry):
        calls.append((len(block), retry))
        if not retry or len(calls) == 3:
            raise torch.linalg.LinAlgError("did not converge")
        return original(self, state, block, due, settings, retry=retry)

    monkeypatch.setattr(optimizer_class, "_update_axis", fails)
    name = f"{optimizer.axis_names[0]}_0"
    before = [optimizer.state[p][name].clone() for p in params]
    with pytest.warns(RuntimeWarning, match="parameter 1 "):
        drive(optimizer, params, 1, seed=5)
    assert calls[:4] == [(3, False), (1, True), (1, True), (1, True)]
    assert [torch.equal(optimizer.state[p][name], b) for p, b in zip(params, before, strict=True)] == [
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@BOTH
def test_p8_half_precision_parameters_have_float32_state(optimizer_class, dtype):
    weight = parameter(6, 5, dtype=dtype)
    optimizer = optimizer_class([weight], update_freq=1, start_step=1)
    drive(optimizer, [weight], 4)
    assert weight.dtype == dtype
    assert torch.isfinite(weight).all()
    assert {value.dtype for value in optimizer.state[weight].values()} == {torch.float32}


def test_p14_small_matrices_are_not_fused_into_vectors():
    assert merged_shape((8, 32)) == (8, 32)
    assert merged_shape((32, 10)) == (32, 10)
    assert merged_shape((8, 32), merge="greedy") == (256,)
    assert merged_shape((16, 8, 3, 3)) == (16, 72)
    assert merged_shape((512, 512, 3, 3)) == (512, 512, 9)
    assert merged_shape((1, 2, 512, 1, 2048, 1, 3, 4), merge="greedy") == (1024, 2048, 12)
    assert merged_shape(()) == merged_shape((1, 1)) == (1,)
    assert merged_shape((1, 7, 1)) == (7,)


def test_unfold_and_fold_are_inverse():
    batch = torch.randn(2, 3, 4, 5)
    for axis in range(3):
        matrices = unfold(batch, axis)
        assert matrices.shape == (2, (3, 4, 5)[axis], 60 // (3, 4, 5)[axis])
        assert torch.equal(fold(matrices, (3, 4, 5), axis), batch)


def test_unit_dimensions_scalars_empty_and_transposed_parameters_train():
    params = [
        parameter(1, 6, 1),
        parameter(),
        parameter(0, 3),
        torch.nn.Parameter(torch.randn(4, 6).T),
        parameter(3, 2, 2, 2),
    ]
    optimizer = SketchyShampoo(params, update_freq=1, start_step=0, rank=2)
    before = [p.detach().clone() for p in params]
    drive(optimizer, params, 3)
    assert all(not torch.equal(p, b) for p, b in zip(params, before, strict=True) if p.numel())
    assert {row["parameter"] for row in optimizer.report()} == {
        "parameter 3 of shape (6, 4)",
        "parameter 4 of shape (3, 2, 2, 2)",
    }


@VECTORS
def test_tensors_above_max_dim_and_vectors_hold_no_preconditioner():
    optimizer = SketchyShampoo([parameter(20, 4), parameter(20)], preconditioner=Preconditioner(max_dim=10))
    drive(optimizer, optimizer.param_groups[0]["params"], 2)
    assert optimizer.state_bytes()["preconditioner"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": -1.0}, "Invalid learning rate: -1.0"),
        ({"betas": (1.0, 0.9)}, "Invalid beta parameter at index 0: 1.0"),
        ({"betas": (0.9, 1.1)}, "Invalid beta parameter at index 1: 1.1"),
        ({"eps": -1e-8}, "Invalid epsilon value: -1e-08"),
        ({"weight_decay": -0.1}, "Invalid weight_decay value: -0.1"),
        ({"update_freq": 0}, "Invalid update_freq value: 0"),
        ({"start_step": -1}, "Invalid start_step value: -1"),
        ({"exponent": 0.5}, "Invalid exponent value: 0.5"),
        ({"graft": "lamb"}, "Invalid graft value: 'lamb'"),
        ({"method": "qr"}, "Invalid method value: 'qr'"),
        ({"tail_decay": "none"}, "Invalid tail_decay value: 'none'"),
        ({"rank": 0}, "Invalid rank value: 0"),
        ({"rank": 1.5}, "Invalid rank value: 1.5"),
        ({"rank": lambda d: 0}, "Invalid rank value"),
        ({"rank": "auto"}, "Invalid budget value: None"),
        ({"budget": 100}, "Invalid budget value: 100"),
        ({"rank": "auto", "budget": 3}, "Invalid budget value: 3"),
        ({"lr": float("nan")}, "Invalid learning rate: nan"),
    ],
)
def test_bad_options_are_refused_in_torchs_words(options, message):
    with pytest.raises(ValueError, match="^" + message.replace("(", r"\(").replace(")", r"\)")):
        SketchyShampoo([parameter(4, 3)], **options)


@BOTH
def test_a_refused_group_is_not_kept(optimizer_class):
    optimizer = optimizer_class([parameter(4, 3)])
    with pytest.raises(ValueError, match="Invalid learning rate"):
        optimizer.add_param_group({"params": [parameter(2, 2)], "lr": -1.0})
    assert len(optimizer.param_groups) == 1


@BOTH
def test_sparse_and_complex_are_refused(optimizer_class):
    weight = parameter(4, 3)
    optimizer = optimizer_class([weight])
    weight.grad = torch.eye(4, 3).to_sparse()
    with pytest.raises(RuntimeError, match="does not support sparse gradients"):
        optimizer.step()
    with pytest.raises(ValueError, match="complex parameters, parameter number 0"):
        optimizer_class([torch.nn.Parameter(torch.zeros(2, 2, dtype=torch.complex64))])


def test_rank_as_fraction_callable_and_cap():
    for rank, expected in ((0.5, [6, 4]), (lambda d: d // 4, [3, 2]), (100, [12, 8]), (5, [5, 5])):
        weight = parameter(12, 8)
        optimizer = SketchyShampoo([weight], rank=rank)
        drive(optimizer, [weight], 1)
        assert [row["rank"] for row in optimizer.report()] == expected


def test_state_bytes_follow_the_documented_formula():
    weight, bias = parameter(30, 20), parameter(30)
    for graft, entries in (("factored", 30 + 20 + 30), ("adam", 600 + 30), ("sgd", 0)):
        optimizer = SketchyShampoo([weight, bias], rank=4, graft=graft)
        drive(optimizer, [weight, bias], 2)
        assert optimizer.state_bytes() == {
            "momentum": 4 * 630,
            "graft": 4 * entries,
            "preconditioner": 4 * (4 * 31 + 4 * 21 + 4),
            "counters": 4 * 8,
            "total": 4 * (630 + entries + 4 * 52 + 4 + 8),
        }
    full = Shampoo([weight, bias])
    drive(full, [weight, bias], 1)
    assert full.state_bytes()["preconditioner"] == 4 * 2 * (900 + 400)
    without = SketchyShampoo([weight], betas=(0.0, 0.999))
    drive(without, [weight], 1)
    assert without.state_bytes()["momentum"] == 0


def test_the_report_brackets_the_exact_covariance():
    weight = parameter(25, 10)
    sketchy = SketchyShampoo([weight], rank=4, update_freq=1, method="gram64")
    full = Shampoo([weight], update_freq=1)
    for _ in range(30):
        weight.grad = torch.diag(torch.logspace(0, -1, 25)) @ torch.randn(25, 10)
        sketchy.step(), full.step()
    for mine, exact in zip(sketchy.report(), full.report(), strict=True):
        assert mine["trace"] == pytest.approx(exact["trace"], rel=1e-4)
        for key in ("largest_eigenvalue", "intrinsic_dimension"):
            low, high = mine[key]
            assert low * (1 - 1e-4) <= exact[key][0] <= high * (1 + 1e-4)
            assert low < high


@VECTORS
@BOTH
def test_momentum_forms_against_their_recursions(optimizer_class):
    for momentum, nesterov in (("ema", False), ("ema", True), ("trace", False), ("trace", True)):
        weight = torch.nn.Parameter(torch.zeros(3))
        optimizer = optimizer_class(
            [weight], lr=1.0, betas=(0.8, 0.9), graft="sgd", momentum=momentum, nesterov=nesterov
        )
        average, position, new = np.zeros(3), np.zeros(3), 0.2 if momentum == "ema" else 1.0
        for step in range(1, 6):
            weight.grad = torch.randn(3)
            gradient = weight.grad.numpy().astype(float)
            average = 0.8 * average + new * gradient
            move = new * gradient + 0.8 * average if nesterov else average
            position = position - move / ((1 - 0.8 ** (step + nesterov)) if momentum == "ema" else 1.0)
            optimizer.step()
        np.testing.assert_allclose(weight.detach().numpy(), position, rtol=1e-5, atol=1e-6)


def test_weight_decay_is_decoupled_from_gradients():
    weight = torch.nn.Parameter(torch.ones(3, 3))
    optimizer = SketchyShampoo([weight], lr=0.1, weight_decay=0.5)
    weight.grad = torch.zeros(3, 3)
    optimizer.step()
    torch.testing.assert_close(weight.detach(), torch.full((3, 3), 0.95))


@BOTH
def test_deepcopy_continues_alike(optimizer_class):
    weight = parameter(5, 4)
    optimizer = optimizer_class([weight], update_freq=2)
    drive(optimizer, [weight], 3)
    twin = copy.deepcopy(optimizer)
    other = twin.param_groups[0]["params"][0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drive(optimizer, [weight], 5, seed=9)
        drive(twin, [other], 5, seed=9)
    assert torch.equal(weight, other)
