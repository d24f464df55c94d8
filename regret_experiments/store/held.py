"""The whole runs of a directory by id, of which only some are held in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import final

from oco.errors import StoreError
from regret_experiments.store.reading import StoredRun
from regret_experiments.store.store import Store

MOST_HELD = 20_000
"""Runs that are held: a few hundred MB with their arrays. Others are read again whenever they are asked for."""


@final
class HeldRuns(Mapping[str, StoredRun]):
    """Runs by id, read and checked when they are asked for.

    Parameters
    ----------
    store
        Where they are.

    Attributes
    ----------
    ids
        Of the runs, in order.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[str, StoredRun] = {}
        self.ids: Collection[str] = ()

    def keep(self, run: StoredRun) -> None:
        """Hold a run that was read, while there is room."""
        if len(self._held) < MOST_HELD:
            self._held[run.id] = run

    def __getitem__(self, identifier: str) -> StoredRun:
        """One of the runs.

        Raises
        ------
        StoreError
            If its files were changed after the directory was opened, or on the disk since they were indexed.
        """
        if identifier in self._held:
            return self._held[identifier]
        if identifier not in self.ids:
            raise KeyError(identifier)
        run = self._store.read("runs", identifier)
        if run is None:
            raise StoreError(f"run {identifier} in {self._store.path} is damaged or gone: oco check says more")
        self.keep(run)
        return run

    def __iter__(self) -> Iterator[str]:
        """The ids."""
        return iter(self.ids)

    def __len__(self) -> int:
        """The number of runs."""
        return len(self.ids)
