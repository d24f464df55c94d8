"""Fixed share on the simplex: exponential weights that follow the best sequence of vertices with few switches."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.domains.simplex import Simplex
from oco.errors import ConfigError
from oco.learners._finite import finite_update
from oco.learners.base import GRADIENT_BOUND, Learner, Look, Memory, Problem
from oco.learners.requirements import positive_or_none, required_entry_bound, required_simplex, whole
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@dataclass
class FixedShareState:
    """``squared_ranges`` is the running sum of ``(max_i g_{t,i} - min_i g_{t,i})^2``."""

    point: Array
    squared_ranges: float


class FixedShare(Learner):
    r"""Exponentiated gradient, after which every coordinate gives up a share of its weight, which all divide equally.

    .. math::
        v_{t,i} \propto x_{t,i} e^{-\eta g_{t,i}}, \qquad x_{t+1,i} = (1 - \alpha) v_{t,i} + \frac{\alpha}{d}

    Parameters
    ----------
    switches
        m >= 1, the number of switches that the defaults below are made for.
    share
        alpha in (0, 1); None for ``m / (T - 1)``, at most 1/2.
    learning_rate
        eta; None for the value that minimizes the bound for m switches: ``sqrt(8 C / T) / (2 G)``, where ``C / eta`` is
        the first term of the bound, T the horizon, and G the problem's bound on the entries of gradients (on their norm
        if none is stated).

    Raises
    ------
    ConfigError
        At the start, if the domain is not a simplex, or if neither a learning rate nor a gradient bound is given.

    Notes
    -----
    Cost O(d) a round; state ``d + 1`` floats. Let r be the sum of a point's weights. Against every sequence of
    vertices i_1, ..., i_T with m switches,

    .. math::
        \sum_t \langle g_t, x_t - r e_{i_t} \rangle \le \frac{r}{\eta} \Bigl((m + 1) \ln d + m \ln \frac{1}{\alpha}
        + (T - 1 - m) \ln \frac{1}{1 - \alpha}\Bigr) + \frac{r \eta}{8} \sum_t (\max_i g_{t,i} - \min_i g_{t,i})^2 .

    `bound` is the case m = 0, the regret against a fixed point; `tracking_bound` takes any m.

    References
    ----------
    Herbster, Warmuth, "Tracking the best expert", Machine Learning 32 (1998). The bound for linear losses is that of
    Cesa-Bianchi, Lugosi, Prediction, Learning, and Games (2006), section 5.2 (cited from memory), and is derived here
    from the prior probability of a sequence.

    Departures: the share is divided among all coordinates, its own included, as in Cesa-Bianchi and Lugosi; the
    printed update divides it among the others. The simplex may have any size.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.FixedShare(share=0.2, learning_rate=np.log(2.0))
    >>> learner.start(oco.Problem(oco.Simplex(dimension=2), horizon=9))
    >>> learner.update(np.array([1.0, 0.0]))  # weights 1/3 and 2/3, of which a fifth is divided equally
    >>> np.round(learner.prediction, 6)
    array([0.366667, 0.633333])
    """

    name = "fixed_share"
    source = "Herbster, Warmuth 1998; Cesa-Bianchi, Lugosi 2006, section 5.2"
    guarantee = "r ((m+1) ln d + m ln(1/alpha) + (T-1-m) ln(1/(1-alpha)))/eta + r eta/8 sum range(g)^2 for m switches"
    decision = "simplex"
    needs = (GRADIENT_BOUND,)
    examples = ({}, {"share": 0.1, "learning_rate": 0.3})
    look = Look("fixed share", "#44AA99", "*")
    state: FixedShareState

    def __init__(self, switches: int = 1, share: float | None = None, learning_rate: float | None = None) -> None:
        self.switches = whole(self, "switches", switches)
        self.share = positive_or_none(self, "share", share)
        if self.share is not None and self.share >= 1.0:
            raise ConfigError(f"share of FixedShare must lie in (0, 1), got {share!r}")
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)

    def start(self, problem: Problem) -> None:
        """Start from equal weights."""
        self._total = required_simplex(self, problem)
        rounds = problem.horizon
        self._share = self.share or min(self.switches / max(rounds - 1, 1), 0.5)
        if self.learning_rate is not None:
            self._rate = self.learning_rate
        else:
            surprise = self._surprise(problem.domain.dimension, rounds, min(self.switches, rounds - 1))
            entry = required_entry_bound(self, problem, "learning_rate")
            self._rate = math.sqrt(2.0 * surprise / rounds) / entry if entry > 0.0 and surprise > 0.0 else 1.0
        self.state = FixedShareState(problem.domain.start, 0.0)

    @finite_update
    def update(self, gradient: Array) -> None:
        """Multiply the weights, normalize them, and share, in O(d)."""
        state, least = self.state, gradient.min()
        state.squared_ranges += float(gradient.max() - least) ** 2
        weights = state.point * np.exp(-self._rate * (gradient - least))
        shared = self._total * self._share / weights.size
        state.point = (1.0 - self._share) * self._total * weights / weights.sum() + shared

    def _surprise(self, dimension: int, rounds: int, switches: int) -> float:
        """``ln(1 / p)``, with p the least prior probability of a sequence with so many switches."""
        stays = (rounds - 1 - switches) * -math.log1p(-self._share)
        return (switches + 1) * math.log(dimension) - switches * math.log(self._share) + stays

    def memory(self, problem: Problem) -> Memory:
        """``d + 1``: the point, one sum."""
        return Memory("d + 1", problem.domain.dimension + 1)

    def bound(self, observed: Observed) -> Bound | None:
        """The regret against a fixed point, which is a sequence without switches."""
        return self.tracking_bound(observed, 0)

    def tracking_bound(self, observed: Observed, switches: int) -> Bound | None:
        """The regret against every sequence of vertices with at most ``switches`` switches, by the notes of the class.

        It counts the likelier of more and fewer switches, so that it also holds where alpha is above 1/2.
        """
        if observed.rounds == 0:
            return None
        counts = range(min(switches, observed.rounds - 1) + 1)
        surprise = max(self._surprise(observed.domain.dimension, observed.rounds, count) for count in counts)
        ranges = self.state.squared_ranges
        return Bound(
            theorem=f"fixed share (Herbster, Warmuth 1998) for {switches} switches",
            value=self._total * (surprise / self._rate + 0.125 * self._rate * ranges),
            constants=(
                Constant("sum of weights (l1 norm)", self._total, "domain"),
                Constant.resolved("share", self._share, self.share),
                Constant.resolved("learning rate", self._rate, self.learning_rate),
                Constant("sum of squared ranges of gradients (max norm)", ranges, "observed"),
            ),
            assumptions=(Assumption("the domain is a simplex", type(observed.domain) is Simplex),),
        )
