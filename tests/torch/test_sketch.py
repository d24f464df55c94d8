"""The sketch against dense covariances: sandwich, tail bound, exactness, extremes, resizing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from oco.torch.sketch import (
    Sketch,
    apply_inverse_root,
    empty_sketch,
    inverse_root_coefficients,
    resize_sketch,
    update_sketch,
)

CERTIFIED = ["gram64", "svd"]


def dense(sketch):
    return (sketch.basis * sketch.singular_values.square()) @ sketch.basis.T


def stream(dim, columns, steps, seed=0, rank=None):
    generator = torch.Generator().manual_seed(seed)
    scales = torch.logspace(0, -2, dim, dtype=torch.float64)
    mixing = torch.linalg.qr(torch.randn(dim, dim, generator=generator, dtype=torch.float64)).Q
    if rank is not None:
        scales = torch.where(torch.arange(dim) < rank, scales, 0.0)
    for _ in range(steps):
        yield mixing @ (scales[:, None] * torch.randn(dim, columns, generator=generator, dtype=torch.float64))


def run(dim, rank, blocks, decay, **options):
    sketch, covariance = empty_sketch(dim, rank, dtype=torch.float64), torch.zeros(dim, dim, dtype=torch.float64)
    for block in blocks:
        sketch = update_sketch(sketch, block, decay=decay, **options)
        covariance = decay * covariance + block @ block.T
        yield sketch, covariance


def tail_bound(eigenvalues, rank):
    """min over i <= rank of the sum of the eigenvalues behind i, over rank + 1 - i (descending eigenvalues)."""
    tails = eigenvalues.sum() - torch.cat([torch.zeros(1, dtype=eigenvalues.dtype), eigenvalues.cumsum(0)])
    return min(float(tails[i]) / (rank + 1 - i) for i in range(rank + 1))


@pytest.mark.parametrize("method", CERTIFIED)
@pytest.mark.parametrize("decay", [0.9, 0.99, 1.0])
@pytest.mark.parametrize("columns", [1, 5, 40])
def test_sandwich_eigenvalue_bracket_trace_inequality_and_tail_bound(method, decay, columns):
    dim, rank = 20, 6
    for sketch, covariance in run(dim, rank, stream(dim, columns, 120), decay, method=method):
        escaped = float(sketch.root_escaped) ** 2
        slack = 1e-9 * float(covariance.trace())
        gap = torch.linalg.eigvalsh(covariance - dense(sketch))
        assert gap[0] >= -slack
        assert gap[-1] <= escaped + slack
        eigenvalues = torch.linalg.eigvalsh(covariance).flip(0)
        kept = sketch.singular_values.square()
        assert (kept <= eigenvalues[:rank] + slack).all()
        assert (eigenvalues[:rank] <= kept + escaped + slack).all()
        assert float(kept.sum()) + (rank + 1) * escaped <= float(covariance.trace()) + slack
        assert escaped <= tail_bound(eigenvalues, rank) + slack
    assert escaped > 0.0


def test_p1_decaying_the_escaped_mass_by_the_root_violates_the_tail_bound():
    """Pitfall P1: white streams are where the reference's decay exceeds what Frequent Directions promise."""
    dim, rank, decay = 24, 4, 0.99
    worst = {}
    for tail_decay in ("beta2", "sqrt"):
        generator = torch.Generator().manual_seed(1)
        blocks = (torch.randn(dim, 1, generator=generator, dtype=torch.float64) for _ in range(1500))
        for step, (sketch, covariance) in enumerate(run(dim, rank, blocks, decay, tail_decay=tail_decay)):
            if step < 100 or step % 10:
                continue
            last = float(sketch.root_escaped) ** 2 / tail_bound(torch.linalg.eigvalsh(covariance).flip(0), rank)
            worst[tail_decay] = max(last, worst.get(tail_decay, 0.0))
    assert worst["beta2"] <= 1.0
    assert worst["sqrt"] > 1.0


def test_p1_the_decay_of_one_step_is_beta2_or_its_root():
    sketch = Sketch(torch.eye(3)[:, :1], torch.tensor([2.0]), torch.tensor(1.0))
    zero = torch.zeros(3, 2)
    for mode, factor in (("beta2", 0.25), ("sqrt", 0.5)):
        after = update_sketch(sketch, zero, decay=0.25, tail_decay=mode)
        assert float(after.singular_values[0] ** 2) == pytest.approx(1.0, rel=1e-6)
        assert float(after.root_escaped**2) == pytest.approx(factor, rel=1e-6)


@pytest.mark.parametrize("method", ["gram64", "svd", "subspace"])
def test_exact_while_the_rank_covers_the_data(method):
    dim, rank = 18, 5
    for sketch, covariance in run(dim, rank, stream(dim, 7, 30, rank=5), 0.95, method=method):
        scale = float(torch.linalg.matrix_norm(covariance, 2))
        assert float(torch.linalg.matrix_norm(covariance - dense(sketch), 2)) <= 1e-9 * scale
        assert float(sketch.root_escaped) ** 2 <= 1e-9 * scale


def test_full_rank_needs_no_escaped_mass_and_is_the_inverse_root():
    dim = 9
    *_, (sketch, covariance) = run(dim, dim, stream(dim, 3, 40), 1.0)
    block = torch.randn(dim, 4, dtype=torch.float64)
    values, vectors = torch.linalg.eigh(covariance)
    expected = vectors @ torch.diag((values + 1e-3) ** -0.25) @ vectors.T @ block
    found = apply_inverse_root(sketch, block, -0.25, eps=1e-3, relative_eps=False)
    assert float(sketch.root_escaped) == 0.0
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


def test_rank_one_updates_keep_the_trace_identity():
    dim, rank = 15, 4
    for sketch, covariance in run(dim, rank, stream(dim, 1, 60), 1.0):
        expected = float(covariance.trace() - sketch.singular_values.square().sum())
        assert (rank + 1) * float(sketch.root_escaped) ** 2 <= expected + 1e-12
    # The identity itself holds when every update that escapes had all k + 1 directions: a full-rank joined matrix.
    assert (rank + 1) * float(sketch.root_escaped) ** 2 == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("method", ["gram64", "svd", "subspace"])
def test_preconditioned_block_is_near_the_dense_formula_of_the_sketch(method):
    *_, (sketch, _) = run(12, 3, stream(12, 6, 10), 0.9, method=method)
    block = torch.randn(12, 5, dtype=torch.float64)
    matrix = dense(sketch) + sketch.root_escaped**2 * torch.eye(12, dtype=torch.float64)
    matrix += 1e-7 * torch.linalg.eigvalsh(matrix)[-1] * torch.eye(12, dtype=torch.float64)
    values, vectors = torch.linalg.eigh(matrix)
    torch.testing.assert_close(
        apply_inverse_root(sketch, block, -0.5),
        vectors @ (values**-0.5 * (vectors.T @ block).T).T,
        rtol=1e-9,
        atol=1e-12,
    )


def test_p2_the_basis_stays_orthonormal_where_a_float32_gram_matrix_loses_it():
    dim, columns, rank = 300, 60, 50
    left, right = torch.linalg.qr(torch.randn(dim, columns)).Q, torch.linalg.qr(torch.randn(columns, columns)).Q
    block = left @ torch.diag(torch.logspace(0, -5, columns)) @ right
    sketch = update_sketch(empty_sketch(dim, rank), block)
    used = sketch.singular_values > 0
    basis = sketch.basis[:, used]
    assert int(used.sum()) > 30
    assert (basis.T @ basis - torch.eye(basis.shape[1])).abs().max() < 1e-5
    values, vectors = torch.linalg.eigh(block.T @ block)
    narrow = (block @ vectors.flip(1)) * values.flip(0).clamp(min=1e-30).rsqrt()
    narrow = narrow[:, :rank]
    assert (narrow.T @ narrow - torch.eye(rank)).abs().max() > 1e-2


def test_p2_subspace_iteration_is_near_the_certified_update():
    exact = warm = empty_sketch(60, 12, dtype=torch.float64)
    block = torch.zeros(0)
    for block in stream(60, 40, 30):
        exact = update_sketch(exact, block, decay=0.95)
        warm = update_sketch(warm, block, decay=0.95, method="subspace")
    a, b = (apply_inverse_root(s, block, -0.25) for s in (exact, warm))
    assert float((a - b).norm() / a.norm()) < 0.05
    assert (warm.basis.T @ warm.basis - torch.eye(12, dtype=torch.float64)).abs().max() < 1e-12


def test_p5_round_off_never_becomes_escaped_mass():
    """Pitfall P5: rank-one data leave singular values of 1e-8, which must neither escape nor be inverted."""
    direction = torch.randn(7, 1)
    sketch = empty_sketch(7, 3)
    for scale in (1.0, -0.3, 2.0, 0.7):
        sketch = update_sketch(sketch, scale * direction, decay=0.9)
    assert float(sketch.root_escaped) == 0.0
    assert int((sketch.singular_values > 0).sum()) == 1
    outside = torch.linalg.qr(torch.cat([direction, torch.randn(7, 1)], 1)).Q[:, 1:]
    kept = apply_inverse_root(sketch, outside, -0.5, eps=1e-7)
    top = float(sketch.singular_values[0])
    assert float(kept.norm()) == pytest.approx(1e-7**-0.5 / top, rel=1e-3)
    assert float(apply_inverse_root(sketch, outside, -0.5, pseudo_inverse=True).norm()) < 1e-4 / top


@pytest.mark.parametrize("method", ["gram64", "svd", "subspace"])
@pytest.mark.parametrize(("dtype", "sizes"), [(torch.float32, (1e-20, 1e19)), (torch.float64, (1e-150, 1e150))])
def test_p6_extreme_gradients_neither_overflow_nor_vanish(method, dtype, sizes):
    base = torch.randn(8, 20, dtype=dtype)
    reference = update_sketch(empty_sketch(8, 3, dtype=dtype), base, method=method)
    for size in sizes:
        sketch = update_sketch(empty_sketch(8, 3, dtype=dtype), base * size, method=method)
        rtol = 1e-4 if dtype == torch.float32 else 1e-9
        torch.testing.assert_close(sketch.singular_values / size, reference.singular_values, rtol=rtol, atol=0)
        torch.testing.assert_close(sketch.root_escaped / size, reference.root_escaped, rtol=rtol, atol=0)


def test_p11_absolute_eps_has_units_and_relative_eps_has_none():
    sketch = update_sketch(empty_sketch(5, 2, dtype=torch.float64), torch.randn(5, 9, dtype=torch.float64))
    bigger = Sketch(sketch.basis, sketch.singular_values * 1e3, sketch.root_escaped * 1e3)
    for relative, same in ((True, True), (False, False)):
        one, _ = inverse_root_coefficients(sketch, -0.5, eps=0.1, relative_eps=relative)
        two, _ = inverse_root_coefficients(bigger, -0.5, eps=0.1, relative_eps=relative)
        assert torch.allclose(one, two * 1e3, rtol=1e-9) is same


@pytest.mark.parametrize("method", ["svd", "subspace"])
def test_p13_float32_products_of_the_sketch_are_never_shortened(method, monkeypatch):
    seen = []
    original = torch.linalg.qr

    def spy(*arguments, **options):
        seen.append(torch.get_float32_matmul_precision())
        return original(*arguments, **options)

    monkeypatch.setattr(torch.linalg, "qr", spy)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        update_sketch(empty_sketch(6, 2), torch.randn(6, 20), method=method)
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)
    assert seen == ["highest"]


def test_p15_rotating_the_gradients_rotates_the_sketched_matrix():
    rotation = torch.linalg.qr(torch.randn(10, 10, dtype=torch.float64)).Q
    blocks = list(stream(10, 4, 20))
    *_, (plain, _) = run(10, 3, blocks, 0.9)
    *_, (turned, _) = run(10, 3, [rotation @ b for b in blocks], 0.9)
    torch.testing.assert_close(dense(turned), rotation @ dense(plain) @ rotation.T, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(turned.root_escaped, plain.root_escaped, rtol=1e-9, atol=0)


@pytest.mark.parametrize("method", ["gram64", "svd", "subspace"])
def test_a_batch_equals_its_members(method):
    sketches = [empty_sketch(9, 3, dtype=torch.float64) for _ in range(4)]
    stacked = Sketch(*[torch.stack(parts) for parts in zip(*sketches, strict=True)])
    for _ in range(5):
        blocks = torch.randn(4, 9, 6, dtype=torch.float64) * torch.tensor([1.0, 1e-6, 1e6, 0.0])[:, None, None]
        stacked = update_sketch(stacked, blocks, decay=0.9, method=method)
        sketches = [update_sketch(s, b, decay=0.9, method=method) for s, b in zip(sketches, blocks, strict=True)]
    out = apply_inverse_root(stacked, blocks, -0.25)
    for index, sketch in enumerate(sketches):
        torch.testing.assert_close(out[index], apply_inverse_root(sketch, blocks[index], -0.25), rtol=1e-8, atol=1e-12)


def test_resizing_keeps_the_sandwich_and_the_trace_inequality():
    dim = 16
    *_, (sketch, covariance) = run(dim, 8, stream(dim, 3, 50), 0.95)
    slack = 1e-9 * float(covariance.trace())
    least = 8
    for rank in (5, 2, 11, 1):
        least = min(least, rank)
        sketch = resize_sketch(sketch, rank)
        escaped = float(sketch.root_escaped) ** 2
        gap = torch.linalg.eigvalsh(covariance - dense(sketch))
        assert sketch.basis.shape == (dim, rank)
        assert gap[0] >= -slack
        assert gap[-1] <= escaped + slack
        # Growing buys no mass back, so the inequality holds for the least rank so far.
        assert float(sketch.singular_values.square().sum()) + (least + 1) * escaped <= float(covariance.trace()) + slack


def test_growing_changes_nothing_that_is_applied():
    *_, (sketch, _) = run(10, 3, stream(10, 2, 20), 0.9)
    block = torch.randn(10, 2, dtype=torch.float64)
    torch.testing.assert_close(
        apply_inverse_root(resize_sketch(sketch, 7), block, -0.25), apply_inverse_root(sketch, block, -0.25)
    )


def test_an_update_with_nothing_leaves_an_empty_sketch_and_the_gradient_alone():
    sketch = update_sketch(empty_sketch(4, 2), torch.zeros(4, 3))
    assert float(sketch.singular_values.abs().max()) == float(sketch.root_escaped) == 0.0
    block = torch.randn(4, 3)
    assert torch.equal(apply_inverse_root(sketch, block, -0.25, eps=0.0), block)


def test_numpy_oracle_of_one_update():
    generator = np.random.default_rng(0)
    basis = np.linalg.qr(generator.standard_normal((7, 3)))[0]
    roots, root_escaped, block = np.array([3.0, 2.0, 1.0]), 0.7, generator.standard_normal((7, 4))
    values = np.linalg.eigvalsh(0.8 * basis @ np.diag(roots**2) @ basis.T + 0.5 * block @ block.T)[::-1]
    sketch = Sketch(*[torch.tensor(x, dtype=torch.float64) for x in (basis, roots, root_escaped)])
    after = update_sketch(sketch, torch.tensor(block), decay=0.8, weight=0.5)
    np.testing.assert_allclose(after.singular_values.numpy() ** 2, values[:3] - values[3], rtol=1e-10)
    np.testing.assert_allclose(float(after.root_escaped) ** 2, 0.8 * 0.49 + values[3], rtol=1e-10)
