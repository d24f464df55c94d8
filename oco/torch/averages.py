"""Momentum: averages of gradients or steps, stored in full, in bfloat16, or in the coordinates of a sketch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from oco.torch.second_moments import Bases, States, blended
from oco.torch.stacks import stacked

FULL, HALF = "exp_avg", "exp_avg_bfloat16"
# float32 has 16 bits of mantissa that bfloat16 lacks.
LOST_BITS = 16


def average_state(
    storage: str, shape: Sequence[int], ranks: Sequence[int] | None, dtype: torch.dtype, device: torch.device
) -> dict[str, Tensor]:
    """Return zero averages of a tensor; one without a sketch is stored in full where ``storage`` is ``sketch``."""
    if storage == "sketch" and ranks is not None:
        sizes = {"average_left": (ranks[0], shape[1]), "average_right": (shape[0], ranks[1])}
        return {name: torch.zeros(size, dtype=dtype, device=device) for name, size in sizes.items()}
    if storage == "bfloat16":
        return {HALF: torch.zeros(tuple(shape), dtype=torch.bfloat16, device=device)}
    return {FULL: torch.zeros(tuple(shape), dtype=dtype, device=device)}


def averaged(states: States, stack: Tensor, beta1: float, step: float, *, nesterov: bool, storage: str) -> Tensor:
    """Take a stack into averages of its shape and return them divided by ``1 - beta1^step``.

    With ``nesterov`` the result is what one more average of the same stack would be. bfloat16 averages are rounded at
    random after they are used; the random numbers follow from ``step`` alone, so a restart repeats them.
    """
    name = HALF if storage == "bfloat16" else FULL
    for state in states:
        if name not in state:  # momentum that was switched on later begins at zero
            state.update(average_state(storage, stack.shape[1:], None, stack.dtype, stack.device))
    own = [state[name] for state in states]
    new = torch.lerp(stacked(own).to(stack.dtype), stack, 1.0 - beta1)
    stored = new
    if storage == "bfloat16":
        generator = torch.Generator(stack.device).manual_seed(int(step))
        stored = stochastically_rounded(new, generator)
    torch._foreach_copy_(own, list(stored.unbind()))
    ahead: Tensor = torch.lerp(new, stack, 1.0 - beta1) if nesterov else new
    scale: float = 1.0 - beta1 ** (step + 1.0 if nesterov else step)
    return ahead.div(scale)


def stochastically_rounded(values: Tensor, generator: torch.Generator) -> Tensor:
    """Round to bfloat16, up or down with the probabilities that make the expectation the float32 value.

    Examples
    --------
    >>> import torch
    >>> third = torch.full((10000,), 1.0 / 3.0)
    >>> rounded = stochastically_rounded(third, torch.Generator().manual_seed(0))
    >>> rounded.unique().tolist(), bool((rounded.float().mean() - 1 / 3).abs() < 3e-5)
    ([0.33203125, 0.333984375], True)
    """
    bits = values.float().contiguous().view(torch.int32)
    noise = torch.randint(0, 1 << LOST_BITS, bits.shape, generator=generator, device=bits.device, dtype=torch.int32)
    return ((bits + noise) & -(1 << LOST_BITS)).view(torch.float32).bfloat16()


def sketched_average(
    states: States, stack: Tensor, bases: Bases, beta1: float, step: float, *, nesterov: bool, lost: Tensor | None
) -> Tensor:
    """Average the part of gradients inside the bases, and add the rest of the gradient as it is.

    Stored are ``a = U' M`` and ``b = (I - U U') M V`` of the average ``M = U a + b V'``. ``lost`` is what
    :func:`moved_to` could not express in new bases; it is added at once with the weight that it would have had in later
    steps, ``beta1 / (1 - beta1)``. So the sum of all results (without bias correction and ``nesterov``), with
    ``beta1 / (1 - beta1) M``, is the sum of all gradients.
    """
    rows, columns = bases
    projected = rows.mT @ stack
    across = stack @ columns - rows @ (projected @ columns)
    left = blended(states, "average_left", projected, beta1)
    right = blended(states, "average_right", across, beta1)
    scale = 1.0 - beta1 ** (step + 1.0 if nesterov else step)
    if nesterov:
        left, right = (torch.lerp(*pair, 1.0 - beta1) for pair in ((left, projected), (right, across)))
    # The difference of average and gradient lies in the bases, so the rest of the gradient passes unchanged.
    result: Tensor = stack + rows @ (left / scale - projected) + (right / scale - across) @ columns.mT
    return result if lost is None else result.add_(lost, alpha=beta1 / (1.0 - beta1))


def moved_to(states: States, before: Bases, after: Bases) -> Tensor:
    """Express averages in new bases, in place, and return what is lost of them (B, m, n)."""
    left = stacked([state["average_left"] for state in states])
    right = stacked([state["average_right"] for state in states])
    whole: Tensor = before.rows @ left + right @ before.columns.mT
    new_left = after.rows.mT @ whole
    inside = after.rows @ new_left
    new_right = (whole - inside) @ after.columns
    torch._foreach_copy_([state["average_left"] for state in states], list(new_left.unbind()))
    torch._foreach_copy_([state["average_right"] for state in states], list(new_right.unbind()))
    return whole - inside - new_right @ after.columns.mT
