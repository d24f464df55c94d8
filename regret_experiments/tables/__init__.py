"""Tables of a sweep's results, as frames, text, Markdown, LaTeX and CSV."""

from regret_experiments.tables.column import Column
from regret_experiments.tables.columns import COLUMNS, RUN_COLUMNS
from regret_experiments.tables.group import Group
from regret_experiments.tables.latex import table_latex
from regret_experiments.tables.rank_table import best_runs, measured, rank_table, theorem_runs
from regret_experiments.tables.text import shortfall_text, table_markdown, table_text
from regret_experiments.tables.ties import Ties, best_and_ties
from regret_experiments.tables.view import View, table_view

__all__ = [
    "COLUMNS",
    "RUN_COLUMNS",
    "Column",
    "Group",
    "Ties",
    "View",
    "best_and_ties",
    "best_runs",
    "measured",
    "rank_table",
    "shortfall_text",
    "table_latex",
    "table_markdown",
    "table_text",
    "table_view",
    "theorem_runs",
]
