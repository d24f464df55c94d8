"""Tables: what a sweep found, as frames, text and CSV."""

from regret_experiments.tables.rank_table import best_runs, rank_table
from regret_experiments.tables.text import table_text

__all__ = ["best_runs", "rank_table", "table_text"]
