"""Rules for the relative length of a step inside the sketched bases and of its tail."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from oco.torch.parts import Parts, norm


class Evidence(NamedTuple):
    """What a rule may look at besides the steps of the parts.

    ``sources`` are the parts of the gradient, or of its average, that the steps are made of; ``damping`` is the norm of
    its rest over the root mean square of the rests of gradients; ``weights`` are the parts of the weights, which only
    the trust ratio needs; ``spectral`` is the spectral norm of the tail's step.
    """

    sources: Parts
    damping: Tensor
    weights: Parts | None
    spectral: float


def balanced(steps: Parts, rule: str, evidence: Evidence, ranks: tuple[int, int]) -> Parts:
    r"""Rescale the tail's step T against the step P of core and cross parts.

    With N_P and N_T the numbers of their coordinates, (m - k_m) (n - k_n) for the tail of an m x n matrix:

    =========== =======================================================================================================
    none        as they are
    rms         both to root mean square 1: ``||P|| = sqrt(N_P)``, ``||T|| = sqrt(N_T)``
    noise       P as it is, ``||T|| = sqrt(N_T) ||M_T|| / sqrt(mean ||G_T||^2)``: averages M_T of gradients that
                agree have root mean square 1, one of noise ``sqrt((1 - beta1) / (1 + beta1))``, as Adam's entries have
    trust_ratio ``||P|| : ||T|| = ||W_P|| : ||W_T||``, the weights' own parts; the whole to root mean square 1
    spectral    P to the spectral norm of T
    descent     ``||P|| : ||T|| = <M_P, P> / ||P|| : <M_T, T> / ||T||``, the steepest descent among steps of one length
                along the two; the whole to root mean square 1
    =========== =======================================================================================================

    A part that is zero stays zero; ratios of weights that are zero count as 1.
    """
    inside = {name: part for name, part in steps.items() if name != "rest"}
    rest = steps["rest"]
    rows, columns = rest.shape[-2:]
    own, tail = _length(inside), norm(rest)
    outside = (rows - ranks[0]) * (columns - ranks[1])
    total = float(rows * columns)
    if rule == "rms":
        lengths = torch.full_like(own, (total - outside) ** 0.5), torch.full_like(own, outside**0.5)
    elif rule == "noise":
        lengths = own, outside**0.5 * evidence.damping
    elif rule == "spectral":
        ratio = evidence.spectral / _positive(spectral_norm(inside))
        return {**{name: part * ratio for name, part in inside.items()}, "rest": rest}
    elif rule == "trust_ratio" and evidence.weights is not None:
        weights = {name: part for name, part in evidence.weights.items() if name != "rest"}
        lengths = _shared(_length(weights), norm(evidence.weights["rest"]), total)
    elif rule == "descent":
        inner = {name: (evidence.sources[name] * step).sum((-2, -1), keepdim=True) for name, step in steps.items()}
        gain = torch.stack([value for name, value in inner.items() if name != "rest"]).sum(0) / _positive(own)
        lengths = _shared(gain.clamp(min=0.0), inner["rest"].clamp(min=0.0) / _positive(tail), total)
    else:
        return steps
    factors = lengths[0] / _positive(own), lengths[1] / _positive(tail)
    return {name: part * factors[name == "rest"] for name, part in steps.items()}


def spectral_norm(inside: Parts) -> Tensor:
    """Return the largest singular value (..., 1, 1) of ``U core V' + U left + right V'``.

    It is ``X Y`` with ``X = [U, right]`` and ``Y = [core V' + left; V']``, whose Gram matrices are small.
    """
    core = inside["core"]
    left = inside.get("left", torch.zeros_like(core))
    right = inside.get("right", torch.zeros_like(core))
    size = core.shape[-1]
    identity = torch.eye(size, dtype=core.dtype, device=core.device).expand(*core.shape[:-2], size, size)
    upper = torch.cat([core @ core.mT + left @ left.mT, core], -1)
    gram = torch.cat([upper, torch.cat([core.mT, identity], -1)], -2)
    values, vectors = torch.linalg.eigh(right.mT @ right)
    root = (vectors * values.clamp(min=0.0).sqrt()[..., None, :]) @ vectors.mT
    above, below = torch.split(gram, [core.shape[-2], size], -2)
    scaled = torch.cat([above, root @ below], -2)
    above, below = torch.split(scaled, [core.shape[-2], size], -1)
    squares = torch.linalg.eigvalsh(torch.cat([above, below @ root], -1)) if gram.shape[-1] else gram.new_zeros(1)
    largest: Tensor = squares.amax(-1).clamp(min=0.0).sqrt()
    return largest[..., None, None]


def _length(parts: Parts) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(torch.stack([norm(part) for part in parts.values()]), dim=0)
    return length


def _shared(first: Tensor, second: Tensor, total: float) -> tuple[Tensor, Tensor]:
    """Return lengths in the ratio of two numbers whose squares sum to ``total``; equal ones if both are zero."""
    whole = torch.hypot(first, second)
    even = torch.full_like(first, 0.5**0.5)
    one, two = (torch.where(whole > 0, value / _positive(whole), even) * total**0.5 for value in (first, second))
    return one, two


def _positive(values: Tensor) -> Tensor:
    return torch.where(values > 0, values, 1.0)
