"""The constructor keywords of an object: its plain values, its ``repr``, and suggestions for mistyped names."""

from __future__ import annotations

import difflib
import inspect
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from oco.errors import ConfigError

LARGEST_SHOWN = 1000
"""Most entries of an array that `represent` writes out; for a larger array it shows the shape only."""


def listed(known: Iterable[Any]) -> str:
    """Names in a sentence."""
    return ", ".join(str(name) for name in known)


def did_you_mean(given: Any, known: Iterable[Any], most: int = 1) -> str:
    """The nearest known names as the end of a sentence; empty if no name is near.

    Examples
    --------
    >>> did_you_mean("rnak", ["rank", "delta"])
    "; did you mean 'rank'?"
    """
    near = difflib.get_close_matches(str(given), [str(name) for name in known], n=most)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def check_names(what: str, given: Iterable[str], allowed: Iterable[str]) -> None:
    """Raise `ConfigError` for a keyword that ``what`` does not take."""
    allowed = list(allowed)
    for name in given:
        if name not in allowed:
            takes = listed(allowed) or "no keywords"
            raise ConfigError(f"{what} takes {takes}, got {name!r}{did_you_mean(name, allowed)}")


def registered_name(made: Any) -> str:
    """Name under which a class is registered: its own ``name``, or the class's in snake case."""
    own = str(made.__dict__.get("name") or "")
    return own or re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", made.__name__).lower()


def parameters(made: type) -> dict[str, inspect.Parameter]:
    """Keywords of a class's constructor, with those of its parents if it passes keywords on."""
    found: dict[str, inspect.Parameter] = {}
    for owner in made.__mro__:
        if "__init__" not in vars(owner) or owner is object:
            continue
        own = list(inspect.signature(owner.__init__).parameters.values())[1:]  # type: ignore[misc]
        named = [one for one in own if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
        found = {one.name: one for one in named} | found
        if all(one.kind is not one.VAR_KEYWORD for one in own):
            break
    return found


def keywords(made: Any, **known: Any) -> dict[str, Any]:
    """The constructor keywords of ``made`` with their values.

    A value is looked up in ``known``, then in the attribute of the same name (with an underscore if that name has
    another meaning). A keyword that was not kept is left out.
    """
    found: dict[str, Any] = {}
    own = getattr(made, "__dict__", {})
    for name in parameters(type(made)):
        if name in known or name in own:
            found[name] = known[name] if name in known else own[name]
        elif f"_{name}" in own:
            found[name] = own[f"_{name}"]
        elif hasattr(made, name):
            found[name] = getattr(made, name)
    return found


def spec(made: Any) -> dict[str, Any]:
    """``made`` as plain values: its ``kind`` and its constructor's keywords, as in a config.

    Parameters
    ----------
    made
        A learner, domain, loss or environment. A learner's state and an environment's current stream are not part of
        its spec.

    Examples
    --------
    >>> import oco
    >>> spec(oco.Ball(radius=2.0, dimension=3))
    {'kind': 'ball', 'radius': 2.0, 'center': None, 'dimension': 3}
    """
    return {"kind": registered_name(type(made))} | {name: plain(value) for name, value in _keywords_of(made).items()}


def plain(value: Any) -> Any:
    """``value`` in lists, mappings, strings and numbers; an object with a ``kind`` becomes its `spec`."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "toarray"):
        return value.toarray().tolist()
    return spec(value) if isinstance(getattr(type(value), "name", None), str) else value


def represent(made: Any) -> str:
    """The constructor call that makes ``made``, with the keywords that differ from the defaults.

    Examples
    --------
    >>> import oco
    >>> oco.FDAdaGrad(rank=2)
    FDAdaGrad(rank=2)
    """
    accepted = parameters(type(made))
    given = _keywords_of(made)
    shown = [
        f"{name}={_shown(value)}"
        for name, value in given.items()
        if name not in accepted or not _same(value, accepted[name].default)
    ]
    maker = type(made).__name__ + ("" if set(given) <= set(accepted) else ".load")
    return f"{maker}({', '.join(shown)})"


def _keywords_of(made: Any) -> dict[str, Any]:
    """The object's own ``keywords()``, or its keywords read from its attributes."""
    found: dict[str, Any] = made.keywords() if hasattr(made, "keywords") else keywords(made)
    return found


def _same(value: Any, default: Any) -> bool:
    if default is inspect.Parameter.empty or default is None or value is None:
        return value is default
    left, right = plain(value), plain(default)
    return isinstance(left, (str, bool, int, float, list, dict)) and type(left) is type(right) and left == right


def _shown(value: Any) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        if not value.shape:
            return _shown(value.item())
        if math.prod(value.shape) > LARGEST_SHOWN:
            return f"<{' x '.join(map(str, value.shape))} numbers>"
        return _shown(plain(value))
    if isinstance(value, (list, tuple)):
        inside = ", ".join(map(_shown, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
    if isinstance(value, float) and value - value != 0.0:
        return f"float({str(value)!r})"
    return repr(value)
