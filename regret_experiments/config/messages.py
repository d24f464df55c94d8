"""Turn pydantic's errors into one sentence."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from oco.errors import ConfigError
from oco.keywords import did_you_mean, listed
from regret_experiments.config.document import Document, Location

_KINDS = {
    "string_type": "a string",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def first_error(document: Document, model: type[BaseModel], invalid: ValidationError) -> ConfigError:
    """Return the error that stands first in the file, as one sentence with file, line and path."""
    errors = [_sentence(error, model) for error in invalid.errors(include_url=False)]

    def place(error: tuple[Location, str]) -> tuple[int, int]:
        line = document.line(error[0])
        return (line if isinstance(line, int) else 0), -len(error[0])

    location, message = min(errors, key=place)
    return document.error(location, message)


def _sentence(error: Any, model: type[BaseModel]) -> tuple[Location, str]:
    # pydantic adds "[key]" to the location of a key that is wrong and the branch's name to that of a union.
    location = tuple(part for part in error["loc"] if part not in _MARKS)
    kind, given, context = error["type"], error.get("input"), error.get("ctx", {})
    if kind == "missing":
        return location, "is missing"
    if kind == "extra_forbidden":
        known = _fields(model, location[:-1])
        return location, f"unknown key, allowed are {listed(known)}{did_you_mean(location[-1], known)}"
    if kind == "value_error":
        return location, str(context["error"])
    if kind == "string_pattern_mismatch":
        return (
            location,
            f"must begin with a letter or digit and hold letters, digits and ' ._+@-' only, got {shortened(given)}",
        )
    if kind == "string_too_long":
        return location, f"must have at most {context['max_length']} characters, got {len(given)}"
    if kind == "too_short":
        return location, f"must have at least {context['min_length']} entry"
    if kind == "greater_than_equal":
        return location, f"must be {context['ge']} or more, got {given}"
    if kind == "greater_than":
        return location, f"must be above {context['gt']:g}, got {given}"
    if kind == "less_than":
        return location, f"must be below {context['lt']:g}, got {given}"
    if kind == "less_than_equal":
        return location, f"must be {context['le']} or less, got {given}"
    if kind == "literal_error":
        return location, f"must be {context['expected'].replace(' or ', ', ')}, got {shortened(given)}"
    if kind in _KINDS:
        return location, f"must be {_KINDS[kind]}, got {shortened(given)}"
    message = str(error["msg"])
    return location, message[:1].lower() + message[1:]


_MARKS = ("[key]", "list[str]", "dict[str,str]", "dict[str,list[any]]")


def _fields(model: Any, location: Location) -> list[str]:
    """Keys that the model at ``location`` knows."""
    for part in location:
        if isinstance(part, str):
            annotation = model.model_fields[part].annotation
            model = next((m for m in _models(annotation)), model)
    return list(model.model_fields)


def _models(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models(argument)


def shortened(given: Any) -> str:
    """``given`` as it is written, cut after 60 characters."""
    text = repr(given)
    return text if len(text) <= 60 else text[:57] + "..."
