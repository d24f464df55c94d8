"""The options of a parameter group: flat plain values, as PyTorch keeps them, and the records that they represent."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from oco.errors import ConfigError
from oco.torch.checks import (
    check_betas,
    check_choice,
    check_integer,
    check_learning_rate,
    check_nonnegative,
    check_switch,
    is_integer,
    refuse,
)
from oco.torch.grafting import WITH_SECOND_MOMENT, Graft
from oco.torch.members import MEMBER_RECORDS, Member
from oco.torch.options import SCORES, Compatibility, Preconditioner, Rank, RankBudget, check_rank, check_steps
from oco.torch.shapes import merged_shape
from oco.torch.sketch import METHODS

MOMENTA = ("ema", "trace")
RECORDS: dict[str, type] = {
    "graft": Graft,
    "preconditioner": Preconditioner,
    "compatibility": Compatibility,
    "rank": RankBudget,
    **MEMBER_RECORDS,
}
NOT_OF_MEMBERS = ("merge_dims", "vectors", "exponent", "statistics", "merge", "bias_correction", "pseudo_inverse")
OF_SKETCHES = ("tail_decay", "pseudo_inverse")


@dataclass(frozen=True)
class Settings:
    """The checked options of a group; its learning rate is read at every step.

    ``rank`` is None for an optimizer without sketches.
    """

    betas: tuple[float, float]
    eps: float
    weight_decay: float
    update_freq: int
    start_step: int
    momentum: str
    nesterov: bool
    max_failures: int
    maximize: bool
    graft: Graft
    preconditioner: Preconditioner
    compatibility: Compatibility
    rank: Rank | None = None
    method: str = METHODS[0]
    member: Member | None = None

    @property
    def statistics_beta2(self) -> float:
        """Decay per step of the preconditioner's statistics."""
        return self.betas[1] if self.member is None else self.member.basis_beta2

    @property
    def summed(self) -> bool:
        """Whether squares are summed rather than averaged."""
        return self.betas[1] == 1.0 or self.compatibility.statistics == "sum"

    def exponent(self, order: int) -> float:
        """Return the exponent of the factors of a tensor with ``order`` axes."""
        own = self.compatibility.exponent
        return -0.5 / order if own is None else float(own)

    @classmethod
    def of(cls, group: Mapping[str, Any]) -> Settings:
        """Check a group; an option out of range raises ConfigError (a ValueError) in PyTorch's wording."""
        check_learning_rate(group["lr"])
        check_betas(group["betas"])
        check_nonnegative("epsilon", group["eps"])
        check_nonnegative("weight_decay", group["weight_decay"])
        check_nonnegative("graft_eps", group["graft_eps"])
        check_integer("update_freq", group["update_freq"], 1)
        check_integer("max_failures", group["max_failures"], 0)
        start = group["start_step"]
        if not (start is None or is_integer(start, 0)):
            raise refuse("start_step value", start, "None or a non-negative integer")
        if "core" not in group:
            check_choice("momentum", group["momentum"], MOMENTA)
        for name in ("nesterov", "maximize"):
            check_switch(name, group[name])
        if "method" in group:
            check_choice("method", group["method"], METHODS)
        eps = group["graft_eps"] if group["graft"] in WITH_SECOND_MOMENT else None
        plain = {name: group[name] for name in ("betas", "eps", "weight_decay", "update_freq", "max_failures")}
        plain |= {name: group[name] for name in ("momentum", "nesterov", "maximize", "method") if name in group}
        return cls(
            **plain,
            start_step=max(10, group["update_freq"]) if start is None else int(start),
            graft=Graft(group["graft"], eps),
            preconditioner=_record(Preconditioner, group),
            compatibility=_record(Compatibility, group),
            rank=_rank(group) if "rank" in group else None,
            member=_member(group) if "core" in group else None,
        )


def _record(record: Any, group: Mapping[str, Any]) -> Any:
    return record(**{field: group[flat] for field, flat in record.flat.items() if flat in group})


def _rank(group: Mapping[str, Any]) -> Rank:
    rank, budget, steps = group["rank"], group["budget"], group["reallocate_at"]
    check_choice("allocate_by", group["allocate_by"], SCORES)
    check_steps(steps)
    automatic = isinstance(rank, str) and rank == "auto"
    if automatic != (budget is not None):
        raise ConfigError(f"Invalid budget value: {budget!r} (given exactly when rank is 'auto')")
    if automatic:
        return RankBudget(budget, steps, group["allocate_by"] if steps else SCORES[0])
    check_rank(rank, least=0 if "core" in group else 1)  # without a basis all of the gradient is tail
    return rank  # type: ignore[no-any-return]


def _member(group: Mapping[str, Any]) -> Member:
    """Check what only a member of the family cannot have, and return the member."""
    if group["betas"][1] == 1.0:
        raise refuse("beta parameter at index 1", 1.0, "a number below 1")
    if group["momentum"] != MOMENTA[0]:
        raise refuse("momentum value", group["momentum"], "a Momentum or a mapping of its fields")
    for record in (_record(Preconditioner, group), _record(Compatibility, group)):
        for field in fields(record):
            if field.name in NOT_OF_MEMBERS and getattr(record, field.name) != field.default:
                raise refuse(f"{field.name} value", getattr(record, field.name), f"only {field.default!r}")
    return Member.of(group)


def default_options(sketched: bool, member: bool = False) -> dict[str, Any]:
    """Return the flat options that correspond to the fields of records, with their defaults."""
    options: dict[str, Any] = {}
    for keyword, record in RECORDS.items():
        if keyword in MEMBER_RECORDS and not member:
            continue
        for field in fields(record):
            if field.default is not MISSING and (sketched or keyword != "rank"):
                options[record.flat[field.name]] = field.default  # type: ignore[attr-defined]
    options["graft_eps"] = Graft().eps
    if sketched:
        return {**options, "budget": None}
    return {name: value for name, value in options.items() if name not in OF_SKETCHES}


def flattened(options: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """Return options with every record, or mapping of its fields, replaced by its flat values.

    ``known`` are the flat names that the optimizer has; a record may set others to their defaults only.
    """
    flat, allowed = dict(options), set(known)
    for keyword, record in RECORDS.items():
        value = options.get(keyword)
        if keyword in MEMBER_RECORDS and not allowed.issuperset(record.flat.values()):  # type: ignore[attr-defined]
            continue
        if (
            isinstance(value, Mapping)
            and all(isinstance(name, str) for name in value)
            and (value or keyword not in allowed)
        ):
            value = record(**value)
        if isinstance(value, record):
            del flat[keyword]
            found = _flat(value, allowed)
            if twice := sorted(found.keys() & flat.keys()):
                raise ConfigError(f"{', '.join(twice)} and {keyword}={value!r} are given; only one of them is allowed")
            flat.update(found)
        elif keyword in ("preconditioner", "compatibility") and keyword in options:
            raise refuse(f"{keyword} value", value, f"a {record.__name__} or a mapping of its fields")
    if "rank" in options and "rank" in flat and flat["rank"] != "auto":
        # A group with a rank of its own does not share in a budget that the others have.
        flat = {"budget": None, "reallocate_at": (), **flat}
    return flat


def _flat(value: Any, allowed: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"rank": "auto"} if isinstance(value, RankBudget) else {}
    for field in fields(value):
        name, given = value.flat[field.name], getattr(value, field.name)
        if name in allowed:
            found[name] = given
        elif given != field.default:
            raise refuse(f"{name} value", given, f"this optimizer has no sketch, so only {field.default!r}")
    if isinstance(value, Graft) and value.eps is None:
        found["graft_eps"] = Graft().eps
    return found


def replacement(name: str) -> str:
    """Return the present spelling of a flat option of earlier versions; empty for an option that stays."""
    for keyword, record in RECORDS.items():
        for field, flat in record.flat.items():  # type: ignore[attr-defined]
            if flat == name != keyword:
                return f"{keyword}={record.__name__}({field}=...)"
    return ""


def warn_of_earlier(names: Iterable[str]) -> None:
    """Warn of the flat options of earlier versions among ``names``."""
    for name in names:
        if now := replacement(name):
            warnings.warn(
                f"the option {name} will go in the next release: write {now} (from oco.torch)",
                DeprecationWarning,
                stacklevel=outside(),
            )


def outside() -> int:
    """Return the stack level, for a warning in the calling function, of the first caller outside this package."""
    here, torchs = str(Path(__file__).parent), str(Path(sys.modules["torch"].__file__ or "").parent)
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith((here, torchs)):
        frame, level = frame.f_back, level + 1
    return level


class Plan(NamedTuple):
    """The settings and merged shapes that follow from a group's options, and the shapes that are preconditioned."""

    settings: Settings
    shapes: dict[Tensor, tuple[int, ...]]
    preconditioned: dict[Tensor, tuple[int, ...]]

    @classmethod
    def of(cls, group: Mapping[str, Any]) -> Plan:
        """Check the options and lay out the parameters of a group."""
        settings = Settings.of(group)
        own, merge = settings.preconditioner, settings.compatibility.merge
        limit = own.merge_dims if settings.member is None else sys.maxsize  # members split matrices only
        shapes = {p: merged_shape(p.shape, limit, merge) for p in group["params"]}
        preconditioned = {
            p: merged
            for p, merged in shapes.items()
            if (own.vectors or sum(d > 1 for d in p.shape) > 1) and max(merged) <= own.max_dim and p.numel()
        }
        return cls(settings, shapes, preconditioned)
