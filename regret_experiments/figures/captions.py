"""Captions of figures, computed from what was drawn: marks, games, learning rates and bands."""

from __future__ import annotations

from collections.abc import Mapping

from regret_experiments.figures.kind import Kind, Panel
from regret_experiments.figures.selection import Rate
from regret_experiments.figures.style import LearnerStyle
from regret_experiments.figures.trade import trade_of
from regret_experiments.tables.bands import BANDS, Band

RATE_TEXT: dict[Rate, str] = {
    "best": "at the best of all learning rates that were played, for each learner and rank by itself",
    "theorem": "at the theorem's learning rate",
}
"""The learning-rate policies in words."""


def band_text(band: Band) -> str:
    """What bands and whiskers are, as a sentence."""
    return f"Bands and whiskers are {BANDS[band]}."


def caption_of(kind: Kind, panels: Mapping[str, Panel]) -> str:
    """The caption of a figure of one kind with these panels, by title."""
    first = next(iter(panels.values()))
    meaning = kind.caption.format(rate=RATE_TEXT[first.rate], band=band_text(first.band), x=first.x.replace("_", " "))
    games = "; ".join(_game(title, panel, kind) for title, panel in panels.items())
    shortfalls = f" INCOMPLETE: {first.results.shortfalls[0]}" if first.results.shortfalls else ""
    return f"{meaning or f'{kind.title.capitalize()}.'} {games[0].upper()}{games[1:]}.{shortfalls}\n"


def _game(title: str, panel: Panel, kind: Kind) -> str:
    """One environment: its size, and what it shows where the kind of figure says that in words."""
    finished = panel.runs[panel.runs["status"] == "finished"]
    facts = []
    if finished["dimension"].notna().any() if "dimension" in finished else False:
        facts.append(f"d = {int(finished['dimension'].max()):,}")
    if finished["rounds"].notna().any() if "rounds" in finished else False:
        facts.append(f"{int(finished['rounds'].max()):,} rounds")
    orders = finished["order"].nunique()
    facts.append(f"{orders} order{'s' if orders > 1 else ''} of the data")
    said = f"{title} ({', '.join(facts)})"
    if not kind.says:
        return said
    sentence = kind.says(panel)
    return f"{said}: {sentence}".replace("\N{NO-BREAK SPACE}", " ") if sentence else said


def trade_sentence(panel: Panel) -> str:
    """What memory buys on one environment; empty where that cannot be told."""
    trade = trade_of(panel.table, panel.rate, panel.rank)
    return "" if trade is None else trade.sentence(names_of(panel.styles))


def names_of(styles: Mapping[str, LearnerStyle]) -> dict[str, str]:
    """The learners' names in figures, by their names in the sweep."""
    return {name: style.label for name, style in styles.items()}
