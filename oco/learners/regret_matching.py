"""Regret matching on the simplex, the learner of solvers of large games, which has nothing to tune."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.domains.simplex import Simplex
from oco.errors import ConfigError
from oco.learners._finite import finite_update
from oco.learners.base import Learner, Look, Memory, Problem
from oco.learners.requirements import required_simplex
from oco.regret.bounds import Assumption, Bound, Constant, Observed
from oco.types import Array


@dataclass
class RegretMatchingState:
    """``regrets`` are those against each vertex of the unit simplex, ``squares`` the sum of all squared changes."""

    point: Array
    regrets: Array
    squares: float


class RegretMatching(Learner):
    r"""Play every coordinate in proportion to the positive part of the regret against it.

    .. math::
        r_{t,i} = \langle g_t, x_t \rangle - g_{t,i}, \qquad R_t = R_{t-1} + r_t, \qquad
        x_{t+1} = \frac{[R_t]_+}{|[R_t]_+|_1}

    Parameters
    ----------
    plus
        Whether to play regret matching plus, which keeps ``[R_{t-1} + r_t]_+``, so that a coordinate that was bad for
        long is played as soon as it is good.

    Raises
    ------
    ConfigError
        At the start, if the domain is not a simplex.

    Notes
    -----
    Cost O(d) a round; state ``2 d + 1`` floats. Where no regret is positive it plays equal weights. On a simplex whose
    points have the sum s, it plays s times the above, with regrets of the point ``x_t / s``. For both variants

    .. math::
        R_T \le s \sqrt{\sum_t |r_t|_2^2} \le s G \sqrt{d T} \quad\text{if } \max_i g_{t,i} - \min_i g_{t,i} \le G,

    because ``<r_t, x_t> = 0``, so that ``|[R_t]_+|^2 <= |[R_{t-1}]_+|^2 + |r_t|^2``.

    References
    ----------
    Hart, Mas-Colell, Econometrica 68 (2000); Zinkevich et al., NeurIPS 2007, for the bound on external regret;
    Tammelin 2014, and Tammelin et al., IJCAI 2015, for regret matching plus. The bound is derived in the notes.

    Departures: the simplex may have any size.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = oco.learners.RegretMatching()
    >>> learner.start(oco.Problem(oco.Simplex(dimension=3), horizon=9))
    >>> learner.update(np.array([3.0, 0.0, 0.0]))  # regrets -2, 1, 1
    >>> learner.prediction
    array([0. , 0.5, 0.5])
    """

    name = "regret_matching"
    source = "Hart, Mas-Colell 2000; Tammelin 2014 (plus)"
    guarantee = "s sqrt(sum |r_t|^2) <= s G sqrt(d T) on the simplex of sum s; entries of a gradient at most G apart"
    decision = "simplex"
    examples = ({}, {"plus": True})
    look = Look("regret matching", "#AA4499", "8")
    state: RegretMatchingState

    def __init__(self, plus: bool = False) -> None:
        if not isinstance(plus, bool):
            raise ConfigError(f"plus of RegretMatching must be true or false, got {plus!r}")
        self.plus = plus

    def start(self, problem: Problem) -> None:
        """Start from equal weights and no regret."""
        self._total = required_simplex(self, problem)
        self.state = RegretMatchingState(problem.domain.start, np.zeros(problem.domain.shape), 0.0)

    @finite_update
    def update(self, gradient: Array) -> None:
        """Add the regrets of this round, and match their positive part, in O(d)."""
        state = self.state
        change = float(gradient @ state.point) / self._total - gradient
        state.squares += float(change @ change)
        state.regrets = state.regrets + change
        positive = np.maximum(state.regrets, 0.0)
        if self.plus:
            state.regrets = positive
        largest = positive.max()
        if largest > 0.0:
            positive = positive / largest  # so that the sum neither overflows nor vanishes
            state.point = self._total * positive / positive.sum()
        else:
            state.point = np.full(gradient.shape, self._total / gradient.size)

    def memory(self, problem: Problem) -> Memory:
        """``2 d + 1``: point, regrets, one sum."""
        return Memory("2 d + 1", 2 * problem.domain.dimension + 1)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class."""
        return Bound(
            theorem="regret matching (Hart, Mas-Colell 2000)",
            value=self._total * math.sqrt(self.state.squares),
            constants=(
                Constant("sum of weights (l1 norm)", self._total, "domain"),
                Constant("sum of squared regrets of rounds (l2 norm)", self.state.squares, "observed"),
            ),
            assumptions=(Assumption("the domain is a simplex", type(observed.domain) is Simplex),),
        )
