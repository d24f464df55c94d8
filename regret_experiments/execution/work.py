"""The work of a worker: a named piece of work, and its outcome."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from regret_experiments.plan.content import WorkType
from regret_experiments.plugins import PluginModule, load_module
from regret_experiments.store.provenance import machine

if TYPE_CHECKING:
    from regret_experiments.store.arrays import Arrays


class Work(Protocol):
    """A game whose best fixed points are sought, a run that is played, or a network that is trained."""

    @property
    def type(self) -> WorkType:
        """``"game"``, ``"run"`` or ``"training"``."""

    @property
    def id(self) -> str:
        """Hash of the content; names the result."""

    @property
    def content(self) -> dict[str, Any]:
        """What it is, as plain values."""

    def perform(self) -> Outcome:
        """Do it; an error may be raised."""


@dataclass
class Outcome:
    """How a piece of work ended: metadata as plain values, and arrays."""

    id: str
    metadata: dict[str, Any]
    arrays: Arrays = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether there is a message instead of a result."""
        return bool(self.metadata["status"] == "failed")


def perform(work: Work, plugins: Sequence[PluginModule] = ()) -> Outcome:
    """Load the modules that ``work`` needs and do it; an error becomes an outcome that carries it."""
    began = time.perf_counter()
    try:
        for module in plugins:
            load_module(module.name, module.directory)
        outcome = work.perform()
    except Exception as error:
        outcome = failure(work, error)
    outcome.metadata["seconds"] = time.perf_counter() - began
    outcome.metadata["machine"] = machine()
    return outcome


def finished(work: Work, **facts: Any) -> dict[str, Any]:
    """Metadata of work that ended well."""
    return {"id": work.id, "status": "finished", "content": work.content, **facts}


def failure(work: Work, error: BaseException) -> Outcome:
    """Return the outcome of work that raised."""
    metadata = {
        "id": work.id,
        "status": "failed",
        "content": work.content,
        "error": type(error).__name__,
        "message": " ".join(str(error).split()) or type(error).__name__,
        "traceback": "".join(traceback.format_exception(error)),
    }
    return Outcome(work.id, metadata)
