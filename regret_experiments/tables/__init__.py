"""Tables: what a sweep found, as frames, text and CSV."""

from regret_experiments.tables.rank_table import best_runs, rank_table, theorem_runs
from regret_experiments.tables.text import shortfall_text, table_text

__all__ = ["best_runs", "rank_table", "shortfall_text", "table_text", "theorem_runs"]
