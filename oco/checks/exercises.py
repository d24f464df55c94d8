"""Self-checking exercises: answers are compared through a salted hash, and a failure is explained in a sentence."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from numbers import Real
from typing import Any

from oco.checks.failure import CheckFailed, require

_STRETCHES = 20_000
"""Rounds of the hash, enough to make a table of all answers expensive, while one check takes milliseconds."""


@dataclass(frozen=True)
class Outcome:
    """Outcome of one exercise: its name, whether it is solved, and the printed message."""

    name: str
    solved: bool
    message: str


_outcomes: ContextVar[list[Outcome] | None] = ContextVar("outcomes", default=None)


def exercise(name: str, attempt: Callable[[], Any], digest: str | None = None, digits: int = 3) -> None:
    """Run ``attempt`` and print in one line whether the exercise is solved; a wrong solution raises no error.

    Parameters
    ----------
    name
        Name of the exercise, which salts the hash.
    attempt
        Called without arguments. Without a ``digest`` it is the check, and raises `CheckFailed` (or fails an
        ``assert`` with a message) if the solution is wrong. With a ``digest``, its return value is the answer. Code
        still to be written raises `NotImplementedError` with a sentence.
    digest
        Digest of the right answer, from `answer_digest`.
    digits
        Number of significant digits compared.

    Notes
    -----
    Any other exception of the solution is passed on to its author.

    Examples
    --------
    >>> exercise("0.1", lambda: 6 * 7, digest=answer_digest("0.1", 42))
    Exercise 0.1: correct.
    >>> exercise("0.1", lambda: 41, digest=answer_digest("0.1", 42))
    Exercise 0.1, not yet: 41 is not the answer (3 significant digits are compared).
    """
    try:
        answer = attempt()
        if digest is not None:
            check_answer(name, answer, digest, digits)
    except (AssertionError, NotImplementedError) as failure:
        said = str(failure) or "there is still code to write"
        outcome = Outcome(name, False, f"Exercise {name}, not yet: {said.rstrip('.')}.")
    else:
        outcome = Outcome(name, True, f"Exercise {name}: correct.")
    print(outcome.message)
    outcomes = _outcomes.get()
    if outcomes is not None:
        outcomes.append(outcome)


def check_answer(name: str, answer: Any, digest: str, digits: int = 3) -> None:
    """Raise `CheckFailed` unless ``answer`` is the one whose salted hash is ``digest``.

    Parameters
    ----------
    name
        The exercise; answers to two exercises have different hashes.
    answer
        A number, compared in ``digits`` significant digits (with a tolerance of one unit of the last), True or False,
        or a word, compared without case.
    digest
        Digest of the right answer, from `answer_digest`.
    digits
        The number of digits that the digest was made with.

    Examples
    --------
    >>> check_answer("0.2", 3.1416, answer_digest("0.2", 3.14159265))
    >>> check_answer("0.2", 3.2, answer_digest("0.2", 3.14159265))
    Traceback (most recent call last):
    oco.checks.failure.CheckFailed: 3.2 is not the answer (3 significant digits are compared)
    """
    require(answer is not None and answer is not ..., "there is no answer yet: return a number or a word")
    if digest not in {_hashed(name, form) for form in _forms(answer, digits)}:
        exact = isinstance(answer, (str, bool))
        said = f"{answer!r} is not the answer" if exact else f"{float(answer):.6g} is not the answer"
        raise CheckFailed(said + ("" if exact else f" ({digits} significant digits are compared)"))


def answer_digest(name: str, answer: Any, digits: int = 3) -> str:
    """The salted hash of an answer, for authors of exercises.

    Examples
    --------
    >>> answer_digest("0.3", 0.5) == answer_digest("0.3", 0.50001) != answer_digest("0.4", 0.5)
    True
    """
    return _hashed(name, _forms(answer, digits)[0])


@contextmanager
def recorded_exercises() -> Iterator[list[Outcome]]:
    """Collect the outcomes of the exercises that run inside the ``with`` block.

    Examples
    --------
    >>> with recorded_exercises() as outcomes:
    ...     exercise("0.5", lambda: None)
    Exercise 0.5: correct.
    >>> outcomes[0].solved
    True
    """
    outcomes: list[Outcome] = []
    token = _outcomes.set(outcomes)
    try:
        yield outcomes
    finally:
        _outcomes.reset(token)


def _forms(answer: Any, digits: int) -> list[str]:
    """Accepted spellings of an answer: the rounded number, then its neighbors one unit of the last digit away."""
    if isinstance(answer, str):
        return [answer.strip().lower()]
    if isinstance(answer, bool):
        return [str(answer).lower()]
    if not isinstance(answer, Real):  # a NumPy array of one number has item()
        require(getattr(answer, "size", 0) == 1, f"an answer is one number or one word, got {type(answer).__name__}")
        answer = answer.item()
        if isinstance(answer, bool):
            return [str(answer).lower()]
    number = float(answer)
    require(math.isfinite(number), f"the answer {number} is not a finite number")
    if number == 0.0:
        return ["0"]
    power = math.floor(math.log10(abs(number))) - digits + 1
    count = round(number / 10.0**power)
    forms = [_written(count + step, power, digits) for step in (0, -1, 1)]
    above = round(number / 10.0 ** (power + 1))
    if abs(above) == 10 ** (digits - 1):  # just below a power of ten, whose own unit is ten times as large
        forms.append(_written(above, power + 1, digits))
    return forms


def _written(count: int, power: int, digits: int) -> str:
    """``count 10^power``, in the unique spelling with ``digits`` digits: 999.6 rounds to 100e1."""
    if abs(count) >= 10**digits:
        count, power = round(count / 10), power + 1
    return f"{count}e{power}" if count else "0"


def _hashed(name: str, form: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", form.encode(), f"oco exercise {name}".encode(), _STRETCHES).hex()[:16]
