"""The choices of :class:`oco.torch.SketchySOAP` as frozen records that check ranges and meaningless combinations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from oco.errors import ConfigError
from oco.torch.checks import check_choice, check_integer, check_nonnegative, is_number, refuse
from oco.torch.orthogonal import COEFFICIENTS

CORES = ("adam", "inverse_root")
CROSSES = ("factored", "tail")
TAILS = ("factored", "orthogonal", "mean", "escaped_mass", "dropped")
BALANCES = ("none", "rms", "noise", "trust_ratio", "spectral", "descent")
SOURCES = ("gradient", "update")
STORAGES = ("full", "bfloat16", "sketch")
ELEMENTWISE = ("adam", "factored")


@dataclass(frozen=True)
class Tail:
    """What is done with the part of a gradient outside both sketched bases.

    Attributes
    ----------
    method : {"factored", "orthogonal", "mean", "escaped_mass", "dropped"}
        See :class:`oco.torch.SketchySOAP`.
    iterations : int
        Matrix polynomials that ``orthogonal`` applies.
    coefficients : {"newton_schulz", "polar_express"}
        Those of Muon, or the best ones for each iteration, see :func:`oco.torch.orthogonal.orthogonalized`.

    Examples
    --------
    >>> Tail("orthogonal", coefficients="polar_express").iterations
    5
    """

    method: str = "factored"
    iterations: int = 5
    coefficients: str = COEFFICIENTS[0]
    flat: ClassVar[Mapping[str, str]] = {
        "method": "tail",
        "iterations": "tail_iterations",
        "coefficients": "tail_coefficients",
    }

    def __post_init__(self) -> None:
        check_choice("tail", self.method, TAILS)
        check_integer("tail_iterations", self.iterations, 1)
        check_choice("tail_coefficients", self.coefficients, COEFFICIENTS)
        if self.method != "orthogonal" and (self.iterations, self.coefficients) != (5, COEFFICIENTS[0]):
            raise ConfigError(
                f"iterations={self.iterations!r} and coefficients={self.coefficients!r} are given for the tail "
                f"{self.method!r}; only 'orthogonal' takes them"
            )


@dataclass(frozen=True)
class Momentum:
    """What the momentum with decay ``betas[0]`` averages, and how it is stored; ``betas[0] = 0`` keeps none.

    Attributes
    ----------
    of : {"gradient", "update"}
        ``gradient``: averaged before it is split, as in SOAP and Muon. ``update``: steps are averaged, as in
        :class:`oco.torch.SketchyShampoo`.
    storage : {"full", "bfloat16", "sketch"}
        ``full``: m n floats. ``bfloat16``: half of that, rounded at random without bias. ``sketch``: k (m + n) floats,
        the part of the average inside the sketched bases; the rest of the gradient has no momentum.

    Examples
    --------
    >>> Momentum(storage="bfloat16")
    Momentum(of='gradient', storage='bfloat16')
    """

    of: str = "gradient"
    storage: str = "full"
    flat: ClassVar[Mapping[str, str]] = {"of": "momentum_of", "storage": "momentum_storage"}

    def __post_init__(self) -> None:
        check_choice("momentum_of", self.of, SOURCES)
        check_choice("momentum_storage", self.storage, STORAGES)
        if (self.of, self.storage) == ("update", "sketch"):
            raise ConfigError("a momentum stored as a sketch is given for the update; it is one of the gradient only")


@dataclass(frozen=True)
class Unsketched:
    """How tensors without a sketch move: vectors, and matrices with an axis above ``Preconditioner.max_dim``.

    Attributes
    ----------
    method : {"adam", "factored"}
        Second moment: one float for each entry, or for each row and column.
    rate : float
        Their learning rate as a multiple of ``lr``.
    beta1 : float, optional
        Decay of their momentum; ``betas[0]`` by default, 0 keeps none.

    Examples
    --------
    >>> Unsketched(rate=5.0)
    Unsketched(method='adam', rate=5.0, beta1=None)
    """

    method: str = "adam"
    rate: float = 1.0
    beta1: float | None = None
    flat: ClassVar[Mapping[str, str]] = {
        "method": "unsketched",
        "rate": "unsketched_rate",
        "beta1": "unsketched_beta1",
    }

    def __post_init__(self) -> None:
        check_choice("unsketched", self.method, ELEMENTWISE)
        check_nonnegative("unsketched_rate", self.rate)
        if not (self.beta1 is None or (is_number(self.beta1) and 0.0 <= self.beta1 < 1.0)):
            raise refuse("unsketched_beta1 value", self.beta1, "None or a number of at least 0 and below 1")


@dataclass(frozen=True)
class Member:
    """One member of the family: the treatment of each part of the gradient, and its momentum."""

    core: str
    cross: str
    tail: Tail
    balance: str
    momentum: Momentum
    unsketched: Unsketched
    basis_beta2: float
    clip: float | None
    share: float | None

    def __post_init__(self) -> None:
        check_choice("core", self.core, CORES)
        check_choice("cross", self.cross, CROSSES)
        check_choice("balance", self.balance, BALANCES)
        if not (is_number(self.basis_beta2) and 0.0 <= self.basis_beta2 < 1.0):
            raise refuse("basis_beta2 value", self.basis_beta2, "a number of at least 0 and below 1")
        for name in ("clip", "share"):
            value = getattr(self, name)
            if not (value is None or (is_number(value) and 0.0 < value < math.inf)):
                raise refuse(f"{name} value", value, "None or a finite positive number")
        if self.balance == "spectral" and self.tail.method != "orthogonal":
            raise ConfigError(
                f"balance='spectral' is given with the tail {self.tail.method!r}; it needs the tail 'orthogonal', "
                "whose spectral norm is known"
            )
        if self.balance != "none" and self.tail.method == "dropped":
            raise ConfigError(f"balance={self.balance!r} is given without a tail; only 'none' is allowed then")

    @property
    def modelled(self) -> bool:
        """Whether the tail is divided by what the sketches say of it."""
        return self.tail.method in ("mean", "escaped_mass")

    @property
    def crosses(self) -> bool:
        """Whether cross parts are kept apart from the rest."""
        return self.cross == "factored" or self.modelled

    def method_of(self, part: str) -> str:
        """Return the treatment of the part ``core``, ``left``, ``right`` or ``rest``."""
        if part == "core":
            return self.core
        return self.tail.method if part == "rest" or self.cross == "tail" else "factored"

    def capped(self, rank: int, dim: int, shape: Sequence[int]) -> int:
        """Return a rank whose basis of ``dim`` rows holds at most its share of a tensor's entries, but at least 1."""
        if self.share is None or not rank:
            return rank
        return min(rank, max(1, int(self.share * math.prod(shape) / dim)))

    @classmethod
    def of(cls, group: Mapping[str, Any]) -> Member:
        """Return the member that a group's flat options describe."""
        fields = {
            keyword: record(**{field: group[name] for field, name in record.flat.items()})
            for keyword, record in MEMBER_RECORDS.items()
        }
        plain = {name: group[name] for name in ("core", "cross", "balance", "basis_beta2", "clip", "share")}
        return cls(**plain, **fields)


MEMBER_RECORDS: dict[str, Any] = {"tail": Tail, "momentum": Momentum, "unsketched": Unsketched}
