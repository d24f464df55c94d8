"""Self-checking exercises: answers are compared through a salted hash, and a failure is explained in a sentence.

A hash hides an answer only if there are too many possible answers to try. A number compared in 13 digits has more than
2^40 of them, and so has an array; a word or a small integer has few, and needs a check that plays a game instead.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import resources
from numbers import Real
from typing import Any

import numpy as np

from oco.checks.failure import CheckFailed, require

_STRETCHES = 20_000
"""Rounds of the hash, enough to make a table of all answers expensive, while one check takes milliseconds."""

_MIDDLE = 0.45
"""Largest distance from its rounded value, in units of the last digit, that an entry of an array of answers may have.

Rounding errors of a right solution then never change the rounded value, so one hash is enough for an array."""

_FEW_DIGITS, _MANY_DIGITS = 6, 10
"""An answer with so few significant digits was rounded by hand, where so many are compared."""

_GRADER = "NBGRADER_EXECUTION"
"""Set by nbgrader while it runs a notebook: there a cell fails only if it raises an error."""


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

    Raises
    ------
    CheckFailed
        If the exercise is not solved and nbgrader runs the notebook, which counts a cell without an error as solved.

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
        said = str(failure).rstrip(".") or "there is still code to write"
        outcome = Outcome(name, False, f"Exercise {name}, not yet: {said}" + ("" if said[-1] in "?!" else "."))
    else:
        outcome = Outcome(name, True, f"Exercise {name}: correct.")
    print(outcome.message)
    outcomes = _outcomes.get()
    if outcomes is not None:
        outcomes.append(outcome)
    if not outcome.solved and os.environ.get(_GRADER):
        raise CheckFailed(outcome.message)


def check_answer(name: str, answer: Any, digest: str, digits: int = 3) -> None:
    """Raise `CheckFailed` unless ``answer`` is the one whose salted hash is ``digest``.

    Parameters
    ----------
    name
        The exercise; answers to two exercises have different hashes.
    answer
        A number, compared in ``digits`` significant digits (with a tolerance of one unit of the last), True or False,
        a word, compared without case, or an array or list of numbers, each rounded to ``digits`` digits.
    digest
        Digest of the right answer, from `answer_digest`.
    digits
        The number of digits that the digest was made with.

    Raises
    ------
    CheckFailed
        If the answer is wrong. Common wrong answers to exercises of the course get a hint.

    Examples
    --------
    >>> check_answer("0.2", 3.1416, answer_digest("0.2", 3.14159265))
    >>> check_answer("0.2", 3.2, answer_digest("0.2", 3.14159265))
    Traceback (most recent call last):
    oco.checks.failure.CheckFailed: 3.2 is not the answer (3 significant digits are compared)
    """
    require(answer is not None and answer is not ..., "there is no answer yet: return a number or a word")
    size, times, _ = digest.rpartition("x")
    if times:
        tried = {_array_digest(name, answer, int(size), digits)}
    else:
        tried = {_hashed(name, form) for form in _forms(answer, digits)}
    if digest in tried:
        return
    for one in sorted(tried & _hints().keys()):
        raise CheckFailed(f"{_shown(answer)} is not the answer: {_hints()[one]}")
    raise CheckFailed(f"{_shown(answer)} is not the answer{_advice(answer, digits)}")


def answer_digest(name: str, answer: Any, digits: int = 3) -> str:
    """The salted hash of an answer, for authors of exercises.

    Raises
    ------
    ValueError
        If an entry of an array lies so close between two rounded values that a right solution could get either.

    Examples
    --------
    >>> answer_digest("0.3", 0.5) == answer_digest("0.3", 0.50001) != answer_digest("0.4", 0.5)
    True
    >>> check_answer("0.4", [0.25, 12.0], answer_digest("0.4", [0.25, 12.0]))
    """
    if isinstance(answer, (str, bool)) or np.size(answer) == 1:
        return _hashed(name, _forms(answer, digits)[0])
    entries = np.asarray(answer, dtype=float).ravel()
    for entry in entries[entries != 0.0]:
        scaled = abs(entry) / 10.0 ** (math.floor(math.log10(abs(entry))) - digits + 1)
        if abs(scaled - round(scaled)) > _MIDDLE:
            raise ValueError(f"{entry} lies between two numbers of {digits} digits; change the exercise a little")
    return _array_digest(name, entries, entries.size, digits)


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


def _array_digest(name: str, answer: Any, size: int, digits: int) -> str:
    """The digest of an array of ``size`` numbers: its size, and the hash of its rounded entries."""
    try:
        entries = np.asarray(answer, dtype=float).ravel()
    except (TypeError, ValueError):
        raise CheckFailed(f"the answer is an array of {size} numbers, got {type(answer).__name__}") from None
    require(entries.size == size, f"the answer is an array of {size} numbers, got {entries.size}")
    form = ",".join(_forms(float(entry), digits)[0] for entry in entries)
    return f"{size}x{_hashed(name, form)}"


@functools.cache
def _hints() -> dict[str, str]:
    """Sentences for common wrong answers to the course's exercises, under the digests of these answers."""
    text = resources.files("oco.checks").joinpath("hints.json").read_text(encoding="utf-8")
    hints: dict[str, str] = json.loads(text)
    return hints


def _shown(answer: Any) -> str:
    if isinstance(answer, (str, bool)):
        return repr(answer)
    if np.size(answer) == 1:
        return f"{float(np.asarray(answer, dtype=float).item()):.6g}"
    shown = " ".join(np.array2string(np.asarray(answer), precision=4, threshold=8).split())
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _advice(answer: Any, digits: int) -> str:
    """What to say after "... is not the answer"."""
    if isinstance(answer, bool):
        return ""
    if isinstance(answer, str):
        calculated = re.fullmatch(r"[\d\s.,+*/()^e-]*\d[\d\s.,+*/()^e-]*", answer)
        return ": give a number, not text" if calculated or digits >= _MANY_DIGITS else ""
    if np.size(answer) > 1:
        return f" ({digits} significant digits of each number are compared)"
    number = float(np.asarray(answer, dtype=float).item())
    if digits >= _MANY_DIGITS and float(f"{number:.{_FEW_DIGITS}g}") == number:
        return f" ({digits} significant digits are compared: return the value of the formula, without rounding)"
    return f" ({digits} significant digits are compared)"


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
