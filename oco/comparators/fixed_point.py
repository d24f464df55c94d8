"""The best fixed point in hindsight of any losses, for every prefix, with certificates."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from oco.comparators.comparator import Comparator, ComparatorCurve
from oco.comparators.solver import Losses, Request, checked_rounds, count_of, solver_of
from oco.domains.base import Domain
from oco.progress import GameProgress
from oco.types import Array


def best_fixed_point(
    losses: Losses,
    domain: Domain,
    *,
    tolerance: float | None = None,
    start: Array | None = None,
    strict: bool = False,
    seconds: float | None = None,
) -> Comparator:
    """Find the x of the domain that minimizes the sum of the losses of all rounds, with a certified gap.

    Parameters
    ----------
    losses
        The rounds: a `oco.losses.RowBlock` (a scalar loss, rows ``(n, d)`` dense or CSR, targets ``(n,)``), a
        `oco.losses.MultinomialBlock`, a stream with ``horizon`` and ``block(start, stop)`` that need not fit into
        memory, or a sequence of any convex losses with ``value`` and ``gradient``.
    domain
        Where the comparator must lie; rows are those of the flat decision where it is a matrix.
    tolerance
        The gap that counts as tight, relative to the larger of ``|value|`` and a thousandth of the loss of the
        domain's start (for losses that can be driven to zero); by default 1e-6 for smooth losses of a margin and for
        sums of quadratic losses, 1e-4 for kinked ones and those of a margin that state no conjugate, and 1e-3 where
        only value and gradient are known.
    start
        Initial point of the search.
    strict
        Whether to raise an error if the gap is not tight or the lower bound holds only within a radius. By default the
        returned interval says so.
    seconds
        When to stop searching. The interval reached by then is returned; it is wide rather than wrong. By default the
        search ends by itself.

    Returns
    -------
    Comparator
        The point, the interval that holds the minimum, and how the lower bound was proved.

    Raises
    ------
    ComparatorError
        If ``strict`` and the gap is not tight, or the interval holds within a radius only; the error has the gap.

    Notes
    -----
    The first solver of ``oco/comparators/solvers/`` that accepts the losses is used. Sequences of rows of one loss, of
    multinomial logistic losses and of quadratic losses of one kind are recognized and passed to their own solvers.

    Linear losses are solved by the support function. Losses of a margin that state no conjugate get a numerical upper
    bound on it. Losses with a second derivative are minimized by a proximal Newton
    method (O(n d^2) for a Hessian while d is small, products with the rows in a Krylov space else); kinked losses by
    the method of multipliers, each of whose smooth problems is solved in the same way. Whichever solver was used, the
    lower bound is Fenchel's,

        min_{x in K} F(x)  >=  -sum_i phi*(alpha_i, y_i) - max_{x in K} <-A' alpha, x>,

    evaluated at the best dual vector alpha found, with an allowance for rounding.

    Sums of quadratic losses have a closed form. If only values and gradients are known, every evaluation gives a cut
    ``F(y) >= F(x_j) + <g_j, y - x_j>``; for any weights w of the cuts that sum to one

        min_{y in K} F(y)  >=  sum_j w_j (F(x_j) - <g_j, x_j>) - max_{y in K} <-sum_j w_j g_j, y>,

    which is the certificate (for one cut it is the Frank-Wolfe gap). The weights and the next point come from a
    quasi-Newton method up to d = 512, and from a proximal bundle method where that stalls, with one pass over the
    losses per cut. In many dimensions it may end with a wide interval.
    On an unbounded domain the bound holds for points within ``value.within = 100 (1 + |x|)`` of the origin.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.comparators import best_fixed_point
    >>> from oco.domains import Ball
    >>> from oco.losses import RowBlock, Squared
    >>> rounds = RowBlock(Squared(), np.eye(2), np.array([3.0, 4.0]))
    >>> best = best_fixed_point(rounds, Ball(radius=1.0, dimension=2))
    >>> best.point.round(6), round(best.value.upper, 6), best.tight
    (array([0.6, 0.8]), 8.0, True)
    >>> from oco.losses import QuadraticForm
    >>> losses = [QuadraticForm(np.eye(2), np.array([-3.0, 0.0])), QuadraticForm(np.eye(2), np.array([0.0, -4.0]))]
    >>> best = best_fixed_point(losses, Ball(radius=1.0, dimension=2))
    >>> -4.0 in best.value, best.tight
    (True, True)
    """
    rounds = [count_of(losses)]
    return anytime(losses, domain, rounds, tolerance=tolerance, start=start, strict=strict, seconds=seconds)[-1]


def anytime(
    losses: Losses,
    domain: Domain,
    rounds: Sequence[int] | Array,
    *,
    tolerance: float | None = None,
    start: Array | None = None,
    strict: bool = False,
    seconds: float | None = None,
    progress: bool = False,
) -> ComparatorCurve:
    """Best fixed points for rounds 1..t, for every t in ``rounds``: the comparator of anytime regret.

    The search for each prefix starts from the point and the dual of the previous one, so a curve of log-spaced
    checkpoints costs a small multiple of the last solve.

    Parameters
    ----------
    losses, domain, tolerance, start, strict, seconds
        As for `best_fixed_point`.
    rounds
        Checkpoints t, rising, each at least 1.
    progress
        Whether a search of more than a second shows a bar, with the time that is left, on a terminal or in a notebook.
        Checkpoints count by their rounds, as their searches take about so long.

    Returns
    -------
    ComparatorCurve
        One comparator per checkpoint, and the cumulative losses of the last one's point.

    Raises
    ------
    ComparatorError
        If ``strict`` and some gap is not tight, or the losses are not finite at the domain's start.
    ConfigError
        If the checkpoints do not increase, or are not rounds of the stream.
    NumericsError
        If a row or a target is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.comparators import anytime
    >>> from oco.domains import Ball
    >>> from oco.losses import Linear, RowBlock
    >>> rounds = RowBlock(Linear(), np.array([[3.0], [-4.0], [-1.0]]), np.zeros(3))
    >>> curve = anytime(rounds, Ball(radius=1.0, dimension=1), [1, 2, 3])
    >>> curve.upper.round(9), curve.final
    (array([-3., -1., -2.]), array([ 3., -1., -2.]))
    """
    checkpoints = checked_rounds(rounds, count_of(losses))
    solver, taken = solver_of(losses, domain)
    with GameProgress(sum(checkpoints), progress, "best fixed points", delay=1.0) as bar:
        done = dict(zip(checkpoints, accumulate(checkpoints), strict=True))
        request = Request.of(tolerance, start, strict, seconds, lambda count: bar.to(done[count]))
        return solver.curve(taken, domain, checkpoints, request)
