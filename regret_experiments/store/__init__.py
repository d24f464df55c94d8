"""The store: results that survive whatever happens to the process that writes them."""

from regret_experiments.store.store import Fault, Store, StoredRun

__all__ = ["Fault", "Store", "StoredRun"]
