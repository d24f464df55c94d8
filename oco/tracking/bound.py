"""Observes the learner's regret bound for the rounds so far, and whether its assumptions hold."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from oco.needs import CONSTRAINT, TOTAL_DELAY
from oco.regret.bounds import Assumption, Bound, Observed, within_delay, within_scales
from oco.tracking.comparator import ComparatorObserver
from oco.tracking.feedback import FeedbackObserver
from oco.tracking.gradients import GradientObserver
from oco.tracking.losses import LossObserver
from oco.tracking.observer import Columns, Curves, Game, Observer, Scalars


@dataclass
class Violations:
    """Violated assumptions, each with the checkpoint at which the violation was first seen."""

    first_seen: dict[str, int] = field(default_factory=dict)


class BoundObserver(Observer):
    """Evaluates the learner's bound at checkpoints, from the quantities of the other observers."""

    state: Violations

    def __init__(
        self,
        game: Game,
        losses: LossObserver,
        gradients: GradientObserver,
        comparator: ComparatorObserver,
        feedback: FeedbackObserver,
    ) -> None:
        self._game = game
        self._losses = losses
        self._gradients = gradients
        self._comparator = comparator
        self._feedback = feedback
        self.state = Violations()
        self.bound: Bound | None = None

    def checkpoint(self, round_index: int) -> Columns:
        """The bound, whether its assumptions hold, and the theorem's other right-hand sides."""
        observed = self._observed(round_index)
        with self._game.clock.timed("bound"):
            self.bound = None if self._gradients.skipped_spectrum else self._stated(observed)
        if self.bound is None:
            return {"bound": np.nan, "bound_holds": np.nan}
        for statement in self.bound.violations:
            self.state.first_seen.setdefault(statement, round_index)
        columns: Columns = {"bound": self.bound.value, "bound_holds": self.bound.valid}
        return columns | {f"bound: {name}": value for name, value in self.bound.variants.items()}

    def finish(self, curves: Curves) -> tuple[Curves, Scalars]:
        """The bound at the last round; it is valid if its assumptions held at every checkpoint."""
        bound = self.bound
        return {}, {
            "bound": None if bound is None else bound.value,
            "bound_theorem": None if bound is None else bound.theorem,
            "bound_valid": None if bound is None else not self.state.first_seen,
        }

    def violations(self) -> tuple[str, ...]:
        """Violated assumptions, each with the round at which the violation was first seen."""
        return tuple(f"{what} (first seen at round {when})" for what, when in self.state.first_seen.items())

    def _observed(self, round_index: int) -> Observed:
        covariance = self._gradients.covariance
        return Observed(
            rounds=round_index,
            domain=self._game.problem.domain,
            gradient_squares=covariance.trace,
            coordinate_squares=covariance.coordinate_squares,
            largest_gradient=covariance.largest_gradient,
            spectrum=self._gradients.spectrum,
            largest_point=self._losses.state.largest_point,
            comparator_distance=self._comparator.distance(round_index),
            extra=self._gradients.sides(),
            total_delay=self._feedback.total_delay(round_index),
            comparator=self._comparator.best(round_index) if self._game.player.bound_needs_comparator else None,
        )

    def _stated(self, observed: Observed) -> Bound | None:
        """The learner's bound; None if its value overflows."""
        try:
            with np.errstate(all="ignore"):
                bound = within_scales(self._game.player.bound(observed), observed)
                bound = self._within_rules(bound, observed)
        except ArithmeticError:
            return None
        return bound if bound is None or math.isfinite(bound.value) else None

    def _within_rules(self, bound: Bound | None, observed: Observed) -> Bound | None:
        """``bound``, with a violated assumption where this game's delays or constraint void the theorem."""
        needs = self._game.player.needs
        if TOTAL_DELAY not in needs:
            bound = within_delay(bound, observed)
        if bound is not None and CONSTRAINT in needs and self._game.stream.feasible in (None, "sum"):
            known = Assumption("the comparator is feasible (WithConstraint was given the feasible set)", False)
            bound = replace(bound, assumptions=(*bound.assumptions, known))
        return bound
