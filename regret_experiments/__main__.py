"""``python -m regret_experiments`` is ``oco``."""

from regret_experiments.cli import main

main()
