"""What became of a theorem's promise: the one place that holds a certified regret against its bound."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum

ROUNDING = 1e-9
"""Relative slack of a bound: it is itself computed in floating point."""


class Verdict(StrEnum):
    """What a certified interval of regret says about a bound on it.

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
    """The theorem promised nothing here."""
    NO_BOUND = "no bound"
    """No theorem is known for this learner and game."""


_WORST_FIRST = (Verdict.BROKEN, Verdict.VIOLATED, Verdict.UNDECIDED, Verdict.HOLDS)


def allowed(bound: float) -> float:
    """The most that a regret under ``bound`` may come out as, with the rounding of the bound itself.

    Works on arrays too.

    Examples
    --------
    >>> allowed(2.0) - 2.0 <= 2.1e-9
    True
    """
    return bound + ROUNDING * abs(bound)


def verdict(lower: float | None, upper: float | None, bound: float | None, valid: bool | None) -> Verdict:
    """Hold the certified interval ``[lower, upper]`` of a regret against its bound.

    Parameters
    ----------
    lower, upper
        Ends of the interval; None or NaN where nothing is known.
    bound
        The theorem's number; None or NaN where there is none.
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
    """The verdict on several runs together: as good as the worst of them, runs without a bound left out.

    Examples
    --------
    >>> str(worst(["holds", "broken", "no bound"])), str(worst([]))
    ('broken', 'no bound')
    """
    found = set(verdicts)
    return next((each for each in _WORST_FIRST if each in found), Verdict.NO_BOUND)
