"""Verify a finished sweep again: every regret below its bound, every certificate valid, every memory formula right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from oco.environments.row_stream import RowStream
from oco.errors import ConfigError
from oco.regret.verdict import Verdict, verdict, worst
from oco.types import Array
from regret_experiments.execution.comparators import from_arrays
from regret_experiments.execution.games import environment_of
from regret_experiments.plan.runs import Game, Run
from regret_experiments.plugins import registries
from regret_experiments.store import Store, StoredRun
from regret_experiments.store.results import load

ROUNDING = 1e-9
"""Relative slack of comparisons between numbers that were summed in different orders."""
_COUNTED = {
    Verdict.HOLDS: "below their bound",
    Verdict.UNDECIDED: "with an interval that reaches above the bound",
    Verdict.VIOLATED: "with an assumption violated",
    Verdict.NO_BOUND: "without a bound",
}


@dataclass
class Verification:
    """The outcome of a verification.

    Attributes
    ----------
    counts
        Runs by outcome: below their bound, without a bound, with a violated assumption, failed.
    certificates
        Streams whose comparators were evaluated again.
    faults
        One sentence for each thing that is wrong.
    shortfalls
        Planned runs that the directory lacks; see ``Results.shortfalls``.
    """

    counts: Counter[str] = field(default_factory=Counter)
    certificates: int = 0
    faults: list[str] = field(default_factory=list)
    shortfalls: tuple[str, ...] = ()


def verify(directory: Path) -> Verification:
    """Check every stored run in ``directory`` against its bound, its comparator and its memory formula.

    The stored comparators are not trusted: the losses of their points are summed again over the stream, and the stored
    lower bounds are compared with fresh ones (two certified intervals of one number must overlap).

    Raises
    ------
    ConfigError
        If there are no results in ``directory``.
    """
    if not directory.is_dir():
        raise ConfigError(f"there are no results at {directory}: no such directory")
    store, results = Store(directory), load(directory, indexed=False)
    found = Verification(shortfalls=results.shortfalls)
    _check_plugins(store)
    games: dict[str, tuple[Game, StoredRun]] = {}
    for stored in results.stored.values():
        if not stored.finished:
            found.counts["failed"] += 1
            continue
        if stored.type == "training":
            found.counts["without a bound"] += 1
            continue
        run = Run.from_content(stored.metadata["content"])
        if run.comparator and run.game.id not in games:
            game = store.read("games", run.game.id)
            if game is not None and game.finished and game.metadata.get("known"):
                games[run.game.id] = run.game, game
        found.faults += [f"run {stored.id[:12]} ({_name(run)}): {fault}" for fault in _run_faults(stored, found.counts)]
        if run.game.id in games:
            fault = _interval_fault(stored, games[run.game.id][1])
            found.faults += [f"run {stored.id[:12]} ({_name(run)}): {fault}"] if fault else []
    for identifier, (played, comparators) in games.items():
        found.certificates += 1
        faults = _game_faults(played, comparators)
        found.faults += [f"comparators of game {identifier[:12]}: {fault}" for fault in faults]
    return found


def _run_faults(stored: StoredRun, counts: Counter[str]) -> Iterator[str]:
    scalars = stored.metadata["scalars"]
    if scalars.get("memory_floats") is not None and scalars["memory_floats"] != scalars["state_floats"]:
        yield (
            f"the memory formula {scalars['memory_formula']} gives {scalars['memory_floats']} floats, the state held "
            f"{scalars['state_floats']}"
        )
    lower, upper = stored.arrays["regret_lower"], stored.arrays["regret_upper"]
    if scalars.get("bound") is None or np.isnan(lower).all():
        counts[_COUNTED[Verdict.NO_BOUND]] += 1
        return
    holds = stored.arrays.get("bound_holds", np.ones_like(lower))
    if bool(stored.metadata.get("violations")) != bool(np.any(holds == 0.0)) and "bound_holds" in stored.arrays:
        yield "the violated assumptions that are listed are not those of the checkpoints"
    if stored.metadata.get("violations"):
        counts[_COUNTED[Verdict.VIOLATED]] += 1
        return
    verdicts: list[Verdict] = []
    for name, bound in stored.arrays.items():
        if name != "bound" and not name.startswith("bound: "):
            continue
        each = [verdict(*numbers, True) for numbers in zip(lower, upper, bound, strict=True)]
        if Verdict.BROKEN in each:
            at, which = each.index(Verdict.BROKEN), name.removeprefix("bound").removeprefix(": ") or "as stated"
            yield (
                f"after {int(stored.arrays['round'][at])} rounds the regret is at least {lower[at]:.6g}, above the "
                f"bound {bound[at]:.6g} ({scalars['bound_theorem']}, {which})"
            )
            return
        verdicts += each if name == "bound" else []
    counts[_COUNTED[worst(verdicts)]] += 1


def _check_plugins(store: Store) -> None:
    """Raise an error that names a class with which runs were played and which is not known here."""
    known = {(registry.kind, name) for registry in registries() for name in registry}
    plan = store.plan() or {}
    for what, origin in plan.get("plugins", {}).items():
        kind, _, name = what.partition(" ")
        if (kind, name) not in known:
            module = origin["location"].partition(":")[0]
            package = (
                f", of the package {origin['distribution']} {origin['version']}," if origin["distribution"] else ""
            )
            raise ConfigError(
                f"{kind} {name!r}{package} is not known here: the runs in {store.path} were played with --plugin "
                f"{module}; give that again"
            )


def _interval_fault(stored: StoredRun, game: StoredRun) -> str:
    loss = stored.arrays["cumulative_loss"]
    rounding = stored.arrays.get("loss_rounding", np.zeros_like(loss))
    for end, other, sign in (("lower", "upper", -1.0), ("upper", "lower", 1.0)):
        expected = loss - game.arrays[other] + sign * rounding
        if not _same(stored.arrays[f"regret_{end}"], expected, loss):
            return f"regret_{end} is not the cumulative loss less the comparator's {other} end"
    return ""


def _game_faults(game: Game, stored: StoredRun) -> Iterator[str]:
    environment: Any = environment_of(game).environment.fresh(game.seed)
    curve = from_arrays(stored)
    rounds = curve.rounds.astype(np.int64)
    fresh = environment.comparator_curve(rounds)
    for comparator, again in zip(curve, fresh, strict=True):
        where = f"after {comparator.rounds} rounds"
        stored_value, fresh_value = comparator.value, again.value
        slack = ROUNDING * (1.0 + abs(stored_value.upper))
        if not environment.domain.contains(comparator.point, 1e-8):
            yield f"{where} the point lies outside the domain"
        if stored_value.lower > fresh_value.upper + slack and not _beyond(again.point, stored_value.within):
            yield f"{where} the lower bound {stored_value.lower:.9g} exceeds the {fresh_value.upper:.9g} of a point"
        if stored_value.upper < fresh_value.lower - slack and not _beyond(comparator.point, fresh_value.within):
            yield f"{where} the point's loss {stored_value.upper:.9g} is below the certified {fresh_value.lower:.9g}"
        if isinstance(environment, RowStream):
            reached = float(_attained(environment, comparator.point, rounds[rounds <= comparator.rounds])[-1])
            if reached > stored_value.upper + ROUNDING * (1.0 + abs(reached)):
                yield f"{where} the point loses {reached:.9g}, more than the {stored_value.upper:.9g} that is stored"
    attained = _attained(environment.fresh(game.seed), curve.point, rounds)
    if not _same(attained, np.asarray(curve.final), attained):
        yield "the losses of the best point for the whole game do not add up to what is stored"


def _beyond(point: Array, within: float) -> bool:
    """Whether a point lies outside the radius within which an interval holds."""
    return bool(np.linalg.norm(point) > within)


def _attained(environment: Any, point: Array, rounds: Any) -> Array:
    """Losses of ``point`` summed up to each round, straight from the stream."""
    total, before, sums = 0.0, 0, []
    for stop in rounds:
        for start in range(before, int(stop), 4096):
            end = min(start + 4096, int(stop))
            if isinstance(environment, RowStream):
                block = environment.block(start, end)
                total += float(block.scalar.values_and_derivatives(block.rows @ point, block.targets)[0].sum())
            else:
                total += sum(float(environment.reveal(point).value(point)) for _ in range(start, end))
        before = int(stop)
        sums.append(total)
    return np.array(sums)


def _same(one: Array, other: Array, scale: Array) -> bool:
    return bool(np.all(np.abs(one - other) <= ROUNDING * (1.0 + np.abs(scale))))


def _name(run: Run) -> str:
    rank = run.learner["hyperparameters"].get("rank")
    rank_text = f", rank {rank}" if rank is not None else ""
    return f"{run.learner['kind']}{rank_text} on {run.game.environment['kind']}, order {run.game.order}"
