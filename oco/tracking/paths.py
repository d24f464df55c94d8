"""Observes the regret against sequences of points within budgets for their path (dynamic regret)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from oco.environments.hindsight import losses_between
from oco.regret.interval import Interval
from oco.regret.quantities import PathRegret
from oco.tracking.comparator import ComparatorObserver
from oco.tracking.losses import LossObserver
from oco.tracking.observer import Curves, Game, Observer, Scalars

if TYPE_CHECKING:
    from oco.comparators import PathCurve


class PathObserver(Observer):
    """Finds the best sequence of points for every budget after the game; keeps nothing while it is played."""

    def __init__(
        self, game: Game, losses: LossObserver, comparator: ComparatorObserver, budgets: Sequence[float] | PathCurve
    ) -> None:
        self._game, self._losses, self._comparator, self._budgets = game, losses, comparator, budgets
        self.regret: tuple[PathRegret, ...] = ()

    def finish(self, curves: Curves) -> tuple[Curves, Scalars]:
        """The regret for every budget, with the same allowance for rounding as for the best fixed point."""
        with self._game.clock.timed("paths"):
            found = self._found()
        played, rounding = float(curves["cumulative_loss"][-1]), float(curves["loss_rounding"][-1])
        self.regret = tuple(
            PathRegret(
                one.budget,
                Interval(played - one.value.upper - rounding, played - one.value.lower + rounding, one.value.within),
            )
            for one in found
        )
        return {}, {f"path_regret_upper_{one.budget:g}": one.regret.upper for one in self.regret}

    def _found(self) -> PathCurve:
        from oco.comparators import PathCurve, best_paths
        from oco.comparators.solver import count_of

        if isinstance(self._budgets, PathCurve):
            return self._budgets
        game, rounds = self._game, int(self._game.rounds[-1])
        domain = getattr(game.stream, "comparator_domain", game.problem.domain)
        losses: Any = losses_between(game.stream, 0, rounds, self._comparator.losses)
        if count_of(losses) > rounds:  # of a game that stops earlier
            losses = losses.block(0, rounds) if hasattr(losses, "block") else losses[:rounds]
        return best_paths(losses, domain, self._budgets, fixed=self._comparator.fixed)
