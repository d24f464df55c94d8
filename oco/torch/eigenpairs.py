"""Eigenpairs of a sketch joined with a gradient, by three methods, and the products of thin matrices that they need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

OVERSAMPLING = 8


def product(left: Tensor, right: Tensor) -> Tensor:
    """Return ``left @ right``; a product of matrices is faster than one of stacks of one."""
    if left.ndim != 3 or right.ndim != 3:
        return left @ right
    return torch.mm(left[0], right[0])[None] if len(left) == 1 else torch.bmm(left, right)


def add_product_(base: Tensor, left: Tensor, right: Tensor, sign: int = 1) -> Tensor:
    """Overwrite ``base`` by ``base + sign * left @ right`` without a copy of the product where it is a stack."""
    if base.ndim != 3:
        return base.add_(left @ right, alpha=sign)
    if len(base) > 1:
        return base.baddbmm_(left, right, alpha=sign)
    base[0].addmm_(left[0], right[0], alpha=sign)
    return base


def thin_product(left: Tensor, right: Tensor) -> Tensor:
    """Return ``left @ right`` for a right side of few columns; BLAS is faster with the few as rows."""
    return product(right.mT, left.mT).mT


def gram_eigenpairs(joined: Tensor) -> tuple[Tensor, Tensor, float]:
    """Eigenpairs of ``joined @ joined'`` from the smaller Gram matrix in float64 (float32 loses the orthogonality)."""
    dim, columns = joined.shape[-2:]
    storage = torch.finfo(joined.dtype).eps
    wide = joined.double()
    epsilon = max((max(dim, columns) * storage) ** 2, max(dim, columns) * torch.finfo(torch.float64).eps)
    if columns >= dim:
        values, vectors = torch.linalg.eigh(wide @ wide.mT)
        return values.flip(-1), vectors.flip(-1), epsilon
    values, vectors = torch.linalg.eigh(wide.mT @ wide)
    values, vectors = values.flip(-1), vectors.flip(-1)
    positive = values > epsilon * values[..., :1]
    inverse_roots = torch.where(positive, values, 1.0).rsqrt() * positive
    return values, (wide @ vectors) * inverse_roots[..., None, :], epsilon


def svd_eigenpairs(joined: Tensor) -> tuple[Tensor, Tensor, float]:
    """Eigenpairs of ``joined @ joined'`` from a QR reduction and an SVD in the storage precision."""
    dim, columns = joined.shape[-2:]
    with _full_precision_matmul():
        reduced = torch.linalg.qr(joined.mT, mode="r").R.mT if columns > dim else joined
        vectors, values, _ = torch.linalg.svd(reduced, full_matrices=False)
    return values.double().square(), vectors, (max(dim, columns) * torch.finfo(joined.dtype).eps) ** 2


def subspace_eigenpairs(
    basis: Tensor, roots: Tensor, old: Tensor, block: Tensor, root_weight: Tensor
) -> tuple[Tensor, Tensor, float]:
    """Ritz pairs after one power step on ``old old' + root_weight^2 block block'``.

    It starts from the last basis, and from mixed columns of the block for unused columns and OVERSAMPLING more.
    """
    dim, columns, rank = *block.shape[-2:], basis.shape[-1]
    width = min(dim, rank + OVERSAMPLING)
    used = roots > 0
    # Mixed columns that would be replaced by the basis are not computed; the answer is read where a QR waits anyway.
    skipped = min(rank, width) if bool(used.all()) else 0
    with _full_precision_matmul():
        start = basis[..., :width]
        if skipped < width:
            fresh = thin_product(block, _mixing(columns, skipped, width, block)) * root_weight
            if skipped:
                start = torch.cat([basis, fresh], -1)
            else:
                padded = torch.nn.functional.pad(basis, (0, width - rank))
                start = torch.where(torch.nn.functional.pad(used, (0, width - rank))[..., None, :], padded, fresh)
        inside = thin_product(block.mT, start).mul_(root_weight.square())
        frame = torch.linalg.qr((old @ (old.mT @ start)).add_(thin_product(block, inside))).Q
        del start, inside  # held to the end of the function, they would add to the peak of memory
        inner = torch.cat([frame.mT @ old, product(frame.mT, block) * root_weight], -1)
    inner = inner.double()
    values, rotation = torch.linalg.eigh(inner @ inner.mT)
    vectors = frame @ rotation.flip(-1).to(frame.dtype)
    return values.flip(-1), vectors, (dim * torch.finfo(block.dtype).eps) ** 2


def _mixing(columns: int, start: int, stop: int, like: Tensor) -> Tensor:
    """Columns of a fixed cosine matrix, used in place of a random one so that a restart gives the same bits."""
    grid, order = (
        torch.arange(a, b, device=like.device, dtype=torch.float64) for a, b in ((0, columns), (start, stop))
    )
    mixing = torch.cos((grid[:, None] + 0.5) * (order + 0.5) * (torch.pi / columns)).to(like.dtype)
    return mixing.expand(*like.shape[:-2], *mixing.shape)


@contextmanager
def _full_precision_matmul() -> Iterator[None]:
    """Turn TF32 and bfloat16 products off in the sketch, because they keep only ten bits of a Gram matrix."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
