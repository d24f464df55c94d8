"""The rivals of benchmarks/optimizers: a step by hand, or the optimizer that each becomes in a limit."""

from __future__ import annotations

import math

import pytest
import torch

from benchmarks.optimizers.adam_mini import AdamMini
from benchmarks.optimizers.apollo import APOLLO
from benchmarks.optimizers.galore import GaLore
from benchmarks.optimizers.soap import SOAP

ALL = (SOAP, GaLore, APOLLO, AdamMini)
STEPS = 6


def gradients(rows: int, columns: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(rows, columns, generator=generator, dtype=torch.float64) for _ in range(STEPS)]


def path(optimizer_of, given, start=None):
    """The weights after every step."""
    weight = torch.nn.Parameter(torch.zeros_like(given[0]) if start is None else start.clone())
    optimizer = optimizer_of([weight])
    found = []
    for gradient in given:
        weight.grad = gradient.clone()
        optimizer.step()
        found.append(weight.detach().clone())
    return found


def adam(betas=(0.9, 0.99)):
    return lambda params: torch.optim.AdamW(params, lr=0.1, betas=betas, eps=1e-8, weight_decay=0.0)


@pytest.mark.parametrize("kind", ALL)
def test_vectors_and_marked_groups_take_the_steps_of_adamw(kind):
    start = torch.ones(3, 4, dtype=torch.float64)
    own = path(
        lambda p: kind([{"params": p, "adamw": True}], lr=0.1, betas=(0.9, 0.99), weight_decay=0.2),
        gradients(3, 4),
        start,
    )
    reference = path(
        lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.9, 0.99), weight_decay=0.2), gradients(3, 4), start
    )
    for one, other in zip(own, reference, strict=True):
        torch.testing.assert_close(one, other)
    vectors = [gradient.flatten() for gradient in gradients(3, 4)]
    for one, other in zip(
        path(lambda p: kind(p, lr=0.1, betas=(0.9, 0.99)), vectors), path(adam(), vectors), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_adam_mini_with_blocks_of_one_entry_is_adam():
    column = gradients(5, 1)
    for one, other in zip(
        path(lambda p: AdamMini(p, lr=0.1, betas=(0.9, 0.99)), column), path(adam(), column), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_adam_mini_s_first_step_divides_a_row_by_its_root_mean_square():
    (gradient,) = gradients(2, 3)[:1]
    (after,) = path(lambda p: AdamMini(p, lr=0.5), [gradient])
    torch.testing.assert_close(after, -0.5 * gradient / gradient.square().mean(1, keepdim=True).sqrt())


@pytest.mark.parametrize("shape", [(4, 7), (7, 4)])
def test_galore_of_full_rank_is_adam_in_the_basis_of_singular_vectors(shape):
    given = gradients(*shape)
    own = path(lambda p: GaLore(p, lr=0.1, betas=(0.9, 0.99), rank=4, gap=STEPS), given)
    left, _, right = torch.linalg.svd(given[0], full_matrices=False)
    if shape[0] < shape[1]:
        turned = path(adam(), [left.T @ gradient for gradient in given])
        expected = [left @ weight for weight in turned]
    else:
        turned = path(adam(), [gradient @ right.T for gradient in given])
        expected = [weight @ right for weight in turned]
    for one, other in zip(own, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_galore_moves_in_its_subspace_only_and_projects_again_after_the_gap():
    given = gradients(4, 7)
    after = path(lambda p: GaLore(p, lr=0.1, rank=2, gap=3), given)
    for start, end, basis in ((torch.zeros(4, 7).double(), after[2], given[0]), (after[2], after[5], given[3])):
        leading = torch.linalg.svd(basis).U[:, :2]
        moved = end - start
        torch.testing.assert_close(leading @ (leading.T @ moved), moved)
        assert torch.linalg.matrix_rank(moved) == 2


def test_soap_on_diagonal_gradients_is_adam():
    """The factors of a diagonal gradient are diagonal, so their eigenbasis is the identity up to order and signs."""
    scales = torch.tensor([3.0, 2.0, 1.0, 0.5], dtype=torch.float64)
    given = [torch.diag(scales * (1.0 + 0.1 * step)) for step in range(STEPS)]
    own = path(lambda p: SOAP(p, lr=0.1, betas=(0.9, 0.99), frequency=2), given)
    assert not own[0].any()
    for one, other in zip(own[1:], path(adam(), given[1:]), strict=True):
        torch.testing.assert_close(one, other)


def test_soap_turns_with_the_gradient():
    """SOAP of U G V' is U (SOAP of G) V'; Adam's steps do not turn."""
    given = gradients(5, 4)
    left, right = (torch.linalg.qr(torch.randn(n, n, dtype=torch.float64)).Q for n in (5, 4))
    turned = [left @ gradient @ right.T for gradient in given]

    def soap(params):
        return SOAP(params, lr=0.1, betas=(0.9, 0.99), frequency=2)

    for one, other in zip(path(soap, turned), path(soap, given), strict=True):
        torch.testing.assert_close(one, left @ other @ right.T)
    assert not torch.allclose(path(adam(), turned)[0], left @ path(adam(), given)[0] @ right.T, atol=1e-3)


def test_soap_s_first_gradient_makes_the_bases_and_its_second_the_first_step():
    """Adam's first step in the singular basis has entries of +-1 where the gradient has singular values, else 0."""
    (gradient,) = gradients(4, 4)[:1]
    none, after = path(lambda p: SOAP(p, lr=0.5, eps=1e-12), [gradient, gradient])
    assert not none.any()
    left, _, right = torch.linalg.svd(gradient)
    torch.testing.assert_close(after, -0.5 * left @ right, atol=1e-3, rtol=0.0)


@pytest.mark.parametrize("seed", [18, 29])
def test_soap_s_first_bases_of_sparse_rows_are_finite(seed):
    """Gradients of a first layer on images: of low rank, with columns of zeros. LAPACK in float32 answers NaN."""
    generator = torch.Generator().manual_seed(seed)
    rows = (torch.rand(64, 784, generator=generator) < 0.19) * torch.rand(64, 784, generator=generator)
    rows[:, torch.rand(784, generator=generator) < 0.3] = 0.0
    gradient = torch.randn(128, 64, generator=generator) @ rows * 1e-3
    assert path(SOAP, [gradient, gradient])[1].isfinite().all()


def test_soap_s_bases_keep_their_order():
    """The power method pulls every column towards the leading eigenvectors that no column before it holds.

    Second moments of another column would then divide the largest part of the gradient by the root of the smallest.
    """
    left, right = (torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64)).Q for _ in range(2))
    gradient = left @ torch.diag(torch.tensor([100.0, 1.0, 0.01], dtype=torch.float64)) @ right.T
    steps = path(lambda p: SOAP(p, lr=1.0, frequency=1), [gradient] * 30)
    for count, after in enumerate(steps):
        torch.testing.assert_close(after, -float(count) * left @ right.T, atol=1e-2 * count, rtol=0.0)


def test_soap_s_second_moments_move_with_the_columns_of_the_bases():
    """Where the order of the eigenvalues changes, Adam in the (fixed) eigenbasis does not notice."""
    small, large = (torch.diag(torch.tensor(scales, dtype=torch.float64)) for scales in ([3.0, 0.1], [0.1, 3.0]))
    given = [small] * 4 + [large] * 30
    own = path(lambda p: SOAP(p, lr=0.1, betas=(0.9, 0.9), frequency=1), given)
    for one, other in zip(own[1:], path(adam(betas=(0.9, 0.9)), given[1:]), strict=True):
        torch.testing.assert_close(one, other)


def test_apollo_scales_columns_by_the_length_of_adam_s_step_and_its_norm_grows_slowly():
    """Adam's first step is a sign, of length sqrt(rank) in every projected column."""
    given = gradients(4, 7)
    after = path(lambda p: APOLLO(p, lr=0.1, rank=3, growth=1.01), given)
    drawn = torch.randn(3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64) / math.sqrt(3)
    lengths = (drawn @ given[0]).norm(dim=0)
    torch.testing.assert_close(after[0], -0.1 * given[0] * math.sqrt(3) / lengths)
    moves = [after[0], *(b - a for a, b in zip(after, after[1:], strict=False))]
    for before, move in zip(moves, moves[1:], strict=False):
        assert move.norm() <= 1.01 * before.norm() * (1 + 1e-9)


def test_state_is_what_the_formulas_say():
    for kind, options, floats in (
        (SOAP, {}, 2 * 6 * 10 + 2 * (36 + 100)),
        (GaLore, {"rank": 2}, 2 * (6 + 2 * 10)),
        (APOLLO, {"rank": 2}, 2 * 2 * 10 + 1),
        (AdamMini, {}, 60 + 6),
    ):
        weight = torch.nn.Parameter(torch.zeros(6, 10))
        optimizer = kind([weight], **options)
        for _ in range(2):
            weight.grad = torch.randn(6, 10)
            optimizer.step()
        held = sum(
            value.untyped_storage().nbytes() for value in optimizer.state[weight].values() if torch.is_tensor(value)
        )
        assert held == 4 * floats
