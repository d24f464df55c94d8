"""EXP3: exponential weights for the adversarial multi-armed bandit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.domains import Simplex
from oco.errors import ConfigError
from oco.learners._finite import finite_update
from oco.learners._smoothing import IN_EXPECTATION
from oco.learners.base import Learner, Look, Memory, Problem
from oco.learners.requirements import nonnegative, positive_or_none
from oco.needs import ONE_VALUE, PROMPT
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@dataclass
class ArmState:
    """The arm played as a vertex, estimated losses of all arms, the round, how many losses were out of range."""

    point: Array
    losses: Array
    arm: int
    round: int
    outside: int


class Exp3(Learner):
    r"""Exponential weights with importance-weighted losses: plays one arm, a vertex of the simplex, and sees its loss.

    .. math::
        p_{t,i} \propto \exp(-\eta \hat L_{t-1,i}), \quad I_t \sim p_t, \quad x_t = e_{I_t}, \qquad
        \hat L_{t,i} = \hat L_{t-1,i} + \frac{1\{I_t = i\}\, \ell_{t,i}}{p_{t,i} + \gamma}

    Parameters
    ----------
    learning_rate
        eta; None for the theorem's, ``sqrt(2 ln d / (d T))``.
    implicit_exploration
        gamma >= 0: 0 is EXP3, and ``eta / 2`` EXP3-IX, whose estimates are biased downwards and vary less; None for
        EXP3-IX.
    low, high
        Range of the losses of arms, which are brought to [0, 1].

    Raises
    ------
    ConfigError
        At the start, if the domain is not a simplex.

    Notes
    -----
    Cost O(d) a round; state 2 d + 3 floats.

    Expected regret of EXP3 for losses in [0, 1], against every fixed arm of an oblivious adversary:

    .. math::
        E R_T \le \frac{\ln d}{\eta} + \frac{\eta}{2} d T,

    times ``high - low``, and times the size of the simplex. EXP3-IX keeps, with ``gamma = eta / 2``, for every
    probability ``q``,

    .. math::
        R_T \le 2 \sqrt{2 d T \ln d} + \Bigl(\sqrt{\frac{2 d T}{\ln d}} + 1\Bigr) \ln(2/q)

    with probability ``1 - q`` at the theorem's learning rate. For one game no bound on an expectation counts as shown.

    References
    ----------
    Auer, Cesa-Bianchi, Freund, Schapire, SIAM J. Comput. 32 (2002); without mixing Bubeck, Cesa-Bianchi, Foundations
    and Trends in ML 5 (2012), Theorem 3.1; EXP3-IX is Neu, NeurIPS 2015, Theorem 1 (numbers cited from memory).

    Departures: none but the range of the losses.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.Bandit(oco.environments.ExpertAdvice(4, 500, gap=0.4))
    >>> record = oco.play(game, oco.learners.Exp3(), seed=1)
    >>> record.cumulative_loss < 220.0  # every arm but one loses 250, that one 50
    True
    """

    name = "exp3"
    source = "Auer, Cesa-Bianchi, Freund, Schapire 2002; Neu 2015, Theorem 1"
    guarantee = "in expectation ln d/eta + (eta/2) d T for losses in [0, 1] on the simplex"
    decision = "simplex"
    needs = (ONE_VALUE, PROMPT)
    draws = True
    examples = ({}, {"learning_rate": 0.1, "implicit_exploration": 0.0, "low": -1.0})
    look = Look("EXP3-IX", "#EE3377", "d")
    state: ArmState

    def __init__(
        self,
        learning_rate: float | None = None,
        implicit_exploration: float | None = None,
        low: float = 0.0,
        high: float = 1.0,
    ) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.implicit_exploration = (
            None if implicit_exploration is None else nonnegative(self, "implicit_exploration", implicit_exploration)
        )
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise ConfigError(f"low and high of Exp3 must be finite numbers, low < high, got {low!r} and {high!r}")
        self.low, self.high = float(low), float(high)

    def start(self, problem: Problem) -> None:
        """Set the rates, and draw the first arm."""
        domain = problem.domain
        if type(domain) is not Simplex:
            raise ConfigError(f"Exp3 plays on the simplex, got {domain!r}")
        arms = domain.dimension
        self._total = float(domain.start.sum())
        theorem = float(np.sqrt(2.0 * np.log(max(arms, 2)) / (arms * problem.horizon)))
        self._rate = theorem if self.learning_rate is None else self.learning_rate
        self._gamma = 0.5 * self._rate if self.implicit_exploration is None else self.implicit_exploration
        self._seed = problem.seed
        self.state = ArmState(np.zeros(arms), np.zeros(arms), 0, 0, 0)
        self._draw()

    @property
    def probabilities(self) -> Array:
        """``(d,)``: with which probability each arm is played in this round."""
        losses = self.state.losses
        weights = np.exp(-self._rate * (losses - losses.min()))
        chances: Array = weights / weights.sum()
        return chances

    def _draw(self) -> None:
        state = self.state
        generator = np.random.default_rng([self._seed, state.round, 0xE3])
        reached = np.cumsum(self.probabilities)
        state.arm = min(
            int(np.searchsorted(reached, generator.random() * reached[-1], side="right")), state.losses.size - 1
        )
        state.point = np.zeros(state.losses.size)
        state.point[state.arm] = self._total

    @finite_update
    def update(self, values: Array) -> None:
        """Estimate the loss of the arm that was played, and draw the next one, in O(d)."""
        state = self.state
        loss = (float(values[0]) / self._total - self.low) / (self.high - self.low)
        state.outside += not -1e-12 <= loss <= 1.0 + 1e-12
        chance = float(self.probabilities[state.arm]) + self._gamma
        losses = state.losses.copy()
        losses[state.arm] += min(max(loss, 0.0), 1.0) / chance
        state.losses = losses
        state.round += 1
        self._draw()

    def memory(self, problem: Problem) -> Memory:
        """``2 d + 3``: the arm as a point, estimated losses, the arm, two counters."""
        return Memory("2 d + 3", 2 * problem.domain.dimension + 3)

    def bound(self, observed: Observed) -> Bound | None:
        """EXP3's bound on the expected regret; None for a positive gamma, see `bound_with_probability`."""
        if self._gamma > 0.0:
            return None
        arms = observed.domain.dimension
        size = self._total * (self.high - self.low)
        return Bound(
            theorem="EXP3 (Bubeck, Cesa-Bianchi 2012, Theorem 3.1)",
            value=size * (float(np.log(arms)) / self._rate + 0.5 * self._rate * arms * observed.rounds),
            constants=(
                Constant("learning rate", self._rate, "domain" if self.learning_rate is None else "given"),
                Constant("range of losses", self.high - self.low, "given"),
            ),
            assumptions=(IN_EXPECTATION, Assumption("no loss was out of range", self.state.outside == 0)),
        )

    def bound_with_probability(self, rounds: int, failure: float) -> float:
        """EXP3-IX's bound after ``rounds`` rounds at the theorem's rates, which holds but with chance ``failure``."""
        arms = self.state.losses.size
        logarithm = float(np.log(max(arms, 2)))
        main = 2.0 * np.sqrt(2.0 * arms * rounds * logarithm)
        rest = (np.sqrt(2.0 * arms * rounds / logarithm) + 1.0) * np.log(2.0 / failure)
        return float(self._total * (self.high - self.low) * (main + rest))
