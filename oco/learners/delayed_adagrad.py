"""Diagonal AdaGrad with delayed feedback: what is added under the root pays for the total delay."""

from __future__ import annotations

import math

import numpy as np

from oco.errors import NumericsError
from oco.learners.base import DIAMETER, Learner, Look, Memory, Problem
from oco.learners.diagonal_adagrad import DiagonalAdaGrad, DiagonalState
from oco.learners.requirements import nonnegative, positive_or_none, required_gradient_bound, theorem_rate
from oco.losses.rows import BlockOutcome, RowBlock
from oco.needs import TOTAL_DELAY
from oco.regret.bounds import Bound, Constant, Observed
from oco.types import Array


class DelayedAdaGrad(Learner):
    r"""Diagonal AdaGrad that steps along every gradient when it arrives, at whatever point it was taken.

    .. math::
        x \leftarrow \Pi_K^H(x - \eta H^{-1} g_s), \quad
        H = \mathrm{diag}\Bigl(\delta + \sum_{r \text{ arrived}} g_r^2\Bigr)^{1/2}
        \quad \text{when } g_s \text{ arrives}

    Parameters
    ----------
    learning_rate
        eta; None for the theorem's, ``D_inf / sqrt(2)``.
    delta
        Added to the sums under the root; None for ``B G^2 / d`` with B the total delay and G the problem's gradient
        bound.

    Raises
    ------
    ConfigError
        At the start, if the game has delays, the problem states no gradient bound and ``delta`` is not given.

    Notes
    -----
    Cost O(d) a gradient; state that of `DiagonalAdaGrad`, 2 d + 2 floats. Without delays it is `DiagonalAdaGrad`, to
    the last bit and in the same compiled loops.

    Regret on a bounded domain with ``h_i = sum_t g_{t,i}^2``, ``|g_t| <= G`` and ``B = sum_t min(d_t, T - t)``:

    .. math::
        R_T \le \frac{D_\infty^2}{2\eta} \sum_i \sqrt{\delta + h_i} + \eta \sum_i \sqrt{h_i}
              + \frac{\eta B G^2}{\sqrt{\delta}}

    At the defaults delays add at most ``sqrt(2 d B) D_inf G``. Proof: in order of arrival it is AdaGrad, and a gradient
    g_s meets a point that lacks those that arrived between play and s. Each of them moves the point by at most
    ``eta |g|_{H^{-1}}`` in the norm of its H, which costs ``eta |g|_{H^{-1}} |g_s|_{H^{-1}} <= eta G^2 / sqrt(delta)``,
    and there are at most B such pairs.

    References
    ----------
    Joulani, Gyorgy, Szepesvari, AAAI 2016, regret in order of arrival; McMahan, Streeter, NeurIPS 2014, AdaGrad under
    delays. The bound and its constants are derived here.

    Departures: both papers adapt to products of each gradient with those that arrived since its round, which takes a
    copy of the sums for every round on its way; here the total delay is known before round 1, and G pays for it.

    Examples
    --------
    >>> import oco
    >>> game = oco.environments.SpectrumLinear(4, 200, domain=oco.Box(-1.0, 1.0))
    >>> record = oco.play(oco.environments.Delayed(game, delay=5), oco.learners.DelayedAdaGrad())
    >>> record.regret.upper <= record.bound.value and not record.violations
    True
    """

    name = "delayed_adagrad"
    source = "Joulani, Gyorgy, Szepesvari 2016; McMahan, Streeter 2014; bound derived here"
    guarantee = "sqrt(2) D_inf (sum_i sqrt(sum_t g_ti^2) + G sqrt(d B)) for the total delay B; bounded domain"
    needs = (DIAMETER, TOTAL_DELAY)
    examples = ({}, {"delta": 0.1})
    look = Look("delayed AdaGrad", "#882255", "s")
    state: DiagonalState

    def __init__(self, learning_rate: float | None = None, delta: float | None = None) -> None:
        self.learning_rate = positive_or_none(self, "learning_rate", learning_rate)
        self.delta = None if delta is None else nonnegative(self, "delta", delta)

    def start(self, problem: Problem) -> None:
        """Set the learning rate and what is added under the root."""
        self._rate = self.learning_rate or theorem_rate(self, problem, "linf")
        late = problem.total_delay
        if self.delta is not None:
            self._delta = self.delta
        else:
            slope = required_gradient_bound(self, problem, "delta") if late else 0.0
            self._delta = late * slope**2 / problem.domain.dimension
        self._steps = DiagonalAdaGrad(self._rate, self._delta)
        self._steps.start(problem)
        self.state = self._steps.state

    def update(self, gradient: Array) -> None:
        """One step of diagonal AdaGrad, in O(d)."""
        self._steps.state = self.state
        try:
            self._steps.update(gradient)
        except NumericsError as error:
            raise NumericsError(str(error).replace(repr(self._steps), repr(self))) from None

    def play_block(self, block: RowBlock) -> BlockOutcome | None:
        """All rounds of ``block`` in one compiled loop, in games without delays."""
        self._steps.state = self.state
        return self._steps.play_block(block)

    def memory(self, problem: Problem) -> Memory:
        """That of diagonal AdaGrad."""
        return DiagonalAdaGrad(1.0).memory(problem)

    def bound(self, observed: Observed) -> Bound | None:
        """See the notes of the class; None on an unbounded domain, and if nothing pays for delays."""
        diameter, late = observed.domain.diameter("linf"), observed.total_delay
        if not math.isfinite(diameter) or (late and not self._delta):
            return None
        with_delta = float(np.sum(np.sqrt(observed.coordinate_squares + self._delta)))
        without = float(np.sum(np.sqrt(observed.coordinate_squares)))
        drift = late * observed.largest_gradient**2 / math.sqrt(self._delta) if late else 0.0
        return Bound(
            theorem="AdaGrad under delays (after Joulani, Gyorgy, Szepesvari 2016), derived here",
            value=diameter**2 / (2.0 * self._rate) * with_delta + self._rate * (without + drift),
            constants=(
                Constant("diameter (max norm)", diameter, "domain"),
                Constant.resolved("learning rate", self._rate, self.learning_rate),
                Constant.resolved("delta", self._delta, self.delta),
                Constant("sum of root sums of squares", without, "observed"),
                Constant("largest gradient (l2 norm)", observed.largest_gradient, "observed"),
                Constant("total delay", float(late), "observed"),
            ),
        )
