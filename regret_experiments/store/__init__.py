"""The store: results that stay whole if the process that writes them is killed."""

from regret_experiments.store.store import Fault, Store, StoredRun

__all__ = ["Fault", "Store", "StoredRun"]
