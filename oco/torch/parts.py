"""The split of a matrix by two orthonormal bases into core, cross parts and rest, and the way back."""

from __future__ import annotations

import torch
from torch import Tensor

Parts = dict[str, Tensor]
# A part is round-off, and counts as zero, if its norm is below this many units of round-off of the whole's.
ROUND_OFF_UNITS = 64.0


def split(matrices: Tensor, rows: Tensor, columns: Tensor, crosses: bool = True, rest: bool = True) -> Parts:
    """Split matrices G by the bases U of their rows and V of their columns.

    ======= ============================= =======================
    core    ``U' G V``                    (..., k_m, k_n)
    left    ``U' G (I - V V')``           (..., k_m, n)
    right   ``(I - U U') G V``            (..., m, k_n)
    rest    ``(I - U U') G (I - V V')``   (..., m, n)
    ======= ============================= =======================

    Without ``crosses`` the parts left and right are left in the rest, which is then ``G - U (U' G V) V'``. Without
    ``rest``, which takes half of the work, only the others are returned.

    Parameters
    ----------
    matrices : Tensor, shape (..., m, n)
        Not modified.
    rows, columns : Tensor, shapes (..., m, k_m) and (..., n, k_n)
        Orthonormal columns, or zero ones.

    Returns
    -------
    dict of Tensor
        Mutually orthogonal parts. One whose norm is round-off of the whole's is zero, so that full-rank bases leave no
        rest.

    Notes
    -----
    ``4 (k_m + k_n) m n`` flops to leading order, half of them for the rest, which needs two copies of the matrices.

    Examples
    --------
    >>> import torch
    >>> basis = torch.eye(3)[:, :1]
    >>> {name: tuple(part.shape) for name, part in split(torch.ones(3, 3), basis, basis).items()}
    {'core': (1, 1), 'left': (1, 3), 'right': (3, 1), 'rest': (3, 3)}
    """
    projected = rows.mT @ matrices
    parts = {"core": projected @ columns}
    if crosses:
        parts["left"] = projected - parts["core"] @ columns.mT
        parts["right"] = matrices @ columns - rows @ parts["core"]
    if rest and crosses:
        parts["rest"] = (matrices - rows @ projected).sub_(parts["right"] @ columns.mT)
    elif rest:
        parts["rest"] = matrices - rows @ (parts["core"] @ columns.mT)
    least = ROUND_OFF_UNITS * torch.finfo(matrices.dtype).eps * norm(matrices)
    return {name: part.mul_(norm(part) > least) for name, part in parts.items()}


def joined(parts: Parts, rows: Tensor, columns: Tensor) -> Tensor:
    """Return the matrices with these parts: ``U core V' + U left + right V' + rest``."""
    if "left" not in parts:
        return parts["rest"].add(rows @ (parts["core"] @ columns.mT))
    inside: Tensor = rows @ (parts["core"] @ columns.mT).add_(parts["left"])
    return inside.add_(parts["rest"]).add_(parts["right"] @ columns.mT)


def norm(matrices: Tensor) -> Tensor:
    """Return Frobenius norms with the shape (..., 1, 1)."""
    norms: Tensor = torch.linalg.matrix_norm(matrices, keepdim=True)
    return norms
