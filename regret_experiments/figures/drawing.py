"""Figures of stored results as files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oco.errors import ConfigError, StoreError
from regret_experiments.figures.style import base_style, panel_grid

if TYPE_CHECKING:
    from regret_experiments.store.results import Results

FORMATS = ("pdf", "svg", "png", "pgf")


def draw(results: Results, kind: str, *, size: str = "two-column", environment: str | None = None, **look: Any) -> Any:
    """Draw one kind of figure, a panel for every environment; returns the Matplotlib figure.

    Parameters
    ----------
    results
        What `regret_experiments.load` returned.
    kind
        A name of `regret_experiments.figures.KINDS`.
    size
        ``"one-column"``, ``"two-column"`` or ``"slide"``.
    environment
        Draw this one only.
    **look
        ``rate``, ``against``, ``scale`` and ``rank`` of `Panel`.
    """
    import matplotlib
    from matplotlib.figure import Figure

    from regret_experiments.figures.common import note_shortfalls
    from regret_experiments.figures.kinds import KINDS, panels, together

    if kind not in KINDS:
        raise ConfigError(f"kind of figure must be one of {', '.join(KINDS)}, got {kind!r}")
    shown = panels(results, environment, **look)
    if KINDS[kind].over_environments:
        shown = together(shown)
    with matplotlib.rc_context(base_style(size)):
        figsize, rows, columns = panel_grid(len(shown), size, KINDS[kind].aspect)
        figure = Figure(figsize=figsize, layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (title, panel) in zip(grid, shown.items(), strict=False):
            KINDS[kind].draw(panel, axes)
            axes.set_title(title, pad=14 if kind == "spectrum" else 6, parse_math=False)
        for axes in grid[len(shown) :]:
            axes.set_axis_off()
        note_shortfalls(figure, results.shortfalls)
    return figure


def save(figure: Any, target: Path, size: str = "two-column") -> Path:
    """Write a figure in the format that the name ends in; a file that was there is replaced whole.

    Raises
    ------
    ConfigError
        If the format is not one of PDF, SVG, PNG and PGF, or is PGF and TeX is not installed.
    StoreError
        If the file cannot be written.
    """
    import matplotlib

    ending = target.suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise ConfigError(f"a figure's file must end in .pdf, .svg, .png or .pgf, got {target.name!r}")
    with matplotlib.rc_context(base_style(size)):
        engine = matplotlib.rcParams["pgf.texsystem"]
        if ending == "pgf" and shutil.which(engine) is None:
            raise ConfigError(f"PGF needs TeX to measure text, and {engine} was not found; write .pdf, .svg or .png")
        dates = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
        temporary = target.with_name(f".{target.name}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(temporary, format=ending, metadata=dates.get(ending))
            temporary.replace(target)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            raise StoreError(f"figure {target} cannot be written: {error.strerror or error}") from error
    return target


def draw_all(path: str | Path) -> Iterator[Path]:
    """Draw the figures that every sweep has into ``path/figures``, as PDF and PNG, and yield each file.

    ``regret_vs_memory``: a column for every environment; ``regret_curves``: a panel for every environment. Where no
    regret is known, ``memory`` and ``curves`` draw the loss.
    """
    import matplotlib

    from regret_experiments.figures.common import note_shortfalls, styles_of
    from regret_experiments.figures.kinds import panels
    from regret_experiments.figures.signature import signature_figure
    from regret_experiments.store.results import load
    from regret_experiments.tables.group import floats

    results = load(path)
    runs = results.runs
    if not (runs["status"] == "finished").any():
        return
    if floats(runs, "regret_upper").isna().all():
        for kind in ("memory", "curves"):
            figure = draw(results, kind)
            for ending in ("pdf", "png"):
                yield save(figure, Path(path) / "figures" / f"{kind}.{ending}")
        return
    tables, styles = {}, styles_of(runs)
    for title, panel in panels(results).items():
        table = panel.table.assign(dimension=panel.runs["dimension"].max())
        if panel.runs["stage"].iloc[0] == runs["stage"].iloc[-1] and table["regret_best"].notna().any():
            tables[title] = table
    if not tables:
        return
    with matplotlib.rc_context(base_style()):
        figures = {"regret_vs_memory": signature_figure(tables, styles=styles)}
        note_shortfalls(figures["regret_vs_memory"], results.shortfalls)
    figures["regret_curves"] = draw(results, "curves")
    for name, figure in figures.items():
        for ending in ("pdf", "png"):
            yield save(figure, Path(path) / "figures" / f"{name}.{ending}")
