"""The config of a training experiment: a task, optimizers with equal learning-rate grids, seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from regret_experiments.config.document import Document, read_document
from regret_experiments.config.messages import first_error
from regret_experiments.config.overrides import override
from regret_experiments.training.sizes import check_sizes


def label_of(name: str, rank: int | None) -> str:
    """What an optimizer at one rank is called in tables."""
    return name if rank is None else f"{name} k={rank}"


class OptimizerConfig(BaseModel):
    """One optimizer: a name, its kind and the options of its class, but the learning rate.

    The kind is one of `oco.torch.OPTIMIZERS` or a class of yours, ``package.module:Class``. ``rest`` are options of the
    group of vectors, embeddings and last layers, with a ``factor`` of the learning rate; without it there is one group.
    Entries may share a name where they differ in the option ``rank``: they are one learner at several ranks.
    """

    model_config = ConfigDict(extra="forbid")
    name: str
    kind: str
    options: dict[str, Any] = {}
    rest: dict[str, Any] | None = None

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        from oco.torch import OPTIMIZERS  # importing this module must not import torch

        if kind not in OPTIMIZERS and ":" not in kind:
            known = ", ".join(map(repr, OPTIMIZERS))
            raise ValueError(f"must be {known}, or a class of yours as 'package.module:Class', got {kind!r}")
        return kind

    @property
    def rank(self) -> int | None:
        """The option ``rank`` where it is a number of directions."""
        rank = self.options.get("rank")
        return rank if isinstance(rank, int) else None

    @property
    def label(self) -> str:
        """The name, with the rank where there is one."""
        return label_of(self.name, self.rank)


class ProbeConfig(BaseModel):
    """Follow spectra in the first fresh run of one optimizer, by its label (default: the first)."""

    model_config = ConfigDict(extra="forbid")
    optimizer: str | None = None
    snapshots: int = Field(default=4, ge=1)
    options: dict[str, Any] = {}

    @field_validator("options")
    @classmethod
    def _allowed(cls, options: dict[str, Any]) -> dict[str, Any]:
        from oco.torch.spectrum import check_probe_options  # importing this module must not import torch

        check_probe_options(options)
        return options


class UpdateRegretConfig(BaseModel):
    """Record the regret of the updates in the first fresh run of every optimizer; see `oco.torch.UpdateRegret`."""

    model_config = ConfigDict(extra="forbid")
    window: int = Field(default=50, ge=1)
    discount: float = Field(default=0.99, ge=0.0, lt=1.0)


class TrainingConfig(BaseModel):
    """A whole experiment. The first optimizer is the baseline of the ratios in the table."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=r"^[\w][\w .+@-]*$", max_length=100)
    description: str = ""
    task: Literal["aex", "mlp", "conv", "vit", "gpt", "teacher", "burgers"]
    data: Literal["digits", "mnist"] = "digits"
    sizes: dict[str, Any] = {}
    steps: int = Field(ge=1)
    evaluations: int = Field(default=20, ge=1)
    learning_rates: list[float] = Field(min_length=1)
    tuning_seed: int = 0
    seeds: list[int] = Field(min_length=1)
    optimizers: list[OptimizerConfig] = Field(min_length=1)
    probe: ProbeConfig | None = None
    update_regret: UpdateRegretConfig | None = None

    @field_validator("sizes")
    @classmethod
    def _of_the_task(cls, sizes: dict[str, Any], others: ValidationInfo) -> dict[str, Any]:
        if {"task", "data"} <= others.data.keys():
            check_sizes(others.data["task"], others.data["data"], sizes)
        return sizes

    @model_validator(mode="after")
    def _fair(self) -> TrainingConfig:
        if self.tuning_seed in self.seeds:
            raise ValueError(f"seeds must not contain the tuning seed {self.tuning_seed}, got {self.seeds}")
        labels = [o.label for o in self.optimizers]
        if len(set(labels)) < len(labels):
            raise ValueError(f"optimizers must differ in name or rank, got {labels}")
        if self.probe is not None and self.probe.optimizer not in (None, *labels):
            raise ValueError(f"probe.optimizer must be one of {', '.join(labels)}, got {self.probe.optimizer!r}")
        snapshots = 1 if self.probe is None else self.probe.snapshots
        if snapshots > self.steps:
            raise ValueError(f"probe.snapshots must be at most steps, {self.steps}, got {snapshots}")
        window = 1 if self.update_regret is None else self.update_regret.window
        if window > self.steps:
            raise ValueError(f"update_regret.window must be at most steps, {self.steps}, got {window}")
        if any(lr <= 0 for lr in self.learning_rates):
            raise ValueError(f"learning_rates must be positive, got {self.learning_rates}")
        return self


def load_training(path: str | Path, settings: Iterable[str] = ()) -> tuple[TrainingConfig, Document]:
    """Load the config at ``path`` with ``key=value`` overrides; its name is the file's unless it says another.

    Raises
    ------
    ConfigError
        One sentence with file, line and path in the config.
    """
    document = override(read_document(path), settings)
    return parse_training({"name": Path(path).stem, **document.value}, document), document


def parse_training(config: Mapping[str, Any], document: Document | None = None) -> TrainingConfig:
    """Validate a mapping; ConfigError names the first wrong field and what was given."""
    try:
        return TrainingConfig.model_validate(dict(config))
    except ValidationError as invalid:
        shown = Document("config", dict(config), {}, "") if document is None else document
        raise first_error(shown, TrainingConfig, invalid) from None
