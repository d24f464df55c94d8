"""Numbers and columns of numbers as siunitx reads them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_DIGITS = 4
"""Significant digits of a number without an uncertainty."""
_MOST_DIGITS = 9
"""Of a number with an uncertainty: a smaller one is not shown."""


@dataclass(frozen=True)
class Number:
    """A number as siunitx reads it: digits, the uncertainty of the last ones, and a power of ten.

    Examples
    --------
    >>> str(Number.of(55.0312, 1.27)), str(Number.of(0.25)), str(Number.of(-1.5e9, 2e7)), str(Number.of(12345.6))
    ('55.0(13)', '0.25', '-1.500(20)e9', '12346')
    """

    digits: str
    uncertainty: str = ""
    exponent: str = ""

    @classmethod
    def of(cls, value: float, spread: float = math.nan) -> Number:
        """Four significant digits, or two of the spread; a power of ten for very large and very small numbers."""
        if float(value).is_integer() and math.isnan(spread) and abs(value) < 1e15:
            return cls(str(int(value)))
        power = 0 if value == 0.0 or 1e-4 <= abs(value) < 1e6 else math.floor(math.log10(abs(value)))
        value, spread = value / 10.0**power, spread / 10.0**power
        exponent = str(power) if power else ""
        size = math.floor(math.log10(abs(value))) if value else 0
        if not spread > 0.0 or _last_place(spread) > _MOST_DIGITS - size:
            short = f"{value:.{_DIGITS}g}"
            return cls(
                short
                if math.isclose(float(short), value, rel_tol=1e-12)
                else f"{value:.{max(0, _DIGITS - 1 - size)}f}",
                "",
                exponent,
            )
        place = _last_place(spread)
        decimals = max(0, place)
        uncertainty = str(round(round(spread, place) * 10**decimals))
        return cls(f"{round(value, place):.{decimals}f}", uncertainty, exponent)

    def __str__(self) -> str:
        """As it stands in a cell."""
        uncertainty = f"({self.uncertainty})" if self.uncertainty else ""
        return f"{self.digits}{uncertainty}{f'e{self.exponent}' if self.exponent else ''}"


def specification(numbers: Sequence[Number], bold: bool = False, mark: str = "") -> str:
    """A column type ``S`` with room for the longest of each part, for bold digits and for a mark behind them.

    Examples
    --------
    >>> specification([Number.of(55.0312, 1.27), Number.of(-118.1, 0.23)], bold=True)
    'S[table-format=-3.2(2), text-series-to-math]'
    """
    sign = "-" if any(number.digits.startswith("-") for number in numbers) else ""
    parts = [number.digits.lstrip("-").partition(".") for number in numbers]
    whole, decimals = (max(len(part[i]) for part in parts) for i in (0, 2))
    uncertainty = max(len(number.uncertainty) for number in numbers)
    exponents = [number.exponent for number in numbers if number.exponent]
    power = max((len(each.lstrip("-")) for each in exponents), default=0)
    below = "-" if any(each.startswith("-") for each in exponents) else ""
    form = f"{sign}{whole}.{decimals}"
    form += f"({uncertainty})" if uncertainty else ""
    form += f"e{below}{power}" if power else ""
    options = [f"table-format={form}"]
    options += ["text-series-to-math"] if bold else []
    options += [f"table-space-text-post={{{mark}}}"] if mark else []
    return f"S[{', '.join(options)}]"


def _last_place(spread: float) -> int:
    """The decimal place of the second significant digit, after rounding to two."""
    return 1 - int(f"{spread:.1e}".partition("e")[2])
