"""The store: results that survive whatever happens to the process that writes them."""

from regret_experiments.store.store import Store, StoredRun

__all__ = ["Store", "StoredRun"]
