"""What commands print: text of a foreign results directory must not steer the terminal."""

from __future__ import annotations

import os
import sys

import click

from regret_experiments.printable import printable


def echo(text: object, *, err: bool = False, nl: bool = True) -> None:
    """Print ``text``, `printable`."""
    click.echo(printable(text), err=err, nl=nl)


def prepare() -> None:
    """Let a letter that the locale's encoding does not have be printed as an escape, and no MPLBACKEND do harm.

    Matplotlib does not start where it names no backend; figures are drawn into files without one.
    """
    os.environ.pop("MPLBACKEND", None)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def system_error(error: OSError) -> str:
    """The sentence for an operating system's refusal: a full disk, a directory that cannot be written."""
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, (str, bytes)) else ""
    return f"{where}{error.strerror or error}"
