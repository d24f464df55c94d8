"""Frequent-Directions sketches of Kronecker factors as pure functions on batches of tensors.

A sketch of the covariance ``C`` of a d-dimensional axis is three tensors (leading batch dimensions allowed):

- ``basis`` V, (..., d, k): orthonormal columns, or zero where a column is unused;
- ``singular_values`` s, (..., k): descending roots of the deflated eigenvalues, so the sketched covariance is ``V
  diag(s^2) V'``;
- ``root_escaped`` r, (...): root of the escaped mass rho = r^2, for which ``V diag(s^2) V' <= C <= V diag(s^2) V' + rho
  I``.

Roots are stored because float32 squares of gradients near 1e19 or 1e-20 would overflow or vanish.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from oco.torch.eigenpairs import gram_eigenpairs, product, subspace_eigenpairs, svd_eigenpairs
from oco.torch.shapes import fold, unfold

METHODS = ("gram64", "svd", "subspace")
TAIL_DECAYS = ("beta2", "sqrt")


class Sketch(NamedTuple):
    """The state of one axis or a stack of axes: basis (d, k), roots of eigenvalues (k,), root of escaped mass ()."""

    basis: Tensor
    singular_values: Tensor
    root_escaped: Tensor


def empty_sketch(
    dim: int, rank: int, *, dtype: torch.dtype = torch.float32, device: torch.device | None = None
) -> Sketch:
    """Return the sketch of the zero matrix for an axis of ``dim`` entries: ``dim * rank + rank + 1`` floats."""
    return Sketch(
        torch.zeros(dim, rank, dtype=dtype, device=device),
        torch.zeros(rank, dtype=dtype, device=device),
        torch.zeros((), dtype=dtype, device=device),
    )


@torch.no_grad()
def update_sketch(
    sketch: Sketch,
    block: Tensor,
    *,
    decay: float = 1.0,
    weight: float = 1.0,
    method: str = "gram64",
    tail_decay: str = "beta2",
    unit: Tensor | None = None,
) -> Sketch:
    """Absorb ``weight * block @ block'`` into a sketch after multiplying the past by ``decay``.

    With ``lam, U`` the eigenpairs of ``decay V diag(s^2) V' + weight X X'`` in descending order and ``cut = lam[k]``
    (zero if k = d)::

        V <- U[:, :k]    s^2 <- lam[:k] - cut    rho <- decay * rho + cut

    Parameters
    ----------
    sketch : Sketch
        Tensors of shapes (..., d, k), (..., k), (...); not modified.
    block : Tensor, shape (..., d, m)
        The gradient unfolded along this axis, m >= 1 columns.
    decay, weight : float
        Factors of the past and of the new covariance; (1, 1) sums, (b, 1 - b) averages exponentially.
    method : {"gram64", "svd", "subspace"}
        ``gram64``: eigenvalues of the smaller Gram matrix in float64, O(d (k+m) min(d, k+m)). ``svd``: QR and SVD in
        the storage precision. ``subspace``: one warm-started subspace iteration with Rayleigh-Ritz, O(d m k), whose
        ``cut`` is an estimate, so that neither the sandwich nor the tail bound is certified.
    tail_decay : {"beta2", "sqrt"}
        ``sqrt`` decays the escaped mass by ``sqrt(decay)`` as public reference code does; it can break the tail bound.
    unit : Tensor, shape (...), optional
        The gradient is this factor (float64) times ``block``, whose entries are at most 1.

    Returns
    -------
    Sketch
        Of the same shapes and dtype.

    Raises
    ------
    torch.linalg.LinAlgError
        When a decomposition does not converge, which non-finite entries provoke.

    Notes
    -----
    Feinberg et al., "Sketchy", NeurIPS 2023, Algorithm 1 and Observation 6, with the escaped mass of one update being
    the (k+1)-th eigenvalue (their sketch size is k + 1). Departures: ``weight``; eigenvalues beneath the round-off of
    the decomposition are set to zero, and so never enter the escaped mass.

    Examples
    --------
    >>> import torch
    >>> gradient = torch.diag(torch.tensor([3.0, 2.0, 1.0]))
    >>> sketch = update_sketch(empty_sketch(3, 1), gradient)
    >>> float(sketch.singular_values[0] ** 2), float(sketch.root_escaped**2)  # 9 - 4, 4
    (5.0, 4.0)
    """
    basis, roots, root_escaped = sketch
    rank, dim = basis.shape[-1], basis.shape[-2]
    block = block.to(basis.dtype)
    if unit is None:
        unit = power_of_two(torch.maximum(block.amax((-2, -1)), -block.amin((-2, -1)))).double()
        block = block / unit.to(block.dtype)[..., None, None]
    # Powers of two scale exactly; they keep every product below inside the range of its dtype.
    peak = unit.to(basis.dtype)
    scale = power_of_two(torch.maximum(peak, roots.amax(-1)) if rank else peak)
    old = basis * (roots * (decay**0.5 / scale[..., None]))[..., None, :]
    root_weight = (weight**0.5 * unit / scale).to(basis.dtype)[..., None, None]
    if method == "subspace":
        eigenvalues, vectors, epsilon = subspace_eigenpairs(basis, roots, old, block, root_weight)
    else:
        joined = torch.cat([old, block * root_weight], -1)
        eigenvalues, vectors, epsilon = svd_eigenpairs(joined) if method == "svd" else gram_eigenpairs(joined)
    eigenvalues = torch.where(eigenvalues > epsilon * eigenvalues[..., :1], eigenvalues, 0.0)
    cut = eigenvalues[..., rank] if rank < dim else torch.zeros_like(eigenvalues[..., 0])
    kept = (eigenvalues[..., :rank] - cut[..., None]).clamp(min=0.0)
    past = root_escaped.to(kept.dtype) / scale.to(kept.dtype)
    escaped = (decay if tail_decay == "beta2" else decay**0.5) * past.square() + cut
    return Sketch(
        (vectors[..., :rank] * (kept > 0)[..., None, :]).to(basis.dtype),
        (kept.sqrt() * scale[..., None]).to(basis.dtype),
        (escaped.sqrt() * scale).to(basis.dtype),
    )


def inverse_root_coefficients(
    sketch: Sketch, exponent: float, *, eps: float = 1e-7, relative_eps: bool = True, pseudo_inverse: bool = False
) -> tuple[Tensor, Tensor]:
    """Return float64 ``a`` (..., k) and ``c`` (...) with ``(S + rho I + eps' I)^exponent = c I + V diag(a - c) V'``.

    ``eps'`` is ``eps`` times the largest eigenvalue of ``S + rho I``, or ``eps`` itself when ``relative_eps`` is false.
    With ``pseudo_inverse`` the complement is dropped (c = 0) while nothing has escaped, which is the convention of
    public reference code and discards gradients outside the sketched space.
    """
    escaped = sketch.root_escaped.double().square()
    values = sketch.singular_values.double().square() + escaped[..., None]
    largest = values[..., 0] if values.shape[-1] else escaped
    added = eps * largest if relative_eps else torch.full_like(escaped, eps)
    # An empty sketch without eps has no inverse; the identity leaves the gradient as it is.
    safe = torch.where(escaped + added > 0, escaped + added, 1.0)
    outside = safe**exponent
    if pseudo_inverse:
        outside = torch.where(escaped > 0, outside, 0.0)
    inside = torch.where(values + added[..., None] > 0, values + added[..., None], 1.0) ** exponent
    return inside, outside


def apply_inverse_root(
    sketch: Sketch,
    block: Tensor,
    exponent: float,
    *,
    eps: float = 1e-7,
    relative_eps: bool = True,
    pseudo_inverse: bool = False,
) -> Tensor:
    """Return ``(S + rho I + eps' I)^exponent @ block``, block (..., d, m), in 4 d k m flops without a d x d matrix."""
    inside, outside = inverse_root_coefficients(
        sketch, exponent, eps=eps, relative_eps=relative_eps, pseudo_inverse=pseudo_inverse
    )
    return apply_coefficients(sketch.basis, inside, outside, block)


def apply_coefficients(basis: Tensor, inside: Tensor, outside: Tensor, block: Tensor) -> Tensor:
    """Return ``(c I + V diag(a - c) V') @ block`` for the coefficients of :func:`inverse_root_coefficients`."""
    gain = (inside - outside[..., None]).to(block.dtype)
    projected = basis.mT @ block
    scaled = block * outside.to(block.dtype)[..., None, None]
    factor = basis * gain[..., None, :]
    # In place, because adding a transposed block to a fresh product is a pass over mismatched strides.
    return scaled.baddbmm_(factor, projected) if block.ndim == 3 else scaled + factor @ projected


def precondition_(block: Tensor, axis: int, basis: Tensor, gain: Tensor, rest: Tensor | None = None) -> Tensor:
    """Overwrite a stack of tensors by ``(rest I + V diag(gain) V')`` times it along one axis, and return it.

    Parameters
    ----------
    block : Tensor, shape (B, d_0, d_1, ...)
        Only its first and last axis are multiplied in place; for others the result is a new tensor.
    axis : int
        Which of d_0, d_1, ...
    basis : Tensor, shape (B, d_axis, k)
        V.
    gain : Tensor, shape (B, k)
        The factors of its directions.
    rest : Tensor, shape (B,), optional
        One by default, at no cost.

    Examples
    --------
    >>> import torch
    >>> block, basis = torch.ones(1, 2, 2), torch.tensor([[[1.0], [0.0]]])
    >>> precondition_(block, 0, basis, torch.tensor([[-0.5]])).tolist()
    [[[0.5, 0.5], [1.0, 1.0]]]
    """
    last = 0 < axis == block.ndim - 2
    matrices = block.flatten(1, -2) if last else unfold(block, axis)
    if last:
        factors = product(matrices, basis).mul_(gain.unsqueeze(1)), basis.mT
    else:
        factors = basis, product(basis.mT, matrices).mul_(gain.unsqueeze(2))
    if rest is not None:
        matrices.mul_(rest[:, None, None])
    if len(matrices) == 1:
        matrices[0].addmm_(factors[0][0], factors[1][0])
    else:
        matrices.baddbmm_(*factors)
    if block.ndim == 3:
        return matrices
    return matrices.view(block.shape) if last else fold(matrices, block.shape[1:], axis)


def resize_sketch(sketch: Sketch, rank: int) -> Sketch:
    """Return the sketch with ``rank`` columns; eigenvalues that are cut are added to the escaped mass.

    Growing pads with unused columns. Shrinking to k' subtracts the (k'+1)-th kept eigenvalue from those above it and
    adds it to the escaped mass, so ``S <= C <= S + rho I`` and ``tr S + (k'+1) rho <= tr C`` stay true.
    """
    basis, roots, root_escaped = sketch
    old = roots.shape[-1]
    if rank >= old:
        return Sketch(
            torch.nn.functional.pad(basis, (0, rank - old)),
            torch.nn.functional.pad(roots, (0, rank - old)),
            root_escaped,
        )
    values = roots.double().square()
    cut = values[..., rank]
    kept = (values[..., :rank] - cut[..., None]).clamp(min=0.0)
    return Sketch(
        basis[..., :rank] * (kept > 0)[..., None, :],
        kept.sqrt().to(roots.dtype),
        (root_escaped.double().square() + cut).sqrt().to(roots.dtype),
    )


def sketch_report(sketch: Sketch, trace: float) -> dict[str, Any]:
    """Return facts on a covariance of exact ``trace`` from its sketch: see ``SketchyShampoo.report``."""
    escaped = float(sketch.root_escaped.double().square())
    values = sketch.singular_values.double().square().tolist()
    top, dim = (values[0] if values else 0.0), sketch.basis.shape[0]
    # No eigenvalue exceeds the trace, which is the better bound in the first steps, and the only one at rank 0.
    largest = (max(top, trace / dim), min(top + escaped, trace) if values else trace)
    return {
        "dim": dim,
        "rank": sketch.basis.shape[1],
        "trace": trace,
        "escaped_mass": escaped,
        "outside_fraction": max(0.0, 1.0 - sum(values) / trace) if trace else 0.0,
        "largest_eigenvalue": largest,
        "intrinsic_dimension": (trace / largest[1], trace / largest[0]) if trace else (0.0, 0.0),
    }


def power_of_two(peak: Tensor) -> Tensor:
    """Return the power of two just above ``peak`` (kept within the dtype), or 1 for zero."""
    _, exponent = torch.frexp(peak)
    limit = 120 if peak.dtype == torch.float32 else 1000
    return torch.ldexp(torch.ones_like(peak), exponent.clamp(-limit, limit))
