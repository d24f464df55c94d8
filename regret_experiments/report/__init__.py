"""One self-contained HTML page that shows a sweep."""

from regret_experiments.report.page import render, write_report

__all__ = ["render", "write_report"]
