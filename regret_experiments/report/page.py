"""The page itself: markup, style, script and data in one file that needs no network."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regret_experiments.report.encoding import dumps
from regret_experiments.store.files import write_atomic

if TYPE_CHECKING:
    from regret_experiments.store.results import Results

SCRIPTS = ("data.js", "state.js", "spread.js", "draw.js", "words.js", "charts.js", "details.js", "table.js", "main.js")
"""In the order in which they are read."""
LIVE, NOWHERE = "'self'", "'none'"


def write_report(results: Results, target: Path) -> int:
    """Write the page of ``results`` to ``target`` whole; returns its size in bytes."""
    from regret_experiments.report.payload import build_payload

    data = render(build_payload(results)).encode()
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomic((target, data))
    return len(data)


def show_page(results: Results) -> str:
    """The page of ``results`` as text, which `oco.show` puts into a cell of a notebook.

    Examples
    --------
    >>> import inspect
    >>> list(inspect.signature(show_page).parameters)
    ['results']
    """
    from regret_experiments.report.payload import build_payload

    return render(build_payload(results))


def render(payload: dict[str, Any], *, live: bool = False) -> str:
    """The page for a payload.

    The only script that may run is the one written here, known by its hash, and nothing may be fetched but, on a
    ``live`` page, from the server that it came from. No name or message becomes markup: data is JSON without ``<``,
    and the script writes text only.
    """
    script = '(() => {\n"use strict";\n' + "\n".join(_asset(name) for name in SCRIPTS) + "})();\n"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        f"connect-src {LIVE if live else NOWHERE}; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "POLICY": policy,
        "STYLE": _asset("page.css"),
        "SCRIPT": script,
        "DATA": dumps(payload | {"live": live}),
    }
    page = _asset("page.html")
    # Each part is inserted once, the data last, so that placeholders inside the data are not replaced.
    for name, part in parts.items():
        before, place, after = page.partition(f"%{name}%")
        assert place, name
        page = before + part + after
    return page


def _asset(name: str) -> str:
    return resources.files("regret_experiments.report").joinpath("assets", name).read_text(encoding="utf-8")
