"""The JSON schema of configs, for editors."""

from __future__ import annotations

from typing import Any

from regret_experiments.config.models import SweepConfig


def json_schema() -> dict[str, Any]:
    """Return the schema: the models, with the names of the built-in learners and environments."""
    from oco.environments import ENVIRONMENTS
    from oco.learners import LEARNERS

    schema = SweepConfig.model_json_schema()
    for entry, registry in (("EnvironmentEntry", ENVIRONMENTS), ("LearnerEntry", LEARNERS)):
        # An editor suggests these; a plug-in's name is fine too.
        schema["$defs"][entry]["properties"]["kind"]["examples"] = sorted(registry)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
