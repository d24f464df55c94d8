"""What a training experiment is: a task, optimizers with equal learning-rate grids, seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from oco.errors import ConfigError

Positive = Field(gt=0)


class OptimizerConfig(BaseModel):
    """One optimizer: a label, its kind and the options of its class (not the learning rate)."""

    model_config = ConfigDict(extra="forbid")
    name: str
    kind: Literal["adam", "nadam", "sgd", "shampoo", "sketchy_shampoo"]
    options: dict[str, Any] = {}


class ProbeConfig(BaseModel):
    """Follow spectra in the first fresh run of the first optimizer: snapshots per run and the probe's options."""

    model_config = ConfigDict(extra="forbid")
    snapshots: int = Field(default=4, ge=1)
    options: dict[str, Any] = {}


class TrainingConfig(BaseModel):
    """A whole experiment. The first optimizer is the baseline of the ratios in the table."""

    model_config = ConfigDict(extra="forbid")
    name: str
    task: str
    data: Literal["digits", "mnist"] = "digits"
    steps: int = Field(gt=0)
    evaluations: int = Field(default=20, ge=1)
    learning_rates: list[float] = Field(min_length=1)
    tuning_seed: int = 0
    seeds: list[int] = Field(min_length=1)
    optimizers: list[OptimizerConfig] = Field(min_length=1)
    probe: ProbeConfig | None = None

    @model_validator(mode="after")
    def _fair(self) -> TrainingConfig:
        if self.tuning_seed in self.seeds:
            raise ValueError(f"seeds must not contain the tuning seed {self.tuning_seed}, got {self.seeds}")
        names = [o.name for o in self.optimizers]
        if len(set(names)) < len(names):
            raise ValueError(f"optimizer names must differ, got {names}")
        if any(lr <= 0 for lr in self.learning_rates):
            raise ValueError(f"learning_rates must be positive, got {self.learning_rates}")
        return self


def parse_config(config: Mapping[str, Any]) -> TrainingConfig:
    """Validate a mapping; ConfigError names the first wrong field and what was given."""
    try:
        return TrainingConfig.model_validate(dict(config))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "config"
        raise ConfigError(f"{where}: {first['msg']} (got {first['input']!r})") from error
