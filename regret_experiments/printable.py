"""Make text from somebody else's results safe to print: it must not control a terminal or end a line."""

from __future__ import annotations

import re


def printable(text: object) -> str:
    r"""``text`` with control characters, and what no terminal can show, written as escapes.

    Examples
    --------
    >>> printable("d² \x1b[2J")
    'd² \\x1b[2J'
    """
    return re.sub(r"[^\n\t]+", lambda part: one_line(part[0]), str(text))


def one_line(text: object) -> str:
    r"""As `printable`, with line ends and tabs as escapes too.

    Examples
    --------
    >>> one_line("a\nb")
    'a\\nb'
    """
    shown = str(text)
    return shown if shown.isprintable() else "".join(map(_shown, shown))


def _shown(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode()
