"""Make text from somebody else's results safe to print: it must not control a terminal or end a line."""

from __future__ import annotations


def printable(text: object) -> str:
    r"""``text`` with control characters, and what no terminal can show, written as escapes.

    Examples
    --------
    >>> printable("d² \x1b[2J")
    'd² \\x1b[2J'
    """
    return "".join(letter if letter in "\n\t" else _shown(letter) for letter in str(text))


def one_line(text: object) -> str:
    r"""As `printable`, with line ends and tabs as escapes too.

    Examples
    --------
    >>> one_line("a\nb")
    'a\\nb'
    """
    return "".join(map(_shown, str(text)))


def _shown(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode()
