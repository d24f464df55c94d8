"""The split of a matrix by two orthonormal bases into core, cross parts and rest, and the way back."""

from __future__ import annotations

import torch
from torch import Tensor

from oco.torch.eigenpairs import add_product_, product

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
    projected = product(rows.mT, matrices)
    parts = {"core": product(projected, columns)}
    if crosses:
        parts["left"] = projected
        parts["right"] = add_product_(product(matrices, columns), rows, parts["core"], sign=-1)
    if rest and crosses:
        across = add_product_(matrices.clone(), rows, projected, sign=-1)
        parts["rest"] = add_product_(across, parts["right"], columns.mT, sign=-1)
    elif rest:
        parts["rest"] = add_product_(matrices.clone(), rows, product(parts["core"], columns.mT), sign=-1)
    if crosses:
        add_product_(projected, parts["core"], columns.mT, sign=-1)
    least = ROUND_OFF_UNITS * torch.finfo(matrices.dtype).eps * norm(matrices)
    return {name: part.mul_(norm(part) > least) for name, part in parts.items()}


def joined(parts: Parts, rows: Tensor, columns: Tensor, *, overwrite: bool = False) -> Tensor:
    """Return the matrices with these parts: ``U core V' + U left + right V' + rest``; in place of the rest if asked."""
    whole = parts["rest"] if overwrite else parts["rest"].clone()
    inside = product(parts["core"], columns.mT)
    if "left" not in parts:
        return add_product_(whole, rows, inside)
    return add_product_(add_product_(whole, rows, inside.add_(parts["left"])), parts["right"], columns.mT)


def norm(matrices: Tensor) -> Tensor:
    """Return Frobenius norms with the shape (..., 1, 1)."""
    norms: Tensor = torch.linalg.vector_norm(matrices, dim=(-2, -1), keepdim=True)
    return norms
