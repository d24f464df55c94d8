"""Which axes a parameter is preconditioned along: unit dimensions dropped, small trailing dimensions merged."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

MERGES = ("trailing", "greedy")


def merged_shape(shape: Sequence[int], limit: int = 1024, merge: str = "trailing") -> tuple[int, ...]:
    """Return the shape in which a tensor is preconditioned.

    ``trailing`` keeps the first dimension and merges the others from the right while their product is at most
    ``limit``; it never makes a vector of a matrix, so a convolution (64, 32, 3, 3) becomes (64, 288). ``greedy`` merges
    from the left, as public reference code does, and may turn small matrices into vectors. A scalar becomes ``(1,)``.

    Examples
    --------
    >>> merged_shape((64, 32, 3, 3)), merged_shape((512, 512, 3, 3)), merged_shape((8, 32))
    ((64, 288), (512, 512, 9), (8, 32))
    """
    dims = [int(d) for d in shape if d != 1]
    if not dims:
        return (1,)
    if merge == "greedy":
        return tuple(_merge_left(dims, limit))
    if len(dims) <= 2:
        return tuple(dims)
    return (dims[0], *reversed(_merge_left(dims[:0:-1], limit)))


def unfold(tensor: Tensor, axis: int) -> Tensor:
    """View a batch (B, d_1, ..., d_w) as matrices (B, d_axis, rest); a copy where the layout needs one."""
    if tensor.ndim == 3:
        return tensor if axis == 0 else tensor.mT
    return tensor.movedim(axis + 1, 1).reshape(tensor.shape[0], tensor.shape[axis + 1], -1)


def fold(matrices: Tensor, shape: Sequence[int], axis: int) -> Tensor:
    """Undo :func:`unfold` for tensors of ``shape`` (d_1, ..., d_w)."""
    if len(shape) == 2:
        return matrices if axis == 0 else matrices.mT
    rest = [d for i, d in enumerate(shape) if i != axis]
    return matrices.reshape(matrices.shape[0], shape[axis], *rest).movedim(1, axis + 1)


def _merge_left(dims: list[int], limit: int) -> list[int]:
    merged = [dims[0]]
    for dim in dims[1:]:
        if merged[-1] * dim <= limit:
            merged[-1] *= dim
        else:
            merged.append(dim)
    return merged
