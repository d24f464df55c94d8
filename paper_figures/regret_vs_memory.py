"""Draw the main figure from the committed tables: python -m paper_figures.regret_vs_memory.

The tables are in results/reference/rank_sweep/: table.csv, which `python -m paper_figures.reference_table` makes from
the results of configs/rank_sweep.yaml, and why.csv with spectra, tail masses and escaped traces of the gradients. Where
those results are in results/rank_sweep, why.csv is written again from them first.
"""

from __future__ import annotations

import matplotlib
import pandas as pd

from paper_figures.pieces import ROOT, Places
from regret_experiments import load, rank_table
from regret_experiments.figures import signature_figure
from regret_experiments.figures.captions import RATE_TEXT, band_text, names_of
from regret_experiments.figures.common import styles_of
from regret_experiments.figures.signature import CAPTION
from regret_experiments.figures.style import base_style
from regret_experiments.figures.trade import trade_of
from regret_experiments.figures.why import why_frame

REFERENCE = ROOT / "results" / "reference" / "rank_sweep"


def main(arguments: list[str] | None = None) -> None:
    """Write regret_vs_memory.png, .pdf and .txt, the caption."""
    places = Places.from_arguments(__doc__, arguments)
    if (places.results / "rank_sweep" / "plan.json").is_file():
        write_why(places)
    table = pd.read_csv(REFERENCE / "table.csv", dtype={"rank": "Int64"})
    why = pd.read_csv(REFERENCE / "why.csv")
    tables = {str(name): rows for name, rows in table.groupby("environment", sort=False)}
    names, said = names_of(styles_of(table)), []
    for name, rows in tables.items():
        trade = trade_of(rows)
        facts = f"{name.replace('_', ' ')} (d = {int(rows['dimension'].max())}, {int(rows['orders'].max())} orders)"
        said.append(facts if trade is None else f"{facts}: {trade.sentence(names)}")
    with matplotlib.rc_context(base_style()):
        figure = signature_figure(tables, why={name: why[why["environment"] == name] for name in tables})
    caption = CAPTION.format(rate=RATE_TEXT["best"], band=band_text("range"))
    places.write_figure("regret_vs_memory", figure, f"{caption} {'; '.join(said)}.".replace("\N{NO-BREAK SPACE}", " "))


def write_why(places: Places) -> None:
    """Write why.csv from the stored results of the sweep."""
    results = load(places.results / "rank_sweep")
    parts = []
    for name, runs in results.runs.groupby("environment", sort=False):
        trade = trade_of(rank_table(runs))
        if trade is not None:
            frame = why_frame(results, runs, trade.sketch, trade.rank)
            parts.append(frame.assign(environment=name, rank=trade.rank))
    columns = ["environment", "rank", "quantity", "index", "share"]
    pd.concat(parts)[columns].to_csv(REFERENCE / "why.csv", index=False, float_format="%.6g", lineterminator="\n")


if __name__ == "__main__":
    main()
