"""Errors reported to users; each message is one sentence that says what was given, where, and what is allowed.

::

    OcoError
    ├── ConfigError        a config, a command line or a constructor argument is wrong
    ├── DataError          a data file is missing, damaged or of the wrong kind
    ├── ProtocolError      predict / reveal / update were called out of order, or with the wrong shape
    ├── DomainError        a point, a projection or a domain breaks its contract
    ├── NumericsError      a loss or a gradient stopped being a finite number
    ├── ComparatorError    no comparator with a certificate could be found
    └── StoreError         results could not be written or read
"""

from __future__ import annotations


class OcoError(Exception):
    """Base class of all errors that this project raises deliberately."""


class ConfigError(OcoError, ValueError):
    """A config file, a command-line option or a constructor argument is wrong."""


class DataError(OcoError, ValueError):
    """A data file is missing, damaged or of the wrong kind."""


class ProtocolError(OcoError, RuntimeError):
    """The order of the game's calls, or the shape of an array in it, is wrong."""


class DomainError(OcoError, ValueError):
    """A point, a projection or a domain breaks its contract; ``residual`` is a projection's residual, if any."""

    def __init__(self, message: str, residual: float = float("nan")) -> None:
        super().__init__(message)
        self.residual = residual


class NumericsError(OcoError, ArithmeticError):
    """A loss, a gradient or a state stopped being finite; the message names the round and the cause."""


class ComparatorError(OcoError, ArithmeticError):
    """A comparator could not be certified to the requested tolerance; ``gap`` is the gap reached."""

    def __init__(self, message: str, gap: float = float("nan")) -> None:
        super().__init__(message)
        self.gap = gap


class StoreError(OcoError, OSError):
    """Results could not be written, or stored results cannot be read."""
