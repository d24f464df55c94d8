"""The figures that a sweep draws at its end, again only where what they show has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regret_experiments.store.files import write_atomic

if TYPE_CHECKING:
    from regret_experiments.store.results import Results

STAMPS = "drawn.json"
"""In the directory of figures: what each figure was drawn from."""
FORMATS = ("pdf", "png")


def draw_all(path: str | Path, results: Results | None = None) -> Iterator[Path]:
    """Draw the figures that every sweep has into ``path/figures``, as PDF and PNG, and yield each file.

    ``regret_vs_memory``: what memory buys, and why (kind ``signature``); ``regret_curves``: a panel for every
    environment. Where no regret is known, ``memory`` and ``curves`` draw the loss. A figure whose files are there,
    drawn from the same runs by the same code, is left alone. ``results`` are those of ``path``, if loaded already.
    """
    from regret_experiments.store.results import load

    results = load(path) if results is None else results
    directory = Path(path) / "figures"
    stamp, drawn = _stamp(results), _read(directory)
    wanted = _wanted(results)
    stale = {name: kind for name, kind in wanted.items() if drawn.get(name) != stamp or not _is_there(directory, name)}
    if not stale:
        return
    from regret_experiments.figures.drawing import drawn as draw
    from regret_experiments.figures.drawing import save_all

    for name, (kind, look) in stale.items():
        figure, caption = draw(results, kind, **look)
        yield from save_all(figure, [directory / f"{name}.{ending}" for ending in FORMATS], caption=caption)
    write_atomic((directory / STAMPS, json.dumps(dict.fromkeys(wanted, stamp), indent=1).encode()))


def _wanted(results: Results) -> dict[str, tuple[str, dict[str, Any]]]:
    """Kinds of figures and how they are drawn, by the names of their files."""
    from regret_experiments.tables.run_columns import floats

    runs = results.runs
    finished = runs[runs["status"] == "finished"] if len(runs) else runs
    if finished.empty:
        return {}
    if floats(finished, "regret_upper").isna().all():
        return {"memory": ("memory", {}), "curves": ("curves", {})}
    known = finished[(finished["stage"] == runs["stage"].iloc[-1]) & floats(finished, "regret_upper").notna()]
    stage = {"stage": str(runs["stage"].iloc[-1])}
    curves: dict[str, tuple[str, dict[str, Any]]] = {"regret_curves": ("curves", {})}
    return {"regret_vs_memory": ("signature", stage), **curves} if len(known) else {}


def _stamp(results: Results) -> str:
    """A hash of what the figures show: every run with when it ended, and the code that draws."""
    from importlib.metadata import version

    from oco import __version__

    runs = results.runs
    columns = [name for name in ("id", "learner", "environment", "status", "seconds", "regret_upper") if name in runs]
    facts = hashlib.sha256(f"{__version__} {version('matplotlib')} {results.shortfalls}".encode())
    facts.update(runs[columns].to_csv(index=False).encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        facts.update(source.read_bytes())
    return facts.hexdigest()


def _is_there(directory: Path, name: str) -> bool:
    return all((directory / f"{name}.{ending}").is_file() for ending in (*FORMATS, "caption.txt"))


def _read(directory: Path) -> dict[str, str]:
    """The stamps of the figures that are there; none where they cannot be read."""
    try:
        found = json.loads((directory / STAMPS).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
