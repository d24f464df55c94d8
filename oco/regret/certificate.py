"""How the best fixed point in hindsight was certified, and what to do where the certificate is weak."""

from __future__ import annotations

from enum import StrEnum


class Certificate(StrEnum):
    """Where the lower bound on ``min_x sum_t f_t(x)`` comes from. The values are the strings stored in records.

    Examples
    --------
    >>> Certificate("Fenchel dual") is Certificate.FENCHEL_DUAL
    True
    >>> Certificate.NONE.remedy
    'No lower bound is known: bound the domain, or use losses that are non-negative or have a conjugate.'
    """

    SUPPORT_FUNCTION = "support function"
    """The losses are linear, so the minimum is minus the domain's support function, exact up to rounding."""
    FENCHEL_DUAL = "Fenchel dual"
    """A dual point of the sum of the losses."""
    FRANK_WOLFE_GAP = "Frank-Wolfe gap"
    """Tangents of losses of which only values and gradients are known."""
    NON_NEGATIVE = "losses are non-negative"
    """No dual was found; the sum of losses that are not negative is at least zero."""
    NONE = "none"
    """No lower bound is known."""

    @property
    def remedy(self) -> str:
        """One sentence on what to do if the interval of this certificate is too wide."""
        return _REMEDIES[self]

    @classmethod
    def listed_in(cls, text: str) -> tuple[Certificate, ...]:
        """The certificates of a whole curve, which its ``certificate`` names once each.

        Examples
        --------
        >>> [str(each) for each in Certificate.listed_in("Fenchel dual, none")]
        ['Fenchel dual', 'none']
        """
        return tuple(cls(name) for name in text.split(", "))


_REMEDIES = {
    Certificate.SUPPORT_FUNCTION: "The width is rounding alone: put the rows on a smaller scale.",
    Certificate.FENCHEL_DUAL: "The solver stopped early: scale the features alike, or bound the domain.",
    Certificate.FRANK_WOLFE_GAP: (
        "The losses are known by value and gradient only: state them as losses of a margin if they are, or play fewer "
        "rounds."
    ),
    Certificate.NON_NEGATIVE: "No dual holds everywhere: bound the domain.",
    Certificate.NONE: (
        "No lower bound is known: bound the domain, or use losses that are non-negative or have a conjugate."
    ),
}
