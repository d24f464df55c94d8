"""Draw docs/figures/architecture.svg from the layers that the tests enforce: ``python docs/draw_architecture.py``."""

from __future__ import annotations

import runpy
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).parent / "figures" / "architecture.svg"
ABOUT = {
    "attacks, checks, estimators": "worst streams by search; conformance checks; estimators",
    "game, matrix_game": "the loop: predict, reveal, update; two learners at play",
    "arguments, continuing, tracking": "arguments of play; games in parts; observers",
    "record, spec": "what is kept of a game; parts as plain values",
    "environments": "data x loss, streams, adversaries",
    "comparators, learners": "best fixed points; the algorithms",
    "regret": "intervals, bounds, spectrum",
    "datasets, domains, losses, sketching": "know nothing of learners",
    "compile, metrics, plugins": "compiled kernels; norms; registries",
    "dispatcher, lane_code": "how Numba compiles kernels and lanes",
    "exchange": "who is shown what, and when",
    "decomposition, html, kernel_cache, keywords, lanes, memory, needs, "
    "numbers, plain_file, progress, showing, snapshot": "",
    "carried_kernels, errors, types": "the ground",
}
CHAIN = ("config", "plan", "execution", "store", "tables, figures, report")
WIDTH, ROW = 720, 34
LONGEST = 75
"""Letters of the names of a row from which on they are squeezed into it; such a row has no words beside them."""


def picture() -> str:
    """The SVG: the chain of a sweep on top, below it the layers of the library, arrows going down only."""
    layers = runpy.run_path(str(ROOT / "tests" / "layers.py"))["LAYERS"]
    names = [", ".join(sorted(layer - {"_version"})) for layer in reversed(layers)]
    missing = [name for name in names if name not in ABOUT]
    assert not missing, f"say in ABOUT what {missing} are"
    top = 118
    height = top + ROW * len(names) + 42
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        'font-size="14" role="img">',
        "<title>Layers of the two packages; imports go down</title>",
        '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        _text(16, 24, "regret_experiments: many games", bold=True),
    ]
    x = 16
    for i, name in enumerate(CHAIN):
        width = 172 if i == len(CHAIN) - 1 else 100
        parts.append(_box(x, 36, width, 30, "#DCE9F5"))
        parts.append(_text(x + width / 2, 56, name, middle=True))
        if i:
            parts.append(_arrow(x - 28, 51, x - 3, 51))
        x += width + 30
    parts.append(_arrow(WIDTH / 2, 68, WIDTH / 2, top - 28))
    parts.append(_text(16, top - 12, "oco: one game", bold=True))
    parts.append(_text(WIDTH / 2 + 8, 86, "imports", color="#555"))
    for i, name in enumerate(names):
        y = top + ROW * i
        parts.append(_box(16, y, WIDTH - 60, ROW - 6, "#F3EBDD" if i % 2 else "#FAF5EC"))
        fitted = f'<tspan textLength="{WIDTH - 84}" lengthAdjust="spacingAndGlyphs">{escape(name)}</tspan>'
        text = _text(28, y + 19, name, bold=True)
        parts.append(text if len(name) < LONGEST else text.replace(escape(name), fitted))
        parts.append(_text(WIDTH - 56, y + 19, ABOUT[name], color="#444", end=True))
    parts.append(_arrow(WIDTH - 26, top, WIDTH - 26, top + ROW * len(names) - 8))
    parts.append(_text(16, height - 14, "oco.torch stands beside: it imports errors and types only", color="#444"))
    return "\n".join([*parts, "</svg>", ""])


def _box(x: float, y: float, width: float, height: float, color: str) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5" fill="{color}" stroke="#999"/>'


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:g} {y1:g} {x2:g} {y2:g}" stroke="#555" stroke-width="1.5" marker-end="url(#a)"/>'


def _text(
    x: float, y: float, text: str, *, bold: bool = False, middle: bool = False, end: bool = False, color: str = "#111"
) -> str:
    anchor = "middle" if middle else "end" if end else "start"
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{color}"{weight}>{escape(text)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(picture())
