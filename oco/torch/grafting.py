"""Grafting: a preconditioned direction is given the step length of a diagonal method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from oco.errors import ConfigError
from oco.torch.checks import check_choice, check_nonnegative
from oco.torch.stacks import columns, joined, stacked, unstacked

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


def graft_steps(
    gradients: Sequence[Tensor],
    states: Sequence[Sequence[dict[str, Tensor]]],
    graft: Graft,
    beta2: float,
    step: float,
    bias_correction: bool = True,
) -> list[Tensor]:
    """Update the accumulators in place and return the grafted method's own steps, in the shape of the gradients.

    Parameters
    ----------
    gradients : sequence of Tensor
        Stacks (B, d_1, ..., d_w), all with w axes; not modified.
    states : sequence of sequences of dict
        The states of the parameters in each stack, with the entries of :func:`graft_state`.
    graft : Graft
        The method and its ``eps``.
    beta2, step : float
        Decay of the second moments, and the count of this step.
    bias_correction : bool
        Whether ``v`` is divided by ``1 - beta2^step``: without it the first step is ``1 / sqrt(1 - beta2)`` (32 times
        for 0.999) too long.

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
    method = graft.method
    if method == "sqrt_n":
        return list(torch._foreach_sign(list(gradients)))
    if graft.eps is None:
        return list(gradients)
    new = 1.0 - beta2 if beta2 < 1.0 else 1.0
    correction = 1.0 - beta2**step if bias_correction and beta2 < 1.0 else 1.0
    if method == "factored":
        divisors = _factored_roots(gradients, states, beta2, new, correction)
    else:
        seconds = [state["graft"] for stack in states for state in stack]
        rows = unstacked(gradients)
        torch._foreach_mul_(seconds, beta2)
        torch._foreach_addcmul_(seconds, rows, rows, value=new)
        stacks = [stacked([state["graft"] for state in stack]) for stack in states]
        divisors = list(torch._foreach_div(stacks, correction))
    if method == "adam":
        torch._foreach_sqrt_(divisors)
    torch._foreach_add_(divisors, graft.eps)
    if graft.eps == 0.0:  # without eps, entries whose second moment is zero do not move
        for divisor in divisors:
            divisor.masked_fill_(divisor == 0.0, torch.inf)
    if method == "rmsprop":
        torch._foreach_sqrt_(divisors)
    return list(torch._foreach_div(list(gradients), divisors))


def _factored_roots(
    gradients: Sequence[Tensor],
    states: Sequence[Sequence[dict[str, Tensor]]],
    beta2: float,
    new: float,
    correction: float,
) -> list[Tensor]:
    """Roots of the rank-one models of the second moments; rooted factors keep every product inside float32."""
    order = gradients[0].ndim - 1
    squares = list(torch._foreach_mul(list(gradients), list(gradients)))
    roots: list[Tensor] = []
    for axis in range(order):
        others = [i + 1 for i in range(order) if i != axis]
        fresh = [square.mean(others) for square in squares] if others else squares
        own = [state[f"graft_{axis}"] for stack in states for state in stack]
        torch._foreach_mul_(own, beta2)
        torch._foreach_add_(own, unstacked(fresh), alpha=new)
        means = [stacked([state[f"graft_{axis}"] for state in stack]) for stack in states]
        if axis == 0:
            factors = torch._foreach_div(means, correction)
        else:
            average = joined([stack.mean(1) for stack in means])
            safe = torch.where(average > 0, average, 1.0)
            factors = torch._foreach_div(means, columns(safe, [len(stack) for stack in states]))
        torch._foreach_sqrt_(factors)
        shaped = [factor.view(len(factor), *[-1 if i == axis else 1 for i in range(order)]) for factor in factors]
        roots = list(torch._foreach_mul(roots, shaped)) if roots else shaped
    return roots
