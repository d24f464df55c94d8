"""Second moments that are kept for each entry, or as means of rows and columns, and how a new basis changes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from oco.torch.stacks import stacked

States = Sequence[dict[str, Tensor]]


class Bases(NamedTuple):
    """Stacks of the bases of rows (B, m, k_m) and columns (B, n, k_n)."""

    rows: Tensor
    columns: Tensor

    @classmethod
    def of(cls, states: Sequence[Mapping[str, Tensor]]) -> Bases:
        """Return the bases that states of matrices hold."""
        return cls(*(stacked([state[f"basis_{axis}"] for state in states]) for axis in (0, 1)))


def blended(states: States, name: str, fresh: Tensor, beta: float) -> Tensor:
    """Replace the entries ``name`` of some states by ``beta old + (1 - beta) fresh``, in place, and return them."""
    own = [state[name] for state in states]
    torch._foreach_lerp_(own, list(fresh.unbind()), 1.0 - beta)
    return stacked(own)


def elementwise_root(states: States, name: str, stack: Tensor, beta2: float, correction: float) -> Tensor:
    """Take a stack into second moments of its shape and return their roots, as Adam does."""
    return (blended(states, name, stack.square(), beta2) / correction).sqrt()


def factored_root(states: States, part: str, stack: Tensor, beta2: float, correction: float) -> Tensor:
    """Take matrices into means over columns and over rows, and return the roots of their rank-one model.

    With r and q the averaged means the model is ``r q' / mean(r)`` (Shazeer and Stern, "Adafactor", 2018, eq. 4).
    """
    squares = stack.square()
    means = blended(states, f"{part}_rows", squares.mean(-1), beta2)
    others = blended(states, f"{part}_columns", squares.mean(-2), beta2)
    del squares
    average = means.mean(-1, keepdim=True)
    shares = (others / (average + (average == 0.0))).sqrt()
    return (means / correction).sqrt().unsqueeze(-1) * shares.unsqueeze(-2)


def carry_over(states: States, before: Bases, after: Bases) -> None:
    """Express second moments in new bases, in place, by the squared overlaps of new with old directions.

    With ``S = (U_new' U_old)^2`` entry by entry, and likewise T for the columns, the core's second moments become ``S v
    T'``. What a new direction has outside the old basis takes the average second moment there. This is the second
    moment of the new coordinates if the old ones are uncorrelated, as they are in an eigenbasis. It is exact if
    directions change their order or sign.
    """
    size = [axis.shape[-2] for axis in before]
    left, right = (_overlaps(new, old) for new, old in zip(after, before, strict=True))
    outside = [max(1, d - axis.shape[-1]) for d, axis in zip(size, before, strict=True)]
    table = _table(states, size, outside)
    new = left @ table @ right.mT
    _store(states, "core_square", new)
    _store(states, "left_rows", (left @ table[..., -1:]).squeeze(-1) * (outside[1] / size[1]))
    _store(states, "right_columns", (table[..., -1:, :] @ right.mT).squeeze(-2) * (outside[0] / size[0]))


def _overlaps(new: Tensor, old: Tensor) -> Tensor:
    """Squared overlaps with each old direction and, in the last column, with the space outside (B, k, k + 1)."""
    squares = (new.mT @ old).square()
    rest = new.square().sum(-2) - squares.sum(-1)
    return torch.cat([squares, rest.clamp(min=0.0).unsqueeze(-1)], -1)


def _table(states: States, size: list[int], outside: list[int]) -> Tensor:
    """Second moments of the core, with a row and a column for one direction outside either basis."""

    def of(name: str, scale: float, other: Tensor) -> Tensor:
        return stacked([state[name] for state in states]) * scale if name in states[0] else other

    rest = stacked([state["rest_square"] for state in states]) * (size[0] * size[1] / (outside[0] * outside[1]))
    ranks = [states[0][f"basis_{axis}"].shape[-1] for axis in (0, 1)]
    core = of("core_square", 1.0, rest.new_zeros(len(states), *ranks))
    left = of("left_rows", size[1] / outside[1], rest[:, None].expand(-1, ranks[0]))
    right = of("right_columns", size[0] / outside[0], rest[:, None].expand(-1, ranks[1]))
    last = torch.cat([right, rest[:, None]], -1)
    return torch.cat([torch.cat([core, left[..., None]], -1), last[:, None, :]], -2)


def _store(states: States, name: str, values: Tensor) -> None:
    if name in states[0]:
        torch._foreach_copy_([state[name] for state in states], list(values.unbind()))
