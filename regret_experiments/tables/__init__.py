"""Tables of a sweep's results, as frames, text, Markdown and CSV."""

from regret_experiments.tables.column import Column
from regret_experiments.tables.columns import COLUMNS, RUN_COLUMNS
from regret_experiments.tables.rank_table import best_runs, measured, rank_table, theorem_runs
from regret_experiments.tables.text import shortfall_text, table_markdown, table_text

__all__ = [
    "COLUMNS",
    "RUN_COLUMNS",
    "Column",
    "best_runs",
    "measured",
    "rank_table",
    "shortfall_text",
    "table_markdown",
    "table_text",
    "theorem_runs",
]
