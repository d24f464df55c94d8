"""Packages that only some data needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from oco.errors import DataError


@contextmanager
def needs_package(package: str) -> Iterator[None]:
    """Import ``package`` in the ``with`` block; `DataError` with how to install it if it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise DataError(f"this data is read with {package}, which is not installed: pip install {package}") from error
