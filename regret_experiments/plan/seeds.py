"""Seeds derived from content: one for the order of the data, one for the learner's random numbers."""

from __future__ import annotations

from typing import Any

from regret_experiments.plan.content import content_hash


def order_seed(environment: Any, order: int) -> int:
    """Seed of the stream number ``order`` of an environment: the same for every learner that plays it."""
    return _seed({"axis": "order", "environment": _named(environment)}, order)


def learner_seed(environment: Any, learner: Any, order: int, repetition: int) -> int:
    """Seed of a randomized learner: its own for every environment, order and repetition."""
    content = {"axis": "learner", "environment": _named(environment), "learner": _named(learner), "order": order}
    return _seed(content, repetition)


def _named(part: Any) -> Any:
    """The config of a part without its version, so that another version of a package gets the same seeds."""
    return {key: value for key, value in part.items() if key != "plugin"} if isinstance(part, dict) else part


def _seed(content: Any, index: int) -> int:
    import numpy as np

    digest = content_hash(content)
    words = [int(digest[i : i + 8], 16) for i in range(0, 16, 8)]
    # 53 bits, so that a seed survives programs that read JSON's numbers as floats.
    return int(np.random.SeedSequence(words, spawn_key=(index,)).generate_state(1, np.uint64)[0] >> np.uint64(11))
