"""A record as HTML for notebooks: the numbers, the certificate as a bar, and a small curve."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from oco.html import COLOR, SECOND_COLOR, WIDTH, points, small, svg, table

if TYPE_CHECKING:
    from oco.record.record import Record

_BAR, _CURVE = 26.0, 90.0
"""Heights of the pictures, in pixels."""


def html(record: Record) -> str:
    """A table of the main results, with the certificate as a bar and the regret as a curve."""
    return table(f"{record.learner['name']} on {record.environment['kind']}", _rows(record))


def _rows(record: Record) -> list[tuple[str, str, str]]:
    rounds, horizon = record.scalars["rounds"], record.scalars["horizon"]
    of = "" if rounds == horizon else f" of {horizon:,}"
    rows = [("rounds", f"{rounds:,}{of}, seed {record.seed}", "")]
    rows.append(("cumulative loss", f"{record.cumulative_loss:.6g}", ""))
    if np.isfinite(record.regret.upper):
        rows.append(("regret", str(record.regret), _certificate(record)))
    if record.bound is not None:
        violated = f" — assumption violated: {'; '.join(record.violations)}" if record.violations else ""
        holds = f"{record.verdict}, " if np.isfinite(record.regret.upper) and not violated else ""
        rows.append(("bound", f"{record.bound.value:.6g} ({holds}{record.bound.theorem}){violated}", ""))
    if "held_out_average" in record.scalars:
        average, last = (record.scalars[f"held_out_{which}"] for which in ("average", "last"))
        rows.append(("held-out loss", f"{average:.6g} at the averaged point, {last:.6g} at the last", ""))
    formula = f" = {record.scalars['memory_formula']}" if record.scalars["memory_formula"] else ""
    rows.append(("state", f"{record.state_floats:,} floats{formula}", ""))
    curve = _curve(record)
    return [*rows, ("regret curve", "", curve)] if curve else rows


def _certificate(record: Record) -> str:
    """The interval of the regret as a bar, and the bound as a tick, from zero on."""
    regret, bound = record.regret, record.bound
    marks = [regret.lower, regret.upper, 0.0] + ([] if bound is None else [bound.value])
    finite = [mark for mark in marks if np.isfinite(mark)]
    low, high = min(finite), max(finite)
    scale = (WIDTH - 8.0) / (high - low) if high > low else 0.0

    def across(value: float) -> float:
        return 4.0 + (min(max(value, low), high) - low) * scale

    left, right = across(regret.lower), across(regret.upper)
    parts = [f'<line x1="4" x2="{WIDTH - 4:.1f}" y1="13" y2="13" stroke="currentColor" stroke-opacity="0.35"/>']
    zero = across(0.0)
    parts.append(f'<line x1="{zero:.1f}" x2="{zero:.1f}" y1="8" y2="18" stroke="currentColor" stroke-opacity="0.6"/>')
    parts.append(
        f'<rect x="{left - 1.5:.1f}" y="6" width="{right - left + 3.0:.1f}" height="14" rx="1.5" fill="{COLOR}">'
        f"<title>regret {escape(str(regret))}</title></rect>"
    )
    if bound is not None and np.isfinite(bound.value):
        at = across(bound.value)
        parts.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="3" y2="23" stroke="{SECOND_COLOR}" stroke-width="3">'
            f"<title>bound {bound.value:.6g}</title></line>"
        )
    bar = f"blue: the certified interval of the regret{'' if bound is None else '; orange: the bound'}; thin: zero"
    return svg(_BAR, bar, parts) + small(bar)


def _curve(record: Record) -> str:
    """The regret as a band with its upper edge, over log-spaced rounds; empty if it is not known at two checkpoints."""
    curves = record.curves
    known = np.isfinite(curves["regret_upper"]) & np.isfinite(curves["regret_lower"])
    if np.count_nonzero(known) < 2:
        return ""
    rounds, lower, upper = (curves[name][known] for name in ("round", "regret_lower", "regret_upper"))
    low, high = min(0.0, float(lower.min())), max(0.0, float(upper.max()))
    x = 4.0 + (WIDTH - 8.0) * np.log(rounds / rounds[0]) / np.log(rounds[-1] / rounds[0])
    scale = (_CURVE - 8.0) / (high - low) if high > low else 0.0
    over, under = (_CURVE - 4.0 - (heights - low) * scale for heights in (upper, lower))
    zero = _CURVE - 4.0 + low * scale
    parts = [
        f'<line x1="4" x2="{WIDTH - 4:.1f}" y1="{zero:.1f}" y2="{zero:.1f}" stroke="currentColor" '
        'stroke-opacity="0.35"/>',
        f'<polygon points="{points(x, over)} {points(x[::-1], under[::-1])}" fill="{COLOR}" fill-opacity="0.35"/>',
        f'<polyline points="{points(x, over)}" fill="none" stroke="{COLOR}" stroke-width="2"/>',
    ]
    about = f"regret after t rounds, t = {rounds[0]:,.0f} to {rounds[-1]:,.0f} (logarithmic), up to {high:.4g}"
    return svg(_CURVE, about, parts) + small(about)
