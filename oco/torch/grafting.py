"""Grafting: a preconditioned direction is given the step length of a diagonal method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from oco.errors import ConfigError
from oco.torch.checks import check_choice, check_nonnegative
from oco.torch.limits import Scaled
from oco.torch.stacks import columns, joined, pieces, stacked, unstacked

WITH_SECOND_MOMENT = ("factored", "adam", "rmsprop")
GRAFTS = (*WITH_SECOND_MOMENT, "sqrt_n", "sgd", "none")


@dataclass(frozen=True)
class Graft:
    """The diagonal method whose step length is used.

    Attributes
    ----------
    method : {"factored", "adam", "rmsprop", "sqrt_n", "sgd", "none"}
        See ``graft_steps`` in this module. ``sgd`` and ``none`` need a learning rate of their own.
    eps : float, optional
        Added to the root (``rmsprop``: inside it) of the second moment; 1e-8 by default. Only the methods with a second
        moment take it: ``factored``, ``adam`` and ``rmsprop``.

    Examples
    --------
    >>> Graft("adam", eps=1e-6)
    Graft(method='adam', eps=1e-06)
    """

    method: str = "factored"
    eps: float | None = None
    flat: ClassVar[Mapping[str, str]] = {"method": "graft", "eps": "graft_eps"}

    def __post_init__(self) -> None:
        check_choice("graft", self.method, GRAFTS)
        if self.eps is None:
            object.__setattr__(self, "eps", 1e-8 if self.method in WITH_SECOND_MOMENT else None)
        elif self.method not in WITH_SECOND_MOMENT:
            raise ConfigError(
                f"Invalid graft_eps value: {self.eps!r} (the method {self.method!r} has no second moment to add it to; "
                f"with {', '.join(WITH_SECOND_MOMENT)} a finite number of at least 0 is allowed)"
            )
        else:
            check_nonnegative("graft_eps", self.eps)


def graft_state(graft: str, shape: Sequence[int], *, dtype: torch.dtype, device: torch.device) -> dict[str, Tensor]:
    """Return zero accumulators: one per axis entry (``factored``), one per entry (``adam``, ``rmsprop``), or none."""
    if graft == "factored":
        return {f"graft_{axis}": torch.zeros(dim, dtype=dtype, device=device) for axis, dim in enumerate(shape)}
    if graft in ("adam", "rmsprop"):
        return {"graft": torch.zeros(tuple(shape), dtype=dtype, device=device)}
    return {}


States = Sequence[Sequence[dict[str, Tensor]]]


def graft_steps(
    gradients: Sequence[Tensor],
    states: States,
    graft: Graft,
    beta2: float,
    step: float,
    bias_correction: bool = True,
) -> list[Tensor]:
    """Update the accumulators in place and overwrite the gradients by the grafted method's own steps.

    Parameters
    ----------
    gradients : sequence of Tensor
        Stacks (B, d_1, ..., d_w), all with w axes.
    states : sequence of sequences of dict
        The states of the parameters in each stack, with the entries of :func:`graft_state`.
    graft : Graft
        The method and its ``eps``.
    beta2, step : float
        Decay of the second moments, and the count of this step.
    bias_correction : bool
        Whether ``v`` is divided by ``1 - beta2^step``: without it the first step is ``1 / sqrt(1 - beta2)`` (32 times
        for 0.999) too long.

    Returns
    -------
    list of Tensor
        The same stacks.

    Notes
    -----
    ======== ==========================================================================================================
    factored ``G / (sqrt(v) + eps)``, v = mean * prod_i (r_i / mean), r_i the averaged means of G^2 over all axes but i
    adam     ``G / (sqrt(v) + eps)``, v the exponential average of G^2
    rmsprop  ``G / sqrt(v + eps)``
    sqrt_n   ``sign(G)``
    sgd      ``G``; none: the same, used only where nothing is preconditioned
    ======== ==========================================================================================================

    For a matrix ``factored`` is the second moment of Shazeer and Stern, "Adafactor", 2018, eq. 4; for a vector it
    equals ``adam``. With ``eps=0`` an entry whose second moment is zero in its precision does not move.
    """
    stacks = list(gradients)
    if graft.method == "sqrt_n":
        torch._foreach_sign_(stacks)
    elif graft.method == "factored":
        ones = [None] * len(stacks)
        factors = _rooted_factors(stacks, ones, states, beta2, _correction(beta2, step, bias_correction))
        for stack, roots in zip(stacks, factors, strict=True):
            for part, piece in pieces(stack):
                piece.div_(_divisor(roots, part, graft.eps))
    elif graft.eps is not None:
        torch._foreach_div_(stacks, _elementwise(stacks, states, graft, beta2, step, bias_correction))
    return stacks


def graft_lengths(
    scaled: Scaled, states: States, graft: Graft, beta2: float, step: float, bias_correction: bool = True
) -> Tensor | None:
    """Update the accumulators as :func:`graft_steps` does; return only the norms of its steps, or None for ``none``.

    The factored steps of a large tensor exist in pieces only.
    """
    if graft.method == "none":
        return None
    if graft.method == "sgd":
        return scaled.lengths
    if graft.method != "factored":
        steps = graft_steps(scaled.gradients(), states, graft, beta2, step, bias_correction)
        return joined([torch.linalg.vector_norm(stack.flatten(1), dim=1) for stack in steps])
    directions, scales = scaled.directions, scaled.factors()
    factors = _rooted_factors(directions, scales, states, beta2, _correction(beta2, step, bias_correction))
    # The divisor is divided by the factor, which saves a pass that multiplies the direction by it.
    dtype, rows = directions[0].dtype, [len(stack) for stack in directions]
    inverse = scaled.scale.to(dtype).clamp(min=torch.finfo(dtype).tiny).reciprocal()
    inverses, shifts = (columns(value, rows, directions[0].ndim) for value in (inverse, inverse * (graft.eps or 0.0)))
    lengths = []
    for stack, unit, shift, roots in zip(directions, inverses, shifts, factors, strict=True):
        roots, parts = [roots[0] * unit, *roots[1:]], []
        for part, piece in pieces(stack):
            divisor = _divisor(roots, part, shift if graft.eps else None)
            parts.append(torch.linalg.vector_norm(torch.div(piece, divisor, out=divisor).flatten(1), dim=1))
            del divisor  # so that two are never held at a time
        lengths.append(parts[0] if len(parts) == 1 else torch.linalg.vector_norm(torch.stack(parts), dim=0))
    return joined(lengths)


def _correction(beta2: float, step: float, bias_correction: bool) -> float:
    return 1.0 - beta2**step if bias_correction and beta2 < 1.0 else 1.0


def _elementwise(
    gradients: list[Tensor], states: States, graft: Graft, beta2: float, step: float, bias_correction: bool
) -> list[Tensor]:
    """Divisors of the methods that keep a second moment of every entry."""
    seconds = [state["graft"] for stack in states for state in stack]
    rows = unstacked(gradients)
    torch._foreach_mul_(seconds, beta2)
    torch._foreach_addcmul_(seconds, rows, rows, value=1.0 - beta2 if beta2 < 1.0 else 1.0)
    stacks = [stacked([state["graft"] for state in stack]) for stack in states]
    divisors = list(torch._foreach_div(stacks, _correction(beta2, step, bias_correction)))
    if graft.method == "adam":
        torch._foreach_sqrt_(divisors)
    torch._foreach_add_(divisors, graft.eps or 0.0)
    if graft.eps == 0.0:  # without eps, entries whose second moment is zero do not move
        for divisor in divisors:
            divisor.masked_fill_(divisor == 0.0, torch.inf)
    if graft.method == "rmsprop":
        torch._foreach_sqrt_(divisors)
    return divisors


def _rooted_factors(
    gradients: Sequence[Tensor],
    scales: Sequence[Tensor | None],
    states: States,
    beta2: float,
    correction: float,
) -> list[list[Tensor]]:
    """Update the averages of squares; return for each stack the vectors whose outer product is the root of v.

    A stack may be given without a factor ``scale``. Rooted factors keep every product inside float32.
    """
    rows, order = [len(stack) for stack in states], gradients[0].ndim - 1
    fresh = [_mean_squares(stack, scale) for stack, scale in zip(gradients, scales, strict=True)]
    roots: list[list[Tensor]] = [[] for _ in gradients]
    for axis in range(order):
        own = [state[f"graft_{axis}"] for stack in states for state in stack]
        found = unstacked(means[axis] for means in fresh)
        if beta2 < 1.0:
            torch._foreach_lerp_(own, found, 1.0 - beta2)
        else:
            torch._foreach_add_(own, found)
        means = [stacked([state[f"graft_{axis}"] for state in stack]) for stack in states]
        if axis == 0:
            factors = torch._foreach_div(means, correction)
        else:
            average = joined([stack.mean(1) for stack in means])
            factors = torch._foreach_div(means, columns(torch.where(average > 0, average, 1.0), rows))
        torch._foreach_sqrt_(factors)
        for vectors, factor in zip(roots, factors, strict=True):
            vectors.append(factor.view(len(factor), *[-1 if i == axis else 1 for i in range(order)]))
    return roots


def _mean_squares(stack: Tensor, scale: Tensor | None) -> list[Tensor]:
    """Means of squares over all axes but one, for each axis."""
    order, first = stack.ndim - 1, []
    if order == 1:
        own = stack if scale is None else stack * scale
        return [own * own]
    sums: list[Tensor] = []
    for _, piece in pieces(stack):
        squares = piece * piece
        others = [[i + 1 for i in range(order) if i != axis] for axis in range(order)]
        first.append(squares.sum(others[0]))
        found = [squares.sum(axes) for axes in others[1:]]
        sums = [a.add_(b) for a, b in zip(sums, found, strict=True)] if sums else found
    whole = [first[0] if len(first) == 1 else torch.cat(first, 1), *sums]
    entries = stack.shape[1:].numel()
    if scale is None:
        return [value.mul_(value.shape[1] / entries) for value in whole]
    square = (scale * scale).flatten(1)
    return [value.mul_(square * (value.shape[1] / entries)) for value in whole]


def _divisor(roots: Sequence[Tensor], part: slice, eps: float | Tensor | None) -> Tensor:
    """Outer product of the factors plus ``eps``, for a part of the first axis."""
    first = roots[0][:, part]
    divisor = first * roots[1] if len(roots) > 1 else first.clone()
    for root in roots[2:]:
        divisor = divisor * root
    if isinstance(eps, Tensor) or eps:
        return divisor.add_(eps)
    return divisor.masked_fill_(divisor == 0.0, torch.inf)  # entries whose second moment is zero do not move
