"""Whether a contestant keeps everything in its state: games apart, stopped at hidden rounds, compared bit for bit."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from oco.errors import ConfigError
from oco.game import play
from oco.learners.base import require_feedback
from oco.types import Array
from regret_experiments.bench.apart import LIMITS, TIME, Apart, Limits, Noted, Process, Stopped, Trace
from regret_experiments.bench.contestant import Contestant
from regret_experiments.bench.counting import MEMORY
from regret_experiments.bench.outside import ATTRIBUTES, RANDOM
from regret_experiments.bench.playing import Fit, fit_of
from regret_experiments.bench.suite import Stream, Suite
from regret_experiments.bench.watch import ENVIRONMENT
from regret_experiments.execution.workers import pin_inner_threads
from regret_experiments.plan.building import BuiltEnvironment, build_learner, learner_content
from regret_experiments.plan.runs import Game, Run

ROUNDS = 200
"""Most rounds of a game of the audit."""
UNSEEN = 16
"""Numbers that a state may hold in text and long integers, such as a generator's own, before it counts as hidden."""
STATE = "state outside state"
_ADVICE = {
    ATTRIBUTES: "what is carried from round to round belongs into self.state",
    RANDOM: "draw from a generator of problem.seed that is kept in self.state",
    STATE: "what is carried from round to round belongs into self.state",
}


@dataclass
class Audit:
    """What an audit found.

    Attributes
    ----------
    faults
        Sentences by kind; empty for an entry that keeps the rules.
    rounds
        The stops and the last round of every stream that was played.
    words
        Numbers that the state needs, by stream.
    seconds
        Estimated seconds of the whole suite on one core.
    """

    faults: dict[str, str] = field(default_factory=dict)
    rounds: dict[str, list[int]] = field(default_factory=dict)
    words: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def facts(self) -> dict[str, Any]:
        """As plain values, for an entry."""
        return {"faults": self.faults, "rounds": self.rounds, "words": self.words}


def audit(
    suite: Suite, contestant: Contestant, limits: Limits | None = None, running: list[Process] | None = None
) -> tuple[Audit, Fit]:
    """Play a part of every stream three times, and compare.

    In one game the learner stays in one process. In the second it is stopped at two hidden rounds, and goes on from
    its state alone in another process. In the third it shares this process with the environment, as it does when the
    suite is played. The environment of the first two is here, out of the learner's reach. The points of all three must
    be equal bit for bit; what differs outside of the state says why they are not.

    Learners of the library may be audited one after the other in the same four processes, those that are ``running``.

    Returns what was found, and the streams that the learner can start on.
    """
    found = Audit()
    four = processes_of(contestant, 4, limits or Limits()) if running is None else nullcontext(running)
    with pin_inner_threads(), four as processes:

        def start(point: dict[str, Any], built: BuiltEnvironment) -> None:
            learner, problem = build_learner(contestant.kind, point), built.problem
            require_feedback(learner, problem)
            try:
                processes[0].begin(learner, problem)
            except Stopped as stopped:
                if stopped.kind in LIMITS or stopped.found:
                    raise
                raise ConfigError(str(stopped)) from None

        name = ""
        try:
            fit = fit_of(suite, contestant, start)
            for name in fit.names:
                _audit_stream(suite, suite.stream(name), contestant, processes, found)
                if found.faults:
                    break
        except Stopped as stopped:
            what = str(stopped) if stopped.kind in LIMITS else f"it raises {stopped}"
            own = {stopped.kind: f"{stopped.kind}: {f'on {name}, ' if name else ''}{what}"}
            found.faults |= _sentences(stopped.found, name) or own
            fit = Fit([], {}, {})
    most = suite.limit_seconds
    if not found.faults and found.seconds > most:
        found.faults[TIME] = f"{TIME}: it would take about {found.seconds:,.0f} s for the suite, {most:,} s are allowed"
    return found, fit


def _audit_stream(suite: Suite, stream: Stream, contestant: Contestant, processes: list[Process], found: Audit) -> None:
    horizon = stream.built.horizon
    rounds = min(ROUNDS, horizon)
    stops = hidden_rounds(rounds)
    order = secrets.choice(suite.orders)
    found.rounds[stream.name] = [*stops, rounds]
    point = contestant.points(stream.built.dimension)[0]
    whole = _apart(stream, order, contestant, point, processes[:1], [], rounds)
    found.seconds += suite.games * horizon * whole.seconds
    parts = _apart(stream, order, contestant, point, processes[1:], stops, rounds)
    found.words[stream.name] = parts.words
    found.faults |= _sentences(whole.found | parts.found, stream.name)
    if parts.uncounted > UNSEEN:
        found.faults[MEMORY] = (
            f"{MEMORY}: on {stream.name} the state needs {parts.uncounted} numbers more than are counted in it, in "
            "text or in long integers"
        )
    differs = _first_difference(whole.points, parts.points)
    if differs is not None:
        found.faults |= _outside(whole.changed, stream.name, differs, stops)
        if not found.faults:
            again = _apart(stream, order, contestant, point, processes[:1], [], rounds)
            found.faults |= _unnamed(_first_difference(whole.points, again.points) is not None, stream.name, differs)
        return
    together = _together(stream, order, contestant, point, rounds)
    differs = _first_difference(whole.points, together)
    if differs is not None and not found.faults:
        found.faults[ENVIRONMENT] = (
            f"{ENVIRONMENT}: on {stream.name} the point of round {differs} is another one where the environment is "
            "in the same process; the learner reaches it, or what it knows, by other ways than those of the game"
        )


def replay_apart(stream: Stream, contestant: Contestant, run: Run, point: dict[str, Any]) -> float:
    """The cumulative loss of a whole game in which the learner is stopped twice and goes on in other processes."""
    stops = hidden_rounds(stream.built.horizon)
    with processes_of(contestant, 3, Limits()) as processes:
        learner = Apart(contestant, point, processes, stops)
        record = play(
            stream.built.environment, learner, seed=run.seeds["order"], learner_seed=run.seeds["learner"],
            comparator=False, spectrum=False, checkpoints=1,
        )  # fmt: skip
    return float(record.curves["cumulative_loss"][-1])


def _apart(
    stream: Stream, order: int, contestant: Contestant, point: dict[str, Any], processes: list[Process],
    stops: list[int], rounds: int,
) -> Trace:  # fmt: skip
    """The first rounds of a game with the learner elsewhere."""
    seeds = seeds_of(stream, order, contestant, point)
    learner = Apart(contestant, point, processes, stops)
    play(
        stream.built.environment, learner, seed=seeds["order"], learner_seed=seeds["learner"], comparator=False,
        spectrum=False, checkpoints=1, until=rounds,
    )  # fmt: skip
    learner.trace.points.append(learner.prediction)
    learner.stop()
    return learner.trace


def _together(stream: Stream, order: int, contestant: Contestant, point: dict[str, Any], rounds: int) -> list[Array]:
    """The points of the same game, with the environment in the same process."""
    seeds = seeds_of(stream, order, contestant, point)
    learner = Noted(build_learner(contestant.kind, point))
    play(
        stream.built.environment, learner, seed=seeds["order"], learner_seed=seeds["learner"], comparator=False,
        spectrum=False, checkpoints=1, until=rounds,
    )  # fmt: skip
    return [*learner.points, learner.prediction]


def seeds_of(stream: Stream, order: int, contestant: Contestant, point: dict[str, Any]) -> dict[str, int]:
    """The seeds of the run of the suite."""
    content = learner_content(contestant.kind, build_learner(contestant.kind, point), point)
    return Run(Game(stream.built.content, order, 1), content).seeds


def hidden_rounds(rounds: int) -> list[int]:
    """Two rounds before the last, drawn at random; one or none of a game that has not as many."""
    return sorted(secrets.SystemRandom().sample(range(1, rounds), min(2, rounds - 1)))


@contextmanager
def processes_of(contestant: Contestant, count: int, limits: Limits) -> Iterator[list[Process]]:
    """Processes for a contestant's learners, ended with the block."""
    processes = [Process(contestant, limits) for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            process.end()


def _first_difference(one: list[Array], other: list[Array]) -> int | None:
    """The first round, counted from 1, in which the points differ."""
    for index, (left, right) in enumerate(zip(one, other, strict=True), start=1):
        if not np.array_equal(left, right, equal_nan=True):
            return index
    return None


def _sentences(found: dict[str, str], name: str) -> dict[str, str]:
    where = f"on {name}, " if name else ""
    return {kind: f"{kind}: {where}the learner {sentence}" for kind, sentence in found.items()}


def _outside(changed: dict[str, list[str]], name: str, differs: int, stops: list[int]) -> dict[str, str]:
    """Sentences on what changed outside of the state, of a learner that could not go on from its state."""
    last = max((stop for stop in stops if stop < differs), default=0)
    found = {}
    for kind, places in changed.items():
        if last or kind != ATTRIBUTES:  # before the first stop both are the learner's first object
            advice = f"; {_ADVICE[kind]}" if kind in _ADVICE else ""
            found[kind] = (
                f"{kind}: on {name}, {', '.join(places[:3])} changed during play, and the point of round {differs} is "
                f"another one after the learner was stopped at round {last} and went on from its state alone{advice}"
            )
    return found


def _unnamed(random: bool, name: str, differs: int) -> dict[str, str]:
    if random:
        return {RANDOM: f"{RANDOM}: on {name}, two equal games have different points; {_ADVICE[RANDOM]}"}
    return {
        STATE: f"{STATE}: on {name}, the point of round {differs} is another one after the learner went on from its "
        f"state alone; {_ADVICE[STATE]}"
    }
