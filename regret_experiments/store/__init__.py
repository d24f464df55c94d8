"""The store: results that stay whole if the process that writes them is killed."""

from regret_experiments.store.reading import Fault, StoredRun
from regret_experiments.store.store import Store

__all__ = ["Fault", "Store", "StoredRun"]
