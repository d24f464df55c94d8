"""Printing: text from somebody else's results directory must not control the terminal."""

from __future__ import annotations

import os
import sys

import click

from regret_experiments.printable import printable


def echo(text: object, *, err: bool = False, nl: bool = True) -> None:
    """Print ``text``, `printable`."""
    click.echo(printable(text), err=err, nl=nl)


def prepare() -> None:
    """Print letters that the locale's encoding lacks as escapes, and ignore an invalid MPLBACKEND.

    Matplotlib cannot be imported if MPLBACKEND names no backend; drawing to files needs none.
    """
    os.environ.pop("MPLBACKEND", None)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def system_error(error: OSError) -> str:
    """The sentence for an error of the operating system: a full disk, a directory that cannot be written."""
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, (str, bytes)) else ""
    return f"{where}{error.strerror or error}"
