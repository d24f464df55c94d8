"""Errors that a user can cause or must hear of, each with one sentence that says what, where and what is allowed.

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
    """Base of every error that this project raises on purpose."""


class ConfigError(OcoError, ValueError):
    """A config file, a command-line option or a constructor argument is wrong."""


class DataError(OcoError, ValueError):
    """A data file is missing, damaged or of the wrong kind."""


class ProtocolError(OcoError, RuntimeError):
    """The game's order or the shapes that it passes around were broken."""


class DomainError(OcoError, ValueError):
    """A point, a projection or a domain breaks its contract; ``residual`` is what a projection reached, if any."""

    def __init__(self, message: str, residual: float = float("nan")) -> None:
        super().__init__(message)
        self.residual = residual


class NumericsError(OcoError, ArithmeticError):
    """A loss, a gradient or a state stopped being finite; the message names the round and the cause."""


class ComparatorError(OcoError, ArithmeticError):
    """A comparator could not be certified to the asked tolerance; ``gap`` carries the gap that was reached."""

    def __init__(self, message: str, gap: float = float("nan")) -> None:
        super().__init__(message)
        self.gap = gap


class StoreError(OcoError, OSError):
    """Results could not be written, or what is stored cannot be read."""
