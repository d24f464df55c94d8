"""Execution: what is missing of a plan is played, on one machine or on a cluster, and stored."""

from regret_experiments.execution.backends import BACKENDS, Backend
from regret_experiments.execution.sweep import Summary, run_sweep

__all__ = ["BACKENDS", "Backend", "Summary", "run_sweep"]
