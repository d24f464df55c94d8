"""Shows what other packages know how to show: the report page of a sweep, inside a cell of a notebook."""

from __future__ import annotations

import importlib
from html import escape
from typing import Any

from oco.errors import ConfigError


class Embedded:
    """A whole page in a frame of a notebook.

    Parameters
    ----------
    page
        The page as HTML. Its scripts run in a frame of their own, which reaches nothing of the notebook.
    height
        Of the frame, in pixels.

    Examples
    --------
    >>> Embedded("<p>a page</p>", height=50)._repr_html_()[:32]
    '<iframe sandbox="allow-scripts" '
    """

    def __init__(self, page: str, height: int = 800) -> None:
        self._page = page
        self._height = height

    def _repr_html_(self) -> str:
        """The frame."""
        look = f"width:100%;height:{self._height}px;box-sizing:border-box;border:1px solid #8888"
        return f'<iframe sandbox="allow-scripts" style="{look}" srcdoc="{escape(self._page)}"></iframe>'


def show(results: Any, *, height: int = 800) -> Embedded:
    """Show the report page of a sweep in a cell of a notebook.

    Parameters
    ----------
    results
        What `regret_experiments.load` returned, or an object of another package that has a function ``show_page`` of
        such objects, which returns a page.
    height
        Of the frame, in pixels.

    Returns
    -------
    Embedded
        What a notebook shows as the page; let it be the last value of the cell.

    Raises
    ------
    ConfigError
        If there is no page of such an object, or ``height`` is not positive.

    Examples
    --------
    >>> import oco
    >>> oco.show("results")
    Traceback (most recent call last):
    ...
    oco.errors.ConfigError: show takes the results of a sweep, from regret_experiments.load(directory), got 'results'
    """
    if isinstance(height, bool) or not isinstance(height, int) or height < 1:
        raise ConfigError(f"height of a page must be a whole number of pixels, 1 or more, got {height!r}")
    package = type(results).__module__.partition(".")[0]
    make = None if package in ("builtins", "oco") else getattr(importlib.import_module(package), "show_page", None)
    if make is None:
        raise ConfigError(
            f"show takes the results of a sweep, from regret_experiments.load(directory), got {results!r:.200}"
        )
    return Embedded(make(results), height)
