"""JSON files that hold their schema and a checksum of their own bytes, and how older ones are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, NoReturn

from pydantic_core import from_json

from regret_experiments.plan.content import plain

SCHEMA = 2
"""Version of the layout of stored files. What a run *means* has its own: `regret_experiments.plan.RESULT_SCHEMA`."""

Document = dict[str, Any]


class Damaged(Exception):
    """A stored file differs from what was written, or is not of this program; the text says why."""


class UnknownSchema(Damaged):
    """A stored file is of a newer version of this program, or of another program."""


def _without_seal(document: Document) -> Document:
    if "sha256" in document:
        raise Damaged("its schema is missing")
    return document


MIGRATIONS: dict[int, Callable[[Document], Document]] = {1: _without_seal}
"""Functions that turn a document of each older schema into one of the next. Schema 1 lacked only the checksum."""


def seal(document: Document) -> bytes:
    """The bytes of a file that holds ``document``: the schema first, the checksum of all earlier bytes last."""
    # A line for every entry: indenting inside them as well would take the encoder that is written in Python.
    entries = [
        f" {_ENCODER.encode(name)}: {_ENCODER.encode(value)}"
        for name, value in plain({"schema": SCHEMA} | document).items()
    ]
    body = ("{\n" + ",\n".join(entries)).encode()
    return body + _seal_of(body)


def unseal(data: bytes) -> Document:
    """Return the document from which `seal` made ``data``, converted to the newest schema.

    Raises
    ------
    Damaged
        If a byte was changed, or the schema is not known.
    """
    document = parse(data)
    version = document.pop("schema", 1)
    if type(version) is not int or version not in (*MIGRATIONS, SCHEMA):
        raise UnknownSchema(f"its schema is {version!r:.40}; this version of oco reads {min(MIGRATIONS)} to {SCHEMA}")
    if version > 1:
        body = data[: -len(_seal_of(b""))]
        if data != body + _seal_of(body):
            raise Damaged("its bytes do not have the checksum that it states")
        del document["sha256"]
    for older in range(version, SCHEMA):
        document = MIGRATIONS[older](document)
    return document


def parse(data: bytes) -> Document:
    """Return the JSON object in ``data``.

    Raises
    ------
    Damaged
        If it is not JSON, not an object, nested too deeply, or holds text that is not Unicode.
    """
    try:
        # The same values as those of `json`, in half the time; words that were read before are not held twice.
        document = from_json(data, allow_inf_nan=False, cache_strings="all")
    except ValueError:
        document = _parsed_slowly(data)
    if not isinstance(document, dict):
        raise Damaged("it is not a JSON object")
    return document


def _parsed_slowly(data: bytes) -> Any:
    """What `json` reads, or why it cannot."""
    try:
        document = _DECODER.decode(data.decode())
        if b"\\u" in data:
            json.dumps(document, ensure_ascii=False).encode()  # half of a surrogate pair cannot be printed
    except UnicodeError:
        raise Damaged("it is not UTF-8 text") from None
    except ValueError as error:
        raise Damaged(f"it is not JSON: {str(error):.80}") from None
    except RecursionError:
        raise Damaged("it is nested too deeply") from None
    return document


def _seal_of(body: bytes) -> bytes:
    return b',\n "sha256": "%s"\n}' % hashlib.sha256(body).hexdigest().encode()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
_ENCODER = json.JSONEncoder(ensure_ascii=False)
