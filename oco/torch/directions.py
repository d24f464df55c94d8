"""How close a preconditioned direction with sketched factors is to the one with the factors themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from oco.torch.shapes import fold, unfold
from oco.torch.sketch import Sketch, apply_inverse_root

EPS = 1e-7
"""Relative to the largest eigenvalue, added in the roots as the optimizers do by default."""


def exact_direction(gradient: Tensor, covariances: Sequence[Tensor]) -> Tensor:
    """Return ``gradient`` (d_1, ..., d_w) times ``(C_i + eps I)^(-1/2w)`` along every axis i, in float64."""
    exponent = -0.5 / len(covariances)
    return _along_axes(gradient, [partial(_exact_root, covariance, exponent) for covariance in covariances])


def sketched_direction(gradient: Tensor, sketches: Sequence[Sketch]) -> Tensor:
    """Return ``gradient`` times ``(S_i + rho_i I + eps I)^(-1/2w)`` along every axis i, in float64."""
    exponent = -0.5 / len(sketches)
    wide = [Sketch(*(value.double() for value in sketch)) for sketch in sketches]
    return _along_axes(gradient, [partial(_sketched_root, sketch, exponent) for sketch in wide])


def cosine(first: Tensor, second: Tensor) -> float:
    """Return the cosine of the angle between two tensors as vectors; 0 if one of them is zero."""
    a, b = first.double().flatten(), second.double().flatten()
    lengths = torch.linalg.vector_norm(a) * torch.linalg.vector_norm(b)
    return float(a @ b / lengths) if lengths > 0 else 0.0


def _exact_root(covariance: Tensor, exponent: float, block: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance.double())
    values = values.clamp(min=0.0)
    result: Tensor = (vectors * (values + EPS * values[-1]) ** exponent) @ (vectors.mT @ block)
    return result


def _sketched_root(sketch: Sketch, exponent: float, block: Tensor) -> Tensor:
    return apply_inverse_root(sketch, block, exponent, eps=EPS)


def _along_axes(gradient: Tensor, roots: Sequence[Callable[[Tensor], Tensor]]) -> Tensor:
    direction = gradient.double().unsqueeze(0)
    for axis, root in enumerate(roots):
        direction = fold(root(unfold(direction, axis)[0]).unsqueeze(0), gradient.shape, axis)
    return direction[0]
