"""Execution: play the missing runs of a plan, on one machine or on a cluster, and store them."""

from regret_experiments.execution.backends import BACKENDS, Backend
from regret_experiments.execution.sweep import Summary, run_sweep

__all__ = ["BACKENDS", "Backend", "Summary", "run_sweep"]
