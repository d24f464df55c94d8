"""Verdicts: the one place where a certified regret is compared with its bound."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum

ROUNDING = 1e-9
"""Relative slack of a bound, which is itself computed in floating point."""


class Verdict(StrEnum):
    """The result of comparing a certified interval of regret with a bound.

    Examples
    --------
    >>> Verdict("undecided") is Verdict.UNDECIDED
    True
    """

    HOLDS = "holds"
    """The whole interval is at most the bound."""
    UNDECIDED = "undecided"
    """The bound lies inside the interval, or nothing is known of the regret."""
    BROKEN = "broken"
    """The whole interval is above the bound, although its assumptions held."""
    VIOLATED = "assumption violated"
    """An assumption of the theorem was violated, so it makes no claim."""
    NO_BOUND = "no bound"
    """No theorem is known for this learner and game."""


_WORST_FIRST = (Verdict.BROKEN, Verdict.VIOLATED, Verdict.UNDECIDED, Verdict.HOLDS)


def allowed(bound: float) -> float:
    """The largest computed regret that satisfies ``bound``, allowing for rounding of the bound itself.

    Works on arrays too.

    Examples
    --------
    >>> allowed(2.0) - 2.0 <= 2.1e-9
    True
    """
    return bound + ROUNDING * abs(bound)


def verdict(lower: float | None, upper: float | None, bound: float | None, valid: bool | None) -> Verdict:
    """Compare the certified interval ``[lower, upper]`` of a regret with its bound.

    Parameters
    ----------
    lower, upper
        Bounds of the interval; None or NaN if nothing is known.
    bound
        The theorem's value; None or NaN if there is none.
    valid
        Whether the theorem's assumptions held.

    Examples
    --------
    >>> str(verdict(1.0, 2.0, 3.0, True)), str(verdict(1.0, 4.0, 3.0, True)), str(verdict(4.0, 5.0, 3.0, True))
    ('holds', 'undecided', 'broken')
    """
    if bound is None or math.isnan(bound):
        return Verdict.NO_BOUND
    if not valid:
        return Verdict.VIOLATED
    if lower is not None and lower > allowed(bound):
        return Verdict.BROKEN
    return Verdict.HOLDS if upper is not None and upper <= allowed(bound) else Verdict.UNDECIDED


def worst(verdicts: Iterable[Verdict | str]) -> Verdict:
    """The joint verdict on several runs: the worst of their verdicts, leaving out runs without a bound.

    Examples
    --------
    >>> str(worst(["holds", "broken", "no bound"])), str(worst([]))
    ('broken', 'no bound')
    """
    found = set(verdicts)
    return next((each for each in _WORST_FIRST if each in found), Verdict.NO_BOUND)
