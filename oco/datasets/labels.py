"""Map raw labels to the targets of a game: two classes to -1 and 1, one class against the rest, or any map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np

from oco.errors import DataError
from oco.types import Array

Labels: TypeAlias = Literal["binary"] | Mapping[float, float] | Mapping[str, float] | tuple[str, float] | None
"""None (as in the source), "binary", ``("one-vs-rest", c)``, or a map from raw labels to numbers."""


def map_labels(targets: Array, labels: Labels, name: str, classes: Array | None = None) -> Array:
    """Return the targets specified by ``labels``.

    Parameters
    ----------
    targets : ndarray, shape (n,)
        Raw labels.
    labels : Labels
        "binary" maps the larger of two raw labels to 1.0 and the other to -1.0; ``("one-vs-rest", c)`` maps class c to
        1.0 and the rest to -1.0; a map must cover every raw label.
    name : str
        Name of the data, for messages.
    classes : ndarray, optional
        The raw labels of the whole set, ascending, if ``targets`` are only a part of it.

    Raises
    ------
    DataError
        If the raw labels do not allow the mapping.

    Examples
    --------
    >>> map_labels(np.array([1.0, 2.0, 2.0]), "binary", "mushrooms")
    array([-1.,  1.,  1.])
    """
    if labels is None:
        return targets
    found = np.unique(targets) if classes is None else classes
    if isinstance(labels, Mapping):
        check_labels(labels)
        numbers = {numeric_label(key, name): value for key, value in labels.items()}
        if len(numbers) < len(labels):
            raise DataError(f"labels must map every number once, got {', '.join(map(repr, labels))}")
        return _by_map(targets, numbers, found, name)
    if isinstance(labels, str) and labels == "binary":
        if len(found) != 2:
            hint = "; use labels=('one-vs-rest', c) for one class c against the rest" if len(found) > 2 else ""
            raise DataError(f"labels='binary' needs two classes, {name} has {_list(found)}{hint}")
        return np.where(targets == found[1], 1.0, -1.0)
    if isinstance(labels, tuple) and len(labels) == 2 and labels[0] == "one-vs-rest":
        chosen = labels[1]
        if isinstance(chosen, str) or chosen not in found:
            raise DataError(f"labels=('one-vs-rest', {chosen!r}) needs a class of {name}, which has {_list(found)}")
        if len(found) < 2:
            raise DataError(f"labels=('one-vs-rest', {chosen!r}) needs two classes or more, {name} has {_list(found)}")
        return np.where(targets == chosen, 1.0, -1.0)
    raise DataError(f"labels must be None, 'binary', ('one-vs-rest', class) or a map, got {labels!r}")


def split_text_labels(labels: Labels, *, digits_are_words: bool) -> tuple[Mapping[str, float] | None, Labels]:
    """Separate a map from words, which is applied by the file's reader, from labels that apply to numbers.

    Keys such as "0" are words if a column may hold them as words (``digits_are_words``), else numbers.
    """
    if isinstance(labels, Mapping) and any(
        isinstance(key, str) and (digits_are_words or not _is_number(key)) for key in labels
    ):
        return {str(key): _value(key, value) for key, value in labels.items()}, None
    return None, labels


def check_labels(labels: Labels) -> None:
    """Raise `DataError` for a map to anything but finite numbers."""
    if isinstance(labels, Mapping):
        for key, value in labels.items():
            _value(key, value)


def _by_map(targets: Array, labels: dict[float, float], found: Array, name: str) -> Array:
    missing = [value for value in found if value not in labels]
    if missing:
        raise DataError(f"labels must map every class of {name}, which has {_list(found)}; {missing[0]:g} is missing")
    places = np.searchsorted(found, targets)
    return np.array([labels[value] for value in found], dtype=np.float64)[places]


def _value(key: object, value: object) -> float:
    if isinstance(value, (int, float, np.integer, np.floating)) and np.isfinite(value):
        return float(value)
    raise DataError(f"labels must map to finite numbers, got {value!r} for {key!r}")


def numeric_label(key: object, name: str) -> float:
    """Return the raw label of a key in a label map."""
    try:
        return float(key)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise DataError(f"labels must map numbers, as the targets of {name} are numbers, got {key!r}") from error


def _is_number(key: str) -> bool:
    try:
        float(key)
    except ValueError:
        return False
    return True


def _list(found: Array) -> str:
    shown = ", ".join(f"{value:g}" for value in found[:10])
    kind = "class" if len(found) == 1 else "classes"
    return f"{len(found):,} {kind} ({shown}{', ...' if len(found) > 10 else ''})"
