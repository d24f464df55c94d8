"""The options of an optimizer by concern: frozen records that check ranges and meaningless combinations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from oco.errors import ConfigError
from oco.torch.checks import check_choice, check_integer, check_switch, is_integer, is_number, refuse
from oco.torch.shapes import MERGES
from oco.torch.sketch import TAIL_DECAYS

SCORES = ("escaped_mass", "intrinsic_dimension")
STATISTICS = ("ema", "sum")


@dataclass(frozen=True)
class Preconditioner:
    """Which tensors are preconditioned, along which axes, and what ``eps`` is relative to.

    Attributes
    ----------
    merge_dims : int
        Largest product of trailing dimensions that are merged into one axis, see
        :func:`oco.torch.shapes.merged_shape`.
    max_dim : int
        Tensors with a larger axis take the steps of the graft.
    vectors : bool
        Precondition tensors of one axis (and scalars) too, which otherwise take the steps of the graft.
    relative_eps : bool
        Whether ``eps`` is multiplied by the largest eigenvalue.
    """

    merge_dims: int = 1024
    max_dim: int = 8192
    vectors: bool = False
    relative_eps: bool = True
    flat: ClassVar[Mapping[str, str]] = {name: name for name in ("merge_dims", "max_dim", "vectors", "relative_eps")}

    def __post_init__(self) -> None:
        for name in ("merge_dims", "max_dim"):
            check_integer(name, getattr(self, name), 1)
        for name in ("vectors", "relative_eps"):
            check_switch(name, getattr(self, name))


@dataclass(frozen=True)
class RankBudget:
    """A number of floats that is divided over the axes of a group, in place of one rank for all.

    Attributes
    ----------
    floats : int or float
        Floats of sketch for the group: a count, or (float) a fraction of its preconditioned entries.
    reallocate_at : tuple of int
        Step counts after which ranks are divided again; a sketch whose rank is reduced adds the eigenvalues that it
        cuts to its escaped mass.
    by : {"escaped_mass", "intrinsic_dimension"}
        Score of an axis when ranks are divided again: its dimension times the fraction of the trace outside the sketch,
        or trace over largest eigenvalue.

    Examples
    --------
    >>> RankBudget(0.25, reallocate_at=(100, 500)).by
    'escaped_mass'
    """

    floats: int | float
    reallocate_at: Sequence[int] = ()
    by: str = SCORES[0]
    flat: ClassVar[Mapping[str, str]] = {"floats": "budget", "reallocate_at": "reallocate_at", "by": "allocate_by"}

    def __post_init__(self) -> None:
        if not (is_number(self.floats) and 0 < self.floats < math.inf):
            raise refuse("budget value", self.floats, "a number of floats or a fraction of the parameters")
        check_steps(self.reallocate_at)
        object.__setattr__(self, "reallocate_at", tuple(self.reallocate_at))
        check_choice("allocate_by", self.by, SCORES)
        if self.by != SCORES[0] and not self.reallocate_at:
            raise ConfigError(
                f"Invalid allocate_by value: {self.by!r} (without reallocate_at ranks are never divided again; it is "
                "allowed with steps to do so)"
            )


@dataclass(frozen=True)
class Compatibility:
    """Departures from the method, found in other code; all are off by default.

    Attributes
    ----------
    exponent : float, optional
        Replaces -1/(2w) for tensors of w axes.
    statistics : {"ema", "sum"}
        ``sum`` gives new gradients the weight 1 in place of 1 - beta2, which matters for an absolute ``eps`` and
        without a graft only.
    merge : {"trailing", "greedy"}
        ``greedy`` merges dimensions from the left and makes vectors of small matrices.
    bias_correction : bool
        Without it the first steps of a graft are 1/sqrt(1 - beta2) times too long and those of an average too short.
    tail_decay : {"beta2", "sqrt"}
        ``sqrt`` decays the escaped mass by the root of beta2, which breaks the Frequent-Directions
        bound. Sketches only.
    pseudo_inverse : bool
        Drop the complement of the sketch while nothing has escaped, in place of inverting ``eps``. Sketches only.

    Examples
    --------
    >>> Compatibility.reference() == Compatibility(
    ...     statistics="sum", merge="greedy", bias_correction=False, tail_decay="sqrt", pseudo_inverse=True
    ... )
    True
    """

    exponent: float | None = None
    statistics: str = "ema"
    merge: str = "trailing"
    bias_correction: bool = True
    tail_decay: str = "beta2"
    pseudo_inverse: bool = False
    flat: ClassVar[Mapping[str, str]] = {
        name: name for name in ("exponent", "statistics", "merge", "bias_correction", "tail_decay", "pseudo_inverse")
    }

    @classmethod
    def reference(cls) -> Compatibility:
        """Return the settings of the public JAX code; the documentation lists the options to use with them."""
        return cls(statistics="sum", merge="greedy", bias_correction=False, tail_decay="sqrt", pseudo_inverse=True)

    def __post_init__(self) -> None:
        if not (self.exponent is None or (is_number(self.exponent) and -math.inf < self.exponent < 0.0)):
            raise refuse("exponent value", self.exponent, "None or a negative number")
        check_choice("statistics", self.statistics, STATISTICS)
        check_choice("merge", self.merge, MERGES)
        check_choice("tail_decay", self.tail_decay, TAIL_DECAYS)
        check_switch("bias_correction", self.bias_correction)
        check_switch("pseudo_inverse", self.pseudo_inverse)


Rank = int | float | Mapping[int, int] | Callable[[int], int] | RankBudget


def check_steps(steps: Any) -> None:
    """Raise ConfigError unless ``steps`` is a sequence of positive integers."""
    listed = isinstance(steps, Sequence) and not isinstance(steps, str)
    if not (listed and all(is_integer(step, 1) for step in steps)):
        raise refuse("reallocate_at value", steps, "a sequence of positive integers")


def check_rank(rank: object, least: int = 1) -> None:
    """Raise ConfigError unless a rank is a number, a fraction, a table, a function or a budget."""
    if isinstance(rank, Mapping):
        valid = all(is_integer(value, 1) for value in rank.values())
    else:
        valid = isinstance(rank, RankBudget) or callable(rank) or is_integer(rank, least)
        valid = valid or (isinstance(rank, float) and 0.0 < rank <= 1.0)
    if not valid:
        raise refuse(
            "rank value",
            rank,
            f"an integer of at least {least}, a fraction in (0, 1], a function of the dimension, or a RankBudget",
        )
