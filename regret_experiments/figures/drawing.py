"""Figures of stored results as files."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from oco.errors import ConfigError, StoreError
from regret_experiments.figures.style import PANELS, base_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from regret_experiments.figures.kind import Kind
    from regret_experiments.store.results import Results

FORMATS = ("pdf", "svg", "png", "pgf")
AxisScale = Literal["log", "linear"]


def draw(results: Results, kind: str, **how: Any) -> Any:
    """Draw one kind of figure, a panel for every environment; returns the Matplotlib figure.

    Parameters
    ----------
    results
        What `regret_experiments.load` returned.
    kind
        A name of `regret_experiments.figures.kinds.KINDS`.
    **how
        As `drawn` takes it.
    """
    return drawn(results, kind, **how)[0]


def drawn(
    results: Results,
    kind: str,
    *,
    size: str = "two-column",
    environment: str | Sequence[str] | None = None,
    learners: Sequence[str] | None = None,
    columns: int | None = None,
    height: float | None = None,
    legend: bool = False,
    scale: str | None = None,
    x_scale: AxisScale | None = None,
    **look: Any,
) -> tuple[Any, str]:
    """Draw one kind of figure, a panel for every environment; returns the Matplotlib figure and its caption.

    Parameters
    ----------
    results
        What `regret_experiments.load` returned.
    kind
        A name of `regret_experiments.figures.kinds.KINDS`.
    size
        ``"one-column"``, ``"two-column"`` or ``"slide"``.
    environment
        Draw this one, or these in this order; by default all.
    learners
        Draw these, in this order; by default all. Their colours stay what they are in the whole sweep.
    columns, height
        Panels side by side, and the height of the figure in inches.
    legend
        Name the learners in one legend under the panels; where more of these are side by side than names have room
        for it is drawn anyway.
    scale, x_scale
        ``"log"`` or ``"linear"``, of the axes up and across; ``scale`` of regret curves can be ``"sqrt"``.
    **look
        ``rate``, ``against``, ``rank``, ``x``, ``group``, ``bounds`` and ``band`` of `Panel`; ``stage``: of this only.
    """
    import matplotlib

    from regret_experiments.figures.captions import caption_of
    from regret_experiments.figures.common import note_shortfalls
    from regret_experiments.figures.kinds import KINDS, panels, together
    from regret_experiments.figures.layout import Layout

    if kind not in KINDS:
        raise ConfigError(f"kind of figure must be one of {', '.join(KINDS)}, got {kind!r}")
    chosen = KINDS[kind]
    if scale is not None and kind == "curves":
        look["scale"], scale = scale, None
    _check_scales(kind, chosen, scale, x_scale)
    games = panels(results, environment, learners, **look)
    shown = together(games) if chosen.over_environments else games
    legend = legend or (chosen.names and chosen.scales and min(columns or 1, len(shown)) > PANELS[size])
    shared = legend or not chosen.names
    across = columns or (min(len(shown), chosen.wide[size]) if size in chosen.wide else None)
    with matplotlib.rc_context(base_style(size)):
        layout = Layout(len(shown), size, chosen.aspect, across, height, below=chosen.below is not None)
        styles: dict[str, Any] = {}
        for panel, axes, lower in zip(shown.values(), layout.upper, layout.lower, strict=True):
            styles |= {name: panel.styles[name] for name in dict.fromkeys(panel.runs["learner"].astype(str))}
            if legend and chosen.names:
                panel.styles = {name: replace(style, label="") for name, style in panel.styles.items()}
            chosen.draw(panel, axes)
            if chosen.below is not None and lower is not None:
                chosen.below(panel, lower)
            _rescale(axes, scale, x_scale)
        titles = [panel.heading(title) if chosen.says else title for title, panel in shown.items()]
        layout.write(titles, [chosen.says(panel) for panel in shown.values()] if chosen.says else (), chosen.pad)
        layout.tidy()
        if shared:
            layout.legend(styles, chosen.marks())
        note_shortfalls(layout.figure, results.shortfalls)
    return layout.figure, caption_of(chosen, games)


def _check_scales(name: str, kind: Kind, scale: str | None, x_scale: str | None) -> None:
    if scale == "sqrt":
        raise ConfigError(f"scale sqrt is of curves; {name} takes log or linear")
    if not kind.scales and (scale or x_scale):
        raise ConfigError(f"a figure of kind {name} has no axes to scale")


def _rescale(axes: Axes, scale: str | None, x_scale: str | None) -> None:
    from regret_experiments.figures.common import tidy_log

    if scale is not None:
        axes.set_yscale(scale)
        if scale == "linear":
            axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    if x_scale is not None:
        axes.set_xscale(x_scale)
    if scale or x_scale:
        tidy_log(axes)


def save(figure: Any, target: Path, size: str = "two-column", caption: str = "") -> Path:
    """Write a figure in the format that the name ends in; a file that was there is replaced whole.

    With a ``caption``, that is written beside it, to the same name with the ending ``.caption.txt``.

    Raises
    ------
    ConfigError
        If the format is not one of PDF, SVG, PNG and PGF, or is PGF and TeX is not installed.
    StoreError
        If the file cannot be written.
    """
    (written,) = save_all(figure, [target], size, caption)
    return written


def save_all(figure: Any, targets: Iterable[Path], size: str = "two-column", caption: str = "") -> list[Path]:
    """`save` in several formats; the figure is laid out once, at the first."""
    import matplotlib

    targets = list(targets)
    for target in targets:
        if _format(target) not in FORMATS:
            raise ConfigError(f"a figure's file must end in .pdf, .svg, .png or .pgf, got {target.name!r}")
    with matplotlib.rc_context(base_style(size)):
        engine = matplotlib.rcParams["pgf.texsystem"]
        if any(_format(target) == "pgf" for target in targets) and shutil.which(engine) is None:
            raise ConfigError(f"PGF needs TeX to measure text, and {engine} was not found; write .pdf, .svg or .png")
        laid_out = figure.get_layout_engine()
        try:
            for target in targets:
                with _drawn_once(figure):
                    _write(figure, target)
                figure.set_layout_engine(None)  # another format need not look for places again
        finally:
            figure.set_layout_engine(laid_out)
        if caption:
            from regret_experiments.store.files import write_atomic

            write_atomic(*((target.with_suffix(".caption.txt"), caption.encode()) for target in targets[:1]))
    return targets


@contextmanager
def _drawn_once(figure: Any) -> Iterator[None]:
    """Matplotlib draws a figure with a layout twice, the first time without ink: only places are found that time."""
    engine, draw = figure.get_layout_engine(), figure.draw

    def find_places_or_draw(renderer: Any) -> None:
        if engine is not None and figure.get_layout_engine() is engine:
            engine.execute(figure)
        else:
            draw(renderer)

    figure.draw = find_places_or_draw
    try:
        yield
    finally:
        del figure.draw


def _write(figure: Any, target: Path) -> None:
    dates = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    temporary = target.with_name(f".{target.name}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(temporary, format=_format(target), metadata=dates.get(_format(target)))
        temporary.replace(target)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise StoreError(f"figure {target} cannot be written: {error.strerror or error}") from error


def _format(target: Path) -> str:
    return target.suffix.lower().removeprefix(".")
